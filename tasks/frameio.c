/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Frames for a program that does one thing at a time: wait until a whole one is there, or
 * has gone out, or the time is over. The resolver's own server is event driven; here that
 * would only hide that a home is made while nothing else happens.
 */
#include "tasks/frameio.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/fd.h"
#include "tasks/at.h"

int
frameio_connect(const char *path, uint32_t *ret_uid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);
	cleanup_(fd_closep) int fd = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	memcpy(sun.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_uid = cred.uid;
	rc = fd;
	fd = -1;
	return rc;
}

static int
wait_until(int fd, short events, struct deadline d)
{
	struct pollfd p = { .fd = fd, .events = events };
	int left = deadline_left_ms(d);
	int n = left > 0 ? poll(&p, 1, left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int
recv_all(int fd, struct deadline d, uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, data, len, MSG_DONTWAIT);
		int rc;

		if (n == 0)
			return -ECONNRESET;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = wait_until(fd, POLLIN, d);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
send_all(int fd, struct deadline d, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		int rc;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		rc = wait_until(fd, POLLOUT, d);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
frameio_recv(int fd, struct deadline d, struct frame_header *ret_h, void *body,
    size_t cap)
{
	uint8_t head[KU_WIRE_HEADER_LEN];
	int rc = recv_all(fd, d, head, sizeof(head));

	if (rc == 0)
		rc = frame_get(head, ret_h);
	if (rc < 0)
		return rc;
	if (ret_h->length > cap)
		return -EMSGSIZE;
	return recv_all(fd, d, body, ret_h->length);
}

int
frameio_send(int fd, struct deadline d, struct frame_header h, const void *body)
{
	uint8_t out[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ];

	if (h.length > KU_TASK_MAX_REQ)
		return -EMSGSIZE;
	h.version = KU_WIRE_VERSION;
	frame_put(out, &h);
	if (h.length > 0)
		memcpy(out + KU_WIRE_HEADER_LEN, body, h.length);
	return send_all(fd, d, out, KU_WIRE_HEADER_LEN + h.length);
}

int
frameio_send_text(int fd, struct deadline d, struct frame_header h, const char *text)
{
	uint8_t body[KU_TASK_MAX_REPLY];
	struct enc e;
	uint32_t len = (uint32_t)strnlen(text, sizeof(body) - 8);

	enc_init(&e, body, sizeof(body));
	enc_u32(&e, len + 1);
	enc_bytes(&e, text, len);
	enc_u8(&e, 0);
	h.length = (uint32_t)e.len;
	return frameio_send(fd, d, h, body);
}

const char *
frameio_text(const void *body, size_t len)
{
	struct dec d;
	const char *text;
	uint32_t n;

	dec_init(&d, body, len);
	n = dec_u32(&d);
	if (d.failed || n != d.len - d.pos)
		return "";
	text = dec_strz(&d);
	return text != NULL && dec_done(&d) ? text : "";
}
