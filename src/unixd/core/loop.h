/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one thread that owns all state: level-triggered epoll, timers, signals by signalfd.
 * It runs only our code; whatever may block lives on a lane (lane.h).
 */
#pragma once

#include <stdint.h>

#include "src/base/attr.h"
#include "src/unixd/core/timers.h"

struct loop;
struct loop_fd;
typedef void (*loop_fd_fn)(struct loop_fd *f, uint32_t events);

/* Embedded in its owner. `fd` is borrowed. */
struct loop_fd {
	int fd;
	uint32_t events; /* EPOLLIN, EPOLLOUT ... */
	loop_fd_fn fn;
};

int must_use_ loop_new(struct loop **ret_loop);
struct loop *loop_free(struct loop *l);

struct timers *loop_timers(struct loop *l);
const struct clock *loop_now(struct loop *l);

int must_use_ loop_add(struct loop *l, struct loop_fd *f);
int must_use_ loop_mod(struct loop *l, struct loop_fd *f, uint32_t events);
/* After this f->fn is not called any more, not even for events already fetched. */
void loop_del(struct loop *l, struct loop_fd *f);
/* The same, and closes the descriptor: closing takes it out of the set, with one system call
 * instead of two. Only for a descriptor that nobody has duplicated. */
void loop_close(struct loop *l, struct loop_fd *f);

/* Blocks until loop_stop(); -errno on a failure of epoll itself. */
int must_use_ loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* One turn, waiting at most timeout_ms: for tests and for shutting down. */
int must_use_ loop_turn(struct loop *l, int timeout_ms);

/* Longest time one turn spent in our code since the last call, in nanoseconds. */
int64_t loop_take_stall_ns(struct loop *l);
