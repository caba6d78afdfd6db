/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The oracle. The writer says what it is about to do before it does it and what it has done
 * behind it; so between two readings of that there is a range of states, and an answer must
 * belong to one of them. Nothing here depends on how fast anybody is.
 *
 * Three things widen the range. A writer that was killed between renaming a generation and
 * telling the one before leaves that one looking alive, until its lease has run out: so long
 * the lower bound is what had been done when it was killed. An entry for which there is no
 * place is taken out of the map, so that readers ask the daemon: then one that is always
 * there may be absent; so it is while a writer that has started has no space for its first
 * file, because that of the one before is withdrawn then. And while there is no file (the cache
 * is cleared, and there is no space for a new one) a process that has an older generation keeps
 * it, as the format says.
 */
#include "torture/judge.h"

static bool
is_always_there(uint32_t who)
{
	return who < N_ALWAYS || who >= N_PEOPLE;
}

struct before
judge_begin(const struct shared *s, uint32_t who, uint32_t seen)
{
	struct before b = { .low = seen, .done = shared_get(&s->name[who].done) };
	uint32_t killed;

	/* in this order: what another writer has done was done after the kill was noted */
	killed = shared_get(&s->killed_at);
	b.now = shared_boot_now();
	if (killed != 0 && b.now <= killed + STALE_AFTER)
		b.low = shared_get(&s->name[who].at_kill);
	else if (b.done > b.low)
		b.low = b.done;
	return b;
}

bool
judge_may_miss(const struct shared *s, uint32_t now)
{
	uint32_t tight = shared_get(&s->tight_at);

	return tight != 0 && now <= tight + ABSENT_AFTER;
}

/* The first state from `low` on, not behind `high`, that is `what` modulo 4. */
static bool
has_state(uint32_t low, uint32_t high, uint32_t what, uint32_t *ret)
{
	uint32_t at = low + (what - low % 4 + 4) % 4;

	*ret = at;
	return at <= high;
}

static bool
may_be_gone(uint32_t who, uint32_t low, uint32_t high, uint32_t *seen)
{
	return !is_always_there(who) && has_state(low, high, 2, seen);
}

static bool
may_be_absent(const struct shared *s, uint32_t who, const struct before *b, uint32_t high)
{
	uint32_t at;

	if (judge_may_miss(s, b->now))
		return true;
	return !is_always_there(who) &&
	    (has_state(b->low, high, 1, &at) || has_state(b->low, high, 2, &at) ||
		has_state(b->low, high, 3, &at));
}

bool
judge_end(struct shared *s, const struct before *b, uint32_t who, enum key key,
    enum outcome outcome, uint32_t version, uint32_t *seen)
{
	static const char *const words[] = { "a record", "none there", "absent" };
	uint32_t high = shared_get(&s->name[who].next);
	uint32_t lost = shared_get(&s->lost_at), low = b->low;
	bool right;

	if (lost != 0 && b->now <= lost + 1)
		low = 0;
	if (outcome == OUT_RECORD) {
		right = version % 4 == 0 && version >= low && version <= high;
		if (right)
			*seen = version;
	} else if (outcome == OUT_GONE) {
		right = may_be_gone(who, low, high, seen);
	} else {
		right = may_be_absent(s, who, b, high);
	}
	if (!right)
		shared_fail(s,
		    "name %u by key %d: %s (version %u), but only states %u to %u are "
		    "possible; done %u, asked at %u, writer killed at %u, tight at "
		    "%u",
		    who, (int)key, words[outcome], version, low, high, b->done, b->now,
		    shared_get(&s->killed_at), shared_get(&s->tight_at));
	return right;
}
