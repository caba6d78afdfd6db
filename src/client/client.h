/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One question to the daemon: connect, send, receive, close, under one deadline.
 *
 * For use inside other people's processes: no allocation, no state, no descriptor left, no
 * signal, errno preserved. Descriptors are CLOEXEC and never 0, 1 or 2. Sends carry
 * MSG_NOSIGNAL. Thread cancellation is disabled for the length of the call. EOF before the
 * first byte of a reply (the daemon restarted) is tried once more within the deadline.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/deadline.h"

struct client_call {
	const char *path; /* socket path */
	uint16_t op;      /* enum ku_op */
	const void *req;
	size_t req_len;
	/* Send only to a peer that is root or the owner of the socket's directory, which must
	 * be a directory, root's or that owner's, writable by nobody else, in a directory of
	 * root's: else -EPERM. For requests with a password. */
	bool verify_peer;

	/* The first `head_len` bytes of a reply body go here (the fixed part) ... */
	void *head;
	size_t head_len;
	/* ... and the rest straight into the caller's buffer. */
	void *tail;
	size_t tail_cap;

	/* Set on return 0 and -ERANGE. `tail_len` is the length the daemon announced for the
	 * tail; when it is larger than tail_cap the tail's bytes mean nothing. */
	uint16_t status;
	size_t tail_len;
};

/*
 * 0: a well-formed reply came, its status is in call->status. The body of a status other
 *    than OK is in head and tail when it fits (tail_len > 0), else they mean nothing. A
 *    daemon of another protocol version reads as status KU_ST_VERSION.
 * -ERANGE: status OK, but the tail does not fit (call->tail_len says what is needed).
 * -ENOENT, -ECONNREFUSED, -EACCES: nobody listens (each at once).
 * -EPERM: verify_peer, and it is not who it should be; nothing was sent.
 * -ETIMEDOUT: the deadline passed.
 * -EPROTO: the daemon answered something else than a reply to this.
 * -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS: this process has no descriptor or memory left.
 * other negative errno values: as connect(2), send(2), recv(2).
 */
int must_use_ client_call(struct client_call *call, struct deadline deadline);
