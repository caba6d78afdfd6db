/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long a failure takes. Real verifications leave their durations in a ring; an answer
 * that needed no work (unknown name, locked, no credential) takes a time drawn from it, so
 * that the clock does not tell the failures apart. A timer waits, no work is done.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PACE_RING     32u
#define PACE_NO_WORK  (-1)
#define PACE_RECENT_S 300

struct pace {
	uint32_t ms[PACE_RING];
	int64_t at_s[PACE_RING];
	unsigned n;
	unsigned next;
	bool assumed; /* nothing was measured yet */
};

/* `first_ms`: what is assumed until something was measured. */
void pace_init(struct pace *p, uint32_t first_ms);
void pace_note(struct pace *p, uint32_t ms, int64_t now_s);
/* Perhaps without work: better than an assumption, forgotten at the first measurement. */
void pace_hint(struct pace *p, uint32_t ms);

/*
 * How long a failure shall take in all. worked_ms: what was really spent on it, or
 * PACE_NO_WORK. Never less than what was spent. `random`: any number, all bits used;
 * `now_s`: monotonic.
 */
uint32_t pace_hold(const struct pace *p, int64_t worked_ms, uint64_t random,
    int64_t now_s);
