/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One question, one connection. It runs inside sshd, cron and whatever else looks a name up,
 * so it keeps nothing: a connection that was kept would have to survive fork, closefrom and
 * a host that reuses descriptor numbers, and on a local socket it would save three
 * microseconds.
 *
 * The reply is received straight to where it belongs (header, fixed part, caller's buffer)
 * with one recvmsg when the daemon sent it in one piece, and every wait is bounded by the
 * caller's one deadline.
 */
#include "src/client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/client/peer.h"
#include "src/wire/codec.h"

/* One request per connection: any constant tells its reply from a stray one. */
#define SERIAL         1u
#define FIRST_FREE_FD  3
#define BACKOFF_MAX_MS 16

/* A reply on its way in: where its bytes go, and how many have come. */
struct incoming {
	uint8_t header[KU_WIRE_HEADER_LEN];
	struct iovec parts[3];
	size_t got;
};

static void
fd_close(const int *fd)
{
	/* EINTR included: on Linux the descriptor is gone either way */
	if (*fd >= 0)
		(void)close(*fd);
}

/* A host may run with 0, 1 or 2 closed; what it then prints must not reach the daemon. */
static int
move_above_stdio(int fd)
{
	int moved, r;

	if (fd < 0 || fd >= FIRST_FREE_FD)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	r = moved < 0 ? -errno : moved;
	(void)close(fd);
	return r;
}

static int
open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : move_above_stdio(fd);
}

/* Sleeps at most `ms`, and not past the deadline. */
static int
back_off(int ms, struct deadline deadline)
{
	int left = deadline_left_ms(deadline);

	if (left == 0)
		return -ETIMEDOUT;
	(void)poll(NULL, 0, ms < left ? ms : left);
	return 0;
}

static int
connect_by(int fd, const char *path, struct deadline deadline)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int r, ms = 1;

	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, len + 1);
	while (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		if (errno == EISCONN)
			return 0;
		if (errno == EINTR)
			continue;
		/* EAGAIN: the daemon's accept queue is full */
		if (errno != EAGAIN)
			return -errno;
		r = back_off(ms, deadline);
		if (r < 0)
			return r;
		ms = ms < BACKOFF_MAX_MS ? ms * 2 : ms;
	}
	return 0;
}

static int
wait_for(int fd, short events, struct deadline deadline)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int r = poll(&p, 1, deadline_left_ms(deadline));

		if (r > 0)
			return (p.revents & POLLNVAL) != 0 ? -EBADF : 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
		if (deadline_left_ms(deadline) == 0)
			return -ETIMEDOUT;
	}
}

/* Fills `iov` with what is left of `parts` after `skip` bytes; the number of entries. */
static size_t
iov_after(const struct iovec *parts, size_t n_parts, size_t skip, struct iovec *iov)
{
	size_t n = 0;

	for (size_t i = 0; i < n_parts; i++) {
		size_t here = skip < parts[i].iov_len ? skip : parts[i].iov_len;

		skip -= here;
		if (here == parts[i].iov_len)
			continue;
		iov[n].iov_base = (uint8_t *)parts[i].iov_base + here;
		iov[n++].iov_len = parts[i].iov_len - here;
	}
	return n;
}

