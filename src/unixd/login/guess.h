/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long somebody who typed wrong passwords waits, as a pure function of how many there
 * were. Two ladders: ours, for passwords judged without the server (three free, then 2, 4,
 * 8 ... 300 seconds), and the server's own soft lock, which we only have to know.
 *
 * Times are CLOCK_BOOTTIME nanoseconds: sleeping counts, a changed wall clock does not.
 */
#pragma once

#include <stdint.h>

#define GUESS_FREE       3u
#define GUESS_MAX_WAIT_S 300u

struct guess {
	uint32_t fails;   /* since the last right one; an attempt under way counts */
	int64_t until_ns; /* nobody is judged before that */
};

/* What `fails` wrong ones in a row cost. */
unsigned guess_wait_s(uint32_t fails);
/* Seconds to wait from now on, rounded up; 0: an attempt may be judged. */
unsigned guess_left_s(const struct guess *g, int64_t now_ns);
/* An attempt begins: it counts as wrong until proven right. Returns what take_back wants. */
int64_t guess_count(struct guess *g, int64_t now_ns);
/* The attempt that guess_count() counted was judged by somebody else after all. */
void guess_take_back(struct guess *g, int64_t counted);
void guess_reset(struct guess *g);
/* After a restart the wait begins anew with what was left of it. */
void guess_restore(struct guess *g, uint32_t fails, uint32_t left_s, int64_t now_ns);

/* How long the server denies everybody, the right password too, after its n-th failure in
 * a day; 0 for n = 0. From the hundredth on it is the rest of the day (86400). */
unsigned guess_soft_lock_s(unsigned n);
