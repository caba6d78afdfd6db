/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of this folder share.
 *
 *	taskq.c	   jobs and those who wait for them
 *	peer.c	   connections: who may be tasks, HELLO, frames in and out
 *	message.c  bytes
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/list.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/taskq/message.h"
#include "src/unixd/taskq/taskq.h"

struct acceptor;

struct job {
	struct list link;    /* taskq.queue, unless it is the current one */
	struct list waiters; /* struct taskq_waiter.link */
	unsigned sent;       /* how often */
	struct taskq_home home;
	char *strings; /* what `home` points into */
};

struct taskq_waiter {
	struct list link;
	struct taskq *q;
	struct timer timer;
	bool *answered; /* set while taskq_home() has not returned it yet */
	taskq_fn fn;
	void *arg;
};

/* A connection. Until it has said HELLO it is one of `strangers`. */
struct peer {
	struct list link;
	struct taskq *q;
	struct loop_fd io;
	struct timer hello; /* must have been said by then */
	struct message_reader in;
	uint8_t out[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ];
	size_t out_len;
	size_t out_pos;
};

struct taskq {
	struct loop *loop;
	struct timers *ts;
	struct acceptor *acceptor; /* NULL: the socket could not be bound */
	char *path;
	int bind_error;

	struct peer *peer; /* tasks, or NULL */
	struct list strangers;
	size_t n_strangers;
	char version[64];   /* of tasks */
	int64_t refused_at; /* mono ns of the last line about somebody else */

	struct list queue;
	struct job *current; /* put to `peer`, not answered yet */
	int64_t current_at;  /* mono ns */
	size_t n_jobs;
	uint32_t serial;
	struct timer coming; /* set: tasks may be about to connect */
	bool closing;
	char trouble[MESSAGE_TEXT_MAX]; /* the last failure, "" */
};

/* peer.c */
void peer_accepted(void *arg, int fd); /* acceptor_fn */
/* As if root had connected (and tests). */
void peer_adopt(struct taskq *q, int fd);
struct peer *peer_close(struct peer *p);
/* False: it is gone, and taskq_lost() has been called. */
bool peer_send(struct peer *p, const uint8_t *frame, size_t len);

/* taskq.c */
/* p has said HELLO and is taskq.peer from now on. */
void taskq_greeted(struct taskq *q);
/* False: nobody asked for that. */
bool taskq_replied(struct taskq *q, const struct frame_header *h, const char *text);
void taskq_lost(struct taskq *q);
