/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A heap of one-shot timers, embedded in their owners. The loop owns one heap and sleeps
 * until its first timer; a replay owns another and jumps from timer to timer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/clock.h"

struct timer;
typedef void (*timer_fn)(struct timer *t);

struct timer {
	int64_t at_ns; /* clock.mono_ns */
	size_t index;  /* 1-based place in the heap; 0: not set */
	timer_fn fn;   /* called with the timer already unset; may set it again */
};

struct timers {
	struct clock now; /* updated by the owner before timers_run */
	struct timer **heap;
	size_t n;
	size_t cap;
};

void timers_init(struct timers *ts);
void timers_deinit(struct timers *ts);

static inline void
timer_init(struct timer *t, timer_fn fn)
{
	t->at_ns = 0;
	t->index = 0;
	t->fn = fn;
}

static inline bool
timer_is_set(const struct timer *t)
{
	return t->index != 0;
}

/* (Re)arms the timer for now.mono_ns + delay_ns. */
void timers_set(struct timers *ts, struct timer *t, int64_t delay_ns);
void timers_unset(struct timers *ts, struct timer *t);

/* Nanoseconds on mono of the earliest timer, or -1. */
int64_t timers_next(const struct timers *ts);

/* Runs every timer that is due at ts->now. */
void timers_run(struct timers *ts);
