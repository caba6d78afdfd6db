/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Both ends of a connection in one thread: whoever waits for bytes turns the server's loop
 * meanwhile, so a test reads like a conversation and has a deadline everywhere.
 */
#include "unit/src/unixd/server/harness.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/deadline.h"

#define PATIENCE_MS 20000

void
harness_start(struct harness *h, const struct server_settings *s)
{
	struct server_settings none = { .own_uid = 12345 };

	fake_init(&h->resolver);
	fake_login_init(&h->login);
	assert_int_equal(loop_new(&h->loop), 0);
	h->server = server_new(h->loop, &h->resolver, s != NULL ? s : &none);
	server_set_login(h->server, &h->login);
}

void
harness_stop(struct harness *h)
{
	h->server = server_free(h->server);
	assert_int_equal(h->resolver.n_waiting, 0);
	assert_int_equal(h->login.n_waiting, 0);
	h->loop = loop_free(h->loop);
}

int
harness_connect(struct harness *h, uid_t uid)
{
	uid_t me = geteuid();
	int fds[2];

	if (uid != me && me != 0)
		skip();
	assert_int_equal(uid == me ? 0 : seteuid(uid), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			     0, fds),
	    0);
	assert_int_equal(uid == me ? 0 : seteuid(me), 0);
	server_accepted(h->server, fds[0]);
	return fds[1];
}

void
harness_send(int fd, const void *bytes, size_t len)
{
	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void
harness_request(int fd, uint16_t op, uint32_t serial, const void *body, size_t len)
{
	uint8_t frame[KU_WIRE_HEADER_LEN + 2048];
	struct frame_header h = {
		.version = KU_WIRE_VERSION,
		.op = op,
		.serial = serial,
		.length = (uint32_t)len,
	};

	assert_true(len <= 2048);
	frame_put(frame, &h);
	if (len != 0)
		memcpy(frame + KU_WIRE_HEADER_LEN, body, len);
	harness_send(fd, frame, KU_WIRE_HEADER_LEN + len);
}

void
harness_ask_name(int fd, uint16_t op, uint32_t serial, const char *name)
{
	uint8_t body[1024];
	struct enc e;

	enc_init(&e, body, sizeof(body));
	enc_str(&e, name);
	assert_false(e.failed);
	harness_request(fd, op, serial, body, e.len);
}

void
harness_ask_pam(int fd, uint16_t op, uint32_t serial, const char *name,
    const char *password)
{
	uint8_t body[2048];
	struct enc e;

	enc_init(&e, body, sizeof(body));
	enc_u32(&e, KU_PAM_SILENT);
	enc_str(&e, name);
	enc_str(&e, "sshd");
	enc_str(&e, "ssh");
	enc_str(&e, "192.0.2.7");
	if (password != NULL)
		enc_str(&e, password);
	assert_false(e.failed);
	harness_request(fd, op, serial, body, e.len);
}

size_t
harness_read(struct harness *h, int fd, void *buf, size_t n)
{
	struct deadline deadline = deadline_in_ms(PATIENCE_MS);
	size_t got = 0;

	while (got < n) {
		ssize_t r = recv(fd, (uint8_t *)buf + got, n - got, MSG_DONTWAIT);

		if (r == 0 || (r < 0 && errno == ECONNRESET))
			return got;
		if (r > 0) {
			got += (size_t)r;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		assert_int_not_equal(deadline_left_ms(deadline), 0);
		assert_int_equal(loop_turn(h->loop, 5), 0);
	}
	return got;
}

void
harness_reply(struct harness *h, int fd, struct answer_frame *ret)
{
	uint8_t header[KU_WIRE_HEADER_LEN];

	assert_int_equal(harness_read(h, fd, header, sizeof(header)), sizeof(header));
	assert_int_equal(frame_get(header, &ret->h), 0);
	assert_true(ret->h.length <= sizeof(ret->body));
	assert_int_equal(harness_read(h, fd, ret->body, ret->h.length), ret->h.length);
}

bool
harness_is_closed(struct harness *h, int fd)
{
	uint8_t byte;

	return harness_read(h, fd, &byte, 1) == 0;
}

void
harness_settle(struct harness *h)
{
	for (int i = 0; i < 5; i++)
		assert_int_equal(loop_turn(h->loop, 0), 0);
}
