/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The daemon's end of task_sock: waits for kanidm_unixd_tasks to connect, gives it one job
 * at a time, and answers each caller by its deadline whatever tasks does. On the loop.
 *
 * The same home asked for by several sessions at once is one job. A job whose callers have
 * left is finished all the same. Only uid 0 is accepted; a new connection replaces the
 * former one, and jobs under way are put to the new one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"

struct loop;
struct taskq;
struct taskq_waiter;

#define TASKQ_COMING_S 10 /* after our start tasks may still be on its way */
#define TASKQ_MAX_JOBS 1024u

struct taskq_home {
	struct uuid uuid;
	uint32_t uid;
	uint32_t gid;
	const char *name; /* canonical short name; of another domain the SPN */
	const char *spn;
	const char *shown; /* pw_name */
};

enum taskq_result {
	TASKQ_OK,
	TASKQ_FAILED,    /* tasks could not: text says why */
	TASKQ_TIMED_OUT, /* it is at it, or hangs */
	TASKQ_NO_TASKS,  /* nobody is connected (and nobody came in time) */
	TASKQ_BUSY,      /* too many jobs */
};

/* Binds `path`, mode 0666. A socket that cannot be bound is a log line and a status pair,
 * and then nobody ever connects. 0 or -ENOMEM. */
int must_use_ taskq_new(struct loop *l, const char *path, struct taskq **ret_q);
/* Waiters are answered TASKQ_NO_TASKS before this returns. */
struct taskq *taskq_free(struct taskq *q);

bool taskq_is_connected(const struct taskq *q);

/* fn exactly once, later or at once from inside (then NULL is returned). `text` may be "".
 * While nobody is connected: at once NO_TASKS, but within the first TASKQ_COMING_S after
 * taskq_new() it waits for tasks to come, at most budget_ms. */
typedef void (*taskq_fn)(void *arg, enum taskq_result res, const char *text);
struct taskq_waiter *taskq_home(struct taskq *q, const struct taskq_home *home,
    int budget_ms, taskq_fn fn, void *arg);
void taskq_cancel(struct taskq_waiter *w);

/* Pairs for STATUS: "tasks" = "connected", "not connected", ... and what went wrong last. */
void taskq_status(const struct taskq *q,
    void (*fn)(void *arg, const char *key, const char *value), void *arg);