static int
send_request(int fd, const struct client_call *call, struct deadline deadline)
{
	uint8_t header[KU_WIRE_HEADER_LEN];
	const struct iovec parts[] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		/* sendmsg only reads it; iovec has no const form */
		{ .iov_base = (void *)(uintptr_t)call->req, .iov_len = call->req_len },
	};
	size_t sent = 0, total = sizeof(header) + call->req_len;

	frame_put(header,
	    &(struct frame_header){
		.version = KU_WIRE_VERSION,
		.op = call->op,
		.serial = SERIAL,
		.length = (uint32_t)call->req_len,
	    });
	while (sent < total) {
		struct iovec iov[ARRAY_SIZE(parts)];
		struct msghdr msg = { .msg_iov = iov };
		ssize_t n;
		int r;

		msg.msg_iovlen = iov_after(parts, ARRAY_SIZE(parts), sent, iov);
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

/* At least one byte more, or why not. EOF is -ECONNRESET. */
static int
receive_some(int fd, struct incoming *in, struct deadline deadline)
{
	for (;;) {
		struct iovec iov[ARRAY_SIZE(in->parts)];
		struct msghdr msg = { .msg_iov = iov };
		ssize_t n;
		int r = wait_for(fd, POLLIN, deadline);

		if (r < 0)
			return r;
		msg.msg_iovlen = iov_after(in->parts, ARRAY_SIZE(in->parts), in->got,
		    iov);
		if (msg.msg_iovlen == 0)
			return -EPROTO;
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
		if (n > 0) {
			in->got += (size_t)n;
			return 0;
		}
		if (n == 0)
			return -ECONNRESET;
		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (deadline_left_ms(deadline) == 0)
			return -ETIMEDOUT;
	}
}

/* The header is here: 1 and *ret_total when a body is to be read, 0 when all is said. */
static int
judge_header(struct client_call *call, const struct incoming *in, size_t *ret_total)
{
	struct frame_header h;
	int r = frame_get(in->header, &h);

	if (r < 0)
		return r;
	if (h.version != KU_WIRE_VERSION) {
		call->status = KU_ST_VERSION;
		return 0;
	}
	if (h.op != call->op || h.serial != SERIAL || h.length > KU_MAX_REPLY)
		return -EPROTO;
	call->status = h.status;
	if (h.status == KU_ST_OK && h.length < call->head_len)
		return -EPROTO;
	if (h.length >= call->head_len)
		call->tail_len = h.length - call->head_len;
	if (call->tail_len > call->tail_cap) {
		if (h.status == KU_ST_OK)
			return -ERANGE;
		call->tail_len = 0;
		return 0;
	}
	*ret_total = KU_WIRE_HEADER_LEN + h.length;
	return 1;
}

/* *ret_got tells whether any byte of a reply was seen. */
static int
receive_reply(int fd, struct client_call *call, struct deadline deadline, size_t *ret_got)
{
	struct incoming in = { .got = 0 };
	size_t total = 0;
	int r = 1;

	in.parts[0] = (struct iovec){ .iov_base = in.header,
		.iov_len = sizeof(in.header) };
	in.parts[1] = (struct iovec){ .iov_base = call->head, .iov_len = call->head_len };
	in.parts[2] = (struct iovec){ .iov_base = call->tail, .iov_len = call->tail_cap };
	do {
		r = receive_some(fd, &in, deadline);
		*ret_got = in.got;
		if (r < 0)
			return r;
		if (in.got < sizeof(in.header) || total != 0)
			continue;
		r = judge_header(call, &in, &total);
		if (r <= 0)
			return r;
	} while (total == 0 || in.got < total);
	return in.got == total ? 0 : -EPROTO;
}

/* The NSS module sends no secrets and is compiled without the means to. */
static int
verify(int fd, const struct client_call *call)
{
	if (!call->verify_peer)
		return 0;
#ifdef KU_CLIENT_WITHOUT_PEER
	(void)fd;
	return -EPERM;
#else
	return peer_verify(fd, call->path);
#endif
}

static int
attempt(struct client_call *call, struct deadline deadline, size_t *ret_got)
{
	cleanup_(fd_close) int fd = open_socket();
	int r;

	*ret_got = 0;
	if (fd < 0)
		return fd;
	r = connect_by(fd, call->path, deadline);
	if (r == 0)
		r = verify(fd, call);
	if (r == 0)
		r = send_request(fd, call, deadline);
	if (r == 0)
		r = receive_reply(fd, call, deadline, ret_got);
	/* the host closed it under us: the number may be somebody else's by now */
	if (r == -EBADF)
		fd = -1;
	return r;
}

static int
call_with_retry(struct client_call *call, struct deadline deadline)
{
	size_t got;
	int r = attempt(call, deadline, &got);

	/* Nothing was answered, so nothing was done: the daemon restarted under us. */
	if (got == 0 && (r == -ECONNRESET || r == -EPIPE))
		r = attempt(call, deadline, &got);
	return r;
}

int
client_call(struct client_call *call, struct deadline deadline)
{
	int saved = errno;
	int state, r;

	call->status = 0;
	call->tail_len = 0;
	if (call->req_len > KU_MAX_REPLY)
		return -EMSGSIZE;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	r = call_with_retry(call, deadline);
	(void)pthread_setcancelstate(state, NULL);
	errno = saved;
	return r;
}
