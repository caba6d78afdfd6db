/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The client's reassembly of a reply that comes in any pieces. Input: operation and sizes of
 * the caller's buffers, a seed for the pieces, then what the daemon sends before it hangs
 * up. The verdict may not depend on the pieces, and a reply that is taken must be the bytes
 * that were sent. The client is compiled in here with its two system calls replaced, which
 * are interrupted and find nothing as the seed says; that may not matter either.
 */
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int fuzz_poll(struct pollfd *fds, nfds_t n, int timeout);
static ssize_t fuzz_recvmsg(int fd, struct msghdr *msg, int flags);

#define poll    fuzz_poll
#define recvmsg fuzz_recvmsg
#include "src/client/client.c"
#include "tests/fuzz/roll.h"
#undef poll
#undef recvmsg

static struct {
	const uint8_t *data;
	size_t size;
	size_t at;
	unsigned seed; /* 0: everything at once */
} wire;

static int
fuzz_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	(void)timeout;
	if (wire.seed != 0 && roll(&wire.seed, 8) == 0) {
		errno = EINTR;
		return -1;
	}
	if (n == 1)
		fds->revents = fds->events;
	return 1;
}

static ssize_t
fuzz_recvmsg(int fd, struct msghdr *msg, int flags)
{
	size_t most = wire.size - wire.at, done = 0;

	(void)fd, (void)flags;
	if (wire.seed != 0) {
		/* A signal, and a readiness that was none: tried again, and no more. */
		if (roll(&wire.seed, 8) == 0) {
			errno = roll(&wire.seed, 2) == 0 ? EINTR : EAGAIN;
			return -1;
		}
		if (most > 0)
			most = 1 + roll(&wire.seed, (unsigned)most);
	}
	for (size_t i = 0; i < msg->msg_iovlen && done < most; i++) {
		size_t here = msg->msg_iov[i].iov_len;

		if (here > most - done)
			here = most - done;
		memcpy(msg->msg_iov[i].iov_base, wire.data + wire.at + done, here);
		done += here;
	}
	wire.at += done;
	return (ssize_t)done;
}

struct verdict {
	int r;
	uint16_t status;
	size_t tail_len;
};

static struct verdict
receive(const struct client_call *shape, const uint8_t *data, size_t size, unsigned seed)
{
	struct client_call call = *shape;
	struct verdict v;
	size_t got = 0;

	wire.data = data;
	wire.size = size;
	wire.at = 0;
	wire.seed = seed;
	/* exactly as large as said, so that a byte too many is seen */
	call.head = malloc(call.head_len + 1);
	call.tail = malloc(call.tail_cap + 1);
	if (call.head == NULL || call.tail == NULL)
		abort();
	call.head = realloc(call.head, call.head_len + (call.head_len == 0));
	call.tail = realloc(call.tail, call.tail_cap + (call.tail_cap == 0));
	v.r = receive_reply(3, &call, deadline_in_ms(60000), &got);
	v.status = call.status;
	v.tail_len = call.tail_len;
	if (v.r == 0 && call.status == KU_ST_OK) {
		if (call.tail_len > call.tail_cap ||
		    memcmp(call.head, data + 16, call.head_len) != 0 ||
		    memcmp(call.tail, data + 16 + call.head_len, call.tail_len) != 0)
			abort();
	}
	free(call.head);
	free(call.tail);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t ops[] = {
#define OP_CODE(name, code, who, max_req) code,
		KU_OPS(OP_CODE)
#undef OP_CODE
	};
	struct client_call shape = { 0 };
	struct verdict whole, pieces;

	if (size < 5)
		return 0;
	shape.op = ops[data[0] % ARRAY_SIZE(ops)];
	shape.head_len = data[1] % 17;
	shape.tail_cap = (size_t)data[2] * 2;
	whole = receive(&shape, data + 5, size - 5, 0);
	pieces = receive(&shape, data + 5, size - 5, 1u + data[3] + 256u * data[4]);
	/* too much after a whole reply is only seen when it came along with it */
	if (whole.r == -EPROTO && pieces.r == 0)
		return 0;
	if (whole.r != pieces.r || whole.status != pieces.status ||
	    whole.tail_len != pieces.tail_len)
		abort();
	return 0;
}
