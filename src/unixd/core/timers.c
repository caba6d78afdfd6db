/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A binary heap of pointers to timers, each of which knows its own place in it. So arming,
 * moving and disarming any timer is O(log n) without a search, and the owner of a timer
 * needs no handle.
 *
 * Time is never read here: `now` is what the owner of the heap last put there. The loop
 * puts the real clock, a replay puts whatever moment it wants to be at next.
 */
#include "src/unixd/core/timers.h"

#include <stdlib.h>

#include "src/prog/xalloc.h"

static void
put(struct timers *ts, size_t index, struct timer *t)
{
	ts->heap[index - 1] = t;
	t->index = index;
}

static struct timer *
at(const struct timers *ts, size_t index)
{
	return ts->heap[index - 1];
}

static void
sift_up(struct timers *ts, size_t index)
{
	struct timer *t = at(ts, index);

	while (index > 1 && t->at_ns < at(ts, index / 2)->at_ns) {
		put(ts, index, at(ts, index / 2));
		index /= 2;
	}
	put(ts, index, t);
}

static void
sift_down(struct timers *ts, size_t index)
{
	struct timer *t = at(ts, index);

	for (;;) {
		size_t child = index * 2;

		if (child > ts->n)
			break;
		if (child < ts->n && at(ts, child + 1)->at_ns < at(ts, child)->at_ns)
			child++;
		if (at(ts, child)->at_ns >= t->at_ns)
			break;
		put(ts, index, at(ts, child));
		index = child;
	}
	put(ts, index, t);
}

void
timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
	clock_read(&ts->now);
}

void
timers_deinit(struct timers *ts)
{
	/* The timers themselves are not touched: their owners may be gone already. */
	free(ts->heap);
	ts->heap = NULL;
	ts->n = 0;
	ts->cap = 0;
}

void
timers_set(struct timers *ts, struct timer *t, int64_t delay_ns)
{
	int64_t when;

	if (delay_ns < 0)
		delay_ns = 0;
	if (__builtin_add_overflow(ts->now.mono_ns, delay_ns, &when))
		when = INT64_MAX;
	timers_unset(ts, t);
	if (ts->n == ts->cap) {
		ts->cap = ts->cap == 0 ? 16 : ts->cap * 2;
		ts->heap = xreallocarray(ts->heap, ts->cap, sizeof(struct timer *));
	}
	t->at_ns = when;
	ts->n++;
	put(ts, ts->n, t);
	sift_up(ts, ts->n);
}

void
timers_unset(struct timers *ts, struct timer *t)
{
	struct timer *last;
	size_t index = t->index;

	if (index == 0)
		return;
	last = at(ts, ts->n);
	ts->n--;
	t->index = 0;
	if (last == t)
		return;
	/* The last one takes the free place and may belong above or below it. */
	put(ts, index, last);
	sift_up(ts, index);
	sift_down(ts, last->index);
}

int64_t
timers_next(const struct timers *ts)
{
	return ts->n == 0 ? -1 : at(ts, 1)->at_ns;
}

void
timers_run(struct timers *ts)
{
	/* A timer that arms itself for "now" comes again in the next run: without this
	 * limit it would keep the loop from everything else. */
	size_t limit = ts->n;

	while (limit-- > 0 && ts->n > 0 && at(ts, 1)->at_ns <= ts->now.mono_ns) {
		struct timer *t = at(ts, 1);

		timers_unset(ts, t);
		t->fn(t);
	}
}
