/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Enumeration without a lock: the position is a word that is exchanged only if nobody moved
 * it meanwhile. A mutex would have to be held over I/O, and a fork in another thread would
 * leave it locked for ever in the child.
 *
 * Where there is a map it is walked, daemon or not. Only a host without one asks the daemon
 * entry by entry; a walk keeps to the source it began with.
 */
#include "nss/enum.h"

#include <errno.h>
#include <stdbool.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "src/base/le.h"
#include "src/client/client.h"

/* enum_state.walk */
#define WALK_DAEMON  (UINT64_C(1) << 63) /* the daemon is asked */
#define WALK_STARTED (UINT64_C(1) << 32) /* the low 32 bits are the last id given */

static bool
swap_if(uint64_t *word, uint64_t *expected, uint64_t value)
{
	return __atomic_compare_exchange_n(word, expected, value, false, __ATOMIC_ACQ_REL,
	    __ATOMIC_ACQUIRE);
}

void
enum_reset(struct enum_state *s)
{
	uint64_t cursor = __atomic_exchange_n(&s->cursor, 0, __ATOMIC_ACQ_REL);
	int state = cancel_off();

	__atomic_store_n(&s->walk, 0, __ATOMIC_RELEASE);
	if (cursor != 0)
		map_enum_end(&nss_map, &cursor);
	cancel_restore(state);
}

/* MAP_NONE when there is no map to begin with; then *s is at the daemon's beginning. */
static enum map_answer
next_in_map(struct enum_state *s, struct enum_target *t)
{
	uint64_t before = __atomic_load_n(&s->cursor, __ATOMIC_ACQUIRE);

	for (;;) {
		uint64_t after = before;
		enum map_answer a = t->from_map(&after, t);

		if (a == MAP_NONE || a == MAP_RANGE)
			return a;
		if (swap_if(&s->cursor, &before, after))
			return a;
	}
}

static enum answer
ask_next(uint64_t walk, struct enum_target *t)
{
	uint8_t req[8], head[PACK_HEAD_LEN];
	struct client_call call = {
		.path = KU_PATH_SOCK,
		.op = t->op,
		.req = req,
		.req_len = sizeof(req),
		.head = head,
		.head_len = sizeof(head),
		.tail = t->buf,
		.tail_cap = t->cap,
	};
	enum answer answer;
	int r;

	le32_put(req, (uint32_t)walk);
	le32_put(req + 4, (walk & WALK_STARTED) != 0);
	r = client_call(&call, deadline_in_ms(ASK_LONG_MS));
	if (r == -ERANGE && call.tail_len <= t->max_len)
		return ANSWER_RANGE;
	if (r < 0 || (call.status == KU_ST_OK && call.tail_len > t->max_len))
		return ANSWER_TROUBLE;
	if (call.status != KU_ST_OK)
		return call.status == KU_ST_NOTFOUND ? ANSWER_NONE : ANSWER_TROUBLE;
	answer = t->pack(head, call.tail_len, t);
	/* ids only rise, or a confused daemon would keep us here for ever */
	if (answer == ANSWER_FOUND && (walk & WALK_STARTED) != 0 &&
	    t->id <= (uint32_t)walk)
		return ANSWER_TROUBLE;
	return answer;
}

static enum answer
next_at_daemon(struct enum_state *s, struct enum_target *t)
{
	uint64_t before = __atomic_load_n(&s->walk, __ATOMIC_ACQUIRE);

	for (;;) {
		enum answer a = ask_next(before, t);

		if (a != ANSWER_FOUND)
			return a;
		if (swap_if(&s->walk, &before, WALK_DAEMON | WALK_STARTED | t->id))
			return a;
	}
}

static enum answer
next_entry(struct enum_state *s, struct enum_target *t)
{
	if ((__atomic_load_n(&s->walk, __ATOMIC_ACQUIRE) & WALK_DAEMON) == 0) {
		switch (next_in_map(s, t)) {
		case MAP_HIT:
			return ANSWER_FOUND;
		case MAP_RANGE:
			return ANSWER_RANGE;
		case MAP_NONE:
			/* the map went away in the middle: not the end, and no restart */
			if (__atomic_load_n(&s->cursor, __ATOMIC_ACQUIRE) != 0)
				return ANSWER_TROUBLE;
			break;
		default:
			return ANSWER_NONE;
		}
	}
	return next_at_daemon(s, t);
}

enum nss_status
enum_next(struct enum_state *s, struct enum_target *t, int *errnop)
{
	int saved = errno, state = cancel_off();
	enum answer answer = next_entry(s, t);

	cancel_restore(state);
	return answer_give(answer, false, saved, errnop);
}
