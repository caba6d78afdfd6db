/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A lane is a worker thread that owns one library which may block (curl, SQLite, a KDF).
 * Jobs are moved in and moved out: whoever posts a job does not touch it until `done` is
 * called on the loop thread. The only file of the daemon that knows a mutex.
 *
 * Two kinds:
 *  - a plain lane runs jobs one after another (store, KDF);
 *  - a lane with its own body (the network: curl_multi_poll) takes jobs with lane_take()
 *    and hands them back with lane_finish(); `wake` interrupts its wait when one comes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/base/attr.h"

struct loop;
struct lane;
struct lane_job;

typedef void (*lane_job_fn)(struct lane_job *job);

/* First member of a job, or found with container_of. */
struct lane_job {
	struct lane_job *next;
	lane_job_fn run;  /* on the lane (plain lanes only) */
	lane_job_fn done; /* on the loop */
};

/* A plain lane: `n_threads` workers on one queue of at most `max_jobs` (0: no bound). */
int must_use_ lane_new(struct loop *l, const char *name, unsigned n_threads,
    size_t max_jobs, struct lane **ret_lane);

/*
 * A lane with its own body, one thread: body(arg) runs until lane_stopping(). *ret_lane is
 * set before the thread starts, so that the body may use it. `wake` is called from the
 * loop's thread while the body may be anywhere.
 */
int must_use_ lane_new_body(struct loop *l, const char *name, void (*body)(void *arg),
    void (*wake)(void *arg), void *arg, struct lane **ret_lane);

/*
 * Stops after the job in hand; jobs not begun are handed to done() on this thread before
 * this returns (a plain lane runs them first when `drain` is true). Joins the threads.
 * Not from inside a done().
 */
struct lane *lane_free(struct lane *lane, bool drain);

/* 0, or -EBUSY when the queue is full or the lane is being freed (the job still belongs to
 * the caller). Loop thread only. */
int must_use_ lane_post(struct lane *lane, struct lane_job *job);

/* For a body, on the lane's thread. */
struct lane_job *lane_take(struct lane *lane); /* all queued jobs, oldest first, linked */
void lane_finish(struct lane *lane, struct lane_job *job);
bool lane_stopping(struct lane *lane);
