/* SPDX-License-Identifier: MPL-2.0 */
/* Is an answer one that may be given now? */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "torture/shared.h"

enum outcome {
	OUT_RECORD, /* of a version */
	OUT_GONE,   /* "there is none" */
	OUT_ABSENT, /* not in the map, and there is no daemon to ask */
};

/* What was known before the question. */
struct before {
	uint32_t low; /* no older state than this may be answered */
	uint32_t now;
	uint32_t done;
};

/* `seen`: the state that this thread has seen last for this name and key. */
struct before judge_begin(const struct shared *s, uint32_t who, uint32_t seen);

/* False: the answer is wrong, and the run has failed. *seen moves on. */
bool judge_end(struct shared *s, const struct before *b, uint32_t who, enum key key,
    enum outcome outcome, uint32_t version, uint32_t *seen);

/* May somebody who is always there be missed just now? */
bool judge_may_miss(const struct shared *s, uint32_t now);
