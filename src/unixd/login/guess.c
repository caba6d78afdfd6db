/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A remote guesser must get nowhere and must not lock the owner out for good: hence an
 * exponential wait, and a bound on it. An attempt is counted when it begins, so cutting the
 * power in the middle of one does not save the guesser anything.
 */
#include "src/unixd/login/guess.h"

#include "src/unixd/core/clock.h"

unsigned
guess_wait_s(uint32_t fails)
{
	uint32_t step;

	if (fails < GUESS_FREE)
		return 0;
	step = fails - GUESS_FREE + 1;
	return step < 9 ? 1u << step : GUESS_MAX_WAIT_S;
}

unsigned
guess_left_s(const struct guess *g, int64_t now_ns)
{
	int64_t left = g->until_ns - now_ns;

	return left > 0 ? (unsigned)((left + CLOCK_S - 1) / CLOCK_S) : 0;
}

int64_t
guess_count(struct guess *g, int64_t now_ns)
{
	unsigned wait;

	if (g->fails < UINT32_MAX)
		g->fails++;
	wait = guess_wait_s(g->fails);
	g->until_ns = wait > 0 ? now_ns + wait * CLOCK_S : 0;
	return g->until_ns;
}

/* The wait it began goes with it, unless a later attempt has begun another one. */
void
guess_take_back(struct guess *g, int64_t counted)
{
	if (g->fails > 0)
		g->fails--;
	if (g->until_ns == counted)
		g->until_ns = 0;
}

void
guess_reset(struct guess *g)
{
	*g = (struct guess){ 0 };
}

void
guess_restore(struct guess *g, uint32_t fails, uint32_t left_s, int64_t now_ns)
{
	if (left_s > GUESS_MAX_WAIT_S)
		left_s = GUESS_MAX_WAIT_S;
	g->fails = fails;
	g->until_ns = left_s > 0 ? now_ns + left_s * CLOCK_S : 0;
}

unsigned
guess_soft_lock_s(unsigned n)
{
	static const struct {
		unsigned below, seconds;
	} ladder[] = { { 1, 0 }, { 3, 1 }, { 9, 3 }, { 25, 5 }, { 100, 10 } };

	for (unsigned i = 0; i < sizeof(ladder) / sizeof(ladder[0]); i++) {
		if (n < ladder[i].below)
			return ladder[i].seconds;
	}
	return 86400;
}
