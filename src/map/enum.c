/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Enumeration without a daemon and without a list of what was given: each id is given where
 * its first version in the file stands, with the contents of its newest one. Entries before
 * `base_end` are in order of id, so that an enumeration whose generation has gone can go on
 * in another one behind the last id it gave; the cursor is therefore (generation, last id).
 * Up to that id everybody counts as given: who was, may stand behind `base_end` now, where
 * order says nothing.
 */
#include "src/base/ids.h"
#include "src/map/answer.h"
#include "src/map/find.h"
#include "src/map/hold.h"
#include "src/map/map.h"

#define TAG_MASK     0x1fffffffu
#define CURSOR_BEGUN (1u << 29)
#define CURSOR_GROUP (1u << 30)
#define CURSOR_TAIL  (1u << 31) /* the last one stood behind base_end */

struct position {
	uint32_t last;
	uint32_t word;  /* flags and generation */
	uint32_t given; /* in generations before this one: ids up to here */
};

static bool
is_usable(const struct access *a, uint32_t now)
{
	uint32_t limit = a->view->offline_limit;

	return a->alive || limit == 0 || now <= a->lease || now - a->lease <= limit;
}

/* Where to go on: behind the first version of the last id, or at the beginning. */
static bool
resume(const struct map_view *v, enum ku_map_kind kind, uint32_t last, uint32_t *ret_off)
{
	uint32_t w[KU_MAP_ENTRY_LEN / 4];
	struct found f;

	if (!find_newest(v, kind, last, &f) || f.first > f.off ||
	    f.first % KU_MAP_ALIGN != 0 || f.first < v->data ||
	    !view_words(v, f.first, w, KU_MAP_ENTRY_LEN / 4) || w[KU_MAP_E_ID] != last)
		return false;
	w[0] &= ~KU_MAP_KIND_MASK;
	if (w[0] < KU_MAP_ENTRY_LEN || w[0] > v->len - f.first)
		return false;
	*ret_off = f.first + w[0];
	return true;
}

static enum map_answer
next_in(const struct access *a, enum ku_map_kind kind, struct position *pos,
    answer_fn take, void *arg)
{
	const struct map_view *v = a->view;
	uint32_t tag = v->generation & TAG_MASK;
	bool begun = (pos->word & CURSOR_BEGUN) != 0;
	bool same = begun && (pos->word & TAG_MASK) == tag;
	uint32_t off = v->data, id, at;
	struct found f;

	if (begun && !same && (pos->word & CURSOR_TAIL) != 0)
		return MAP_ABSENT; /* all that was in order has been given */
	if (same && !resume(v, kind, pos->last, &off))
		return MAP_ABSENT;
	if (begun && !same)
		pos->given = pos->last;
	while (find_next_first(v, kind, &off, &id, &at)) {
		enum map_answer got;

		if (id <= pos->given)
			continue;
		/* The newest version names this place as its first: so the next call finds
		 * its way back to here, and a file cannot lead a caller in a circle. */
		if (!find_newest(v, kind, id, &f) || f.superseded || f.first != at)
			continue;
		got = take(v, &f, arg);
		if (got == MAP_ABSENT)
			continue;
		if (got == MAP_HIT) {
			pos->last = id;
			pos->word = CURSOR_BEGUN | tag |
			    (kind == KU_MAP_GROUP ? CURSOR_GROUP : 0) |
			    (at >= v->base_end ? CURSOR_TAIL : 0);
		}
		return got;
	}
	return MAP_ABSENT;
}

static enum map_answer
next(struct map *m, enum ku_map_kind kind, uint64_t *cursor, answer_fn take, void *arg)
{
	uint64_t was = __atomic_load_n(cursor, __ATOMIC_RELAXED);
	struct position pos = { (uint32_t)(was >> 32), (uint32_t)was, 0 };
	unsigned which = kind == KU_MAP_GROUP;
	uint32_t now = hold_now();
	enum map_answer got;
	struct access a;

	if (was == 0)
		hold_drop(m, which);
	else
		pos.given = __atomic_load_n(&m->given[which], __ATOMIC_RELAXED);
	if (!hold_acquire_held(m, which, pos.word & TAG_MASK, TAG_MASK, now, &a)) {
		if (!hold_acquire(m, now, &a))
			return MAP_NONE;
		hold_keep(m, which, &a, now);
	}
	got = is_usable(&a, now) ? next_in(&a, kind, &pos, take, arg) : MAP_NONE;
	hold_release(m, &a);
	if (got == MAP_HIT) {
		__atomic_store_n(&m->given[which], pos.given, __ATOMIC_RELAXED);
		__atomic_store_n(cursor, (uint64_t)pos.last << 32 | pos.word,
		    __ATOMIC_RELAXED);
	}
	return got;
}

enum map_answer
map_passwd_next(struct map *m, uint64_t *cursor, struct passwd *pw, char *buf, size_t cap)
{
	struct passwd_to to = { pw, buf, cap };

	return next(m, KU_MAP_USER, cursor, answer_passwd, &to);
}

enum map_answer
map_group_next(struct map *m, uint64_t *cursor, struct group *gr, char *buf, size_t cap)
{
	struct group_to to = { gr, buf, cap };

	return next(m, KU_MAP_GROUP, cursor, answer_group, &to);
}

void
map_enum_end(struct map *m, uint64_t *cursor)
{
	uint64_t was = __atomic_exchange_n(cursor, 0, __ATOMIC_RELAXED);

	if ((was & CURSOR_BEGUN) != 0)
		hold_drop(m, (was & CURSOR_GROUP) != 0);
}
