/* SPDX-License-Identifier: MPL-2.0 */
/* Credentials and the newest wall time, written to the store; and waiting for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/list.h"

struct cred;
struct keep;
struct login;

struct keeper {
	struct list tickets; /* struct keep.link: what the store has not answered yet */
	int64_t wall_s;      /* the latest ever seen */
	int64_t wall_stored_s;
	bool slow;   /* the last count was not on disk in time */
	bool failed; /* because it could not be written at all */
};

void keeper_init(struct keeper *kp);
/* The store answers nobody any more. */
void keeper_deinit(struct keeper *kp);

/* rc: 0 it is on the disk; -EIO it could not be written; -ETIMEDOUT not yet. */
typedef void (*keep_fn)(void *arg, int rc);
/* fn is called once, later. */
struct keep *keep_cred_wait(struct login *l, const struct cred *c, int limit_ms,
    keep_fn fn, void *arg);
struct keep *keep_value_wait(struct login *l, const char *key, const void *blob,
    size_t len, int limit_ms, keep_fn fn, void *arg);
/* fn is not called any more. What is being written is written. */
void keep_cancel(struct keep *k);
/* Nobody waits. One that is empty is deleted. */
void keep_cred(struct login *l, const struct cred *c);

/* Whether a count of guesses was on the disk in time: for status, one log line a change. */
void keep_judge_disk(struct login *l, int rc);

/* Wall seconds that never go back, not over restarts either. */
int64_t keep_wall_s(struct login *l);
void keep_wall_save(struct login *l);
