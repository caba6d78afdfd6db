/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One peer: requests in, replies out, one at a time. While a request is being worked on or
 * its reply is being taken nothing more is read, so a peer can never have more than one
 * reply waiting for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/list.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/server/peer.h"
#include "src/unixd/server/reader.h"
#include "src/unixd/server/reply.h"

struct login_call;
struct server;
struct waiter;

enum conn_state {
	CONN_WAITING, /* its uid is over the quota: not read from yet */
	CONN_READING, /* waiting for (the rest of) a request */
	CONN_WORKING, /* resolver or login has the question */
	CONN_WRITING, /* the reply does not fit into the socket yet */
};

struct conn {
	struct list link; /* server.conns */
	struct server *server;
	struct peer peer;
	struct loop_fd io;
	struct timer timer; /* request, idle or write limit, by state */
	enum conn_state state;
	bool timing_request; /* the timer counts from a request's first byte */
	bool pumping;        /* conn_pump is on the stack */
	bool last;           /* close once the reply is out */
	bool dead;           /* close at the end of this turn of conn_pump */

	/* the request in hand */
	struct frame_header req;
	struct waiter *waiter;    /* who answers it later: the resolver */
	struct login_call *login; /* or the login engine */
	uint32_t accepted[2];     /* the old id and the new one, until they are stored */

	struct reader in;
	struct reply out;
	size_t sent;
};

/* Takes the descriptor, which is non-blocking and counted in by peers_admit. */
void conn_start(struct server *s, int fd, const struct peer *peer, bool waiting);
void conn_drop(struct conn *c);
/* Makes room when there are too many: the oldest peer that asks for nothing has to go, else
 * the last one that waits for its turn, else the oldest with half a request. False: all of
 * them are busy, or root's. */
bool conn_drop_idlest(struct server *s);

/* For the operations: exactly one of these per request, from within the handler or later. */
void conn_reply_status(struct conn *c, uint16_t status);
/* The status with one line for a person (operations of the tools). */
void conn_reply_text(struct conn *c, uint16_t status, const char *text);
/* KU_ST_OK with what was written into c->out after conn_reply_begin(). */
struct reply *conn_reply_begin(struct conn *c);
void conn_reply_end(struct conn *c);
