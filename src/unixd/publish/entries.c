/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The entries: which there are, where the contents of each one is, and what a change of one
 * does to the generation that readers have and to the one that is being built.
 *
 * Contents are kept once: in the generation that readers have mapped, or, before there is
 * one and while none can be written, in the spill. That generation is its own index, too, by
 * its tables and by the order of its first part; only what came later has its id in this
 * process. So a change costs what it changes, a new generation needs nobody else, and a
 * hundred thousand accounts cost this process next to nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/publish/state.h"

#define GROUP_EVERY_MS 1000u
#define SPILL_COMPACT  (1u << 20)

/* A group's newest version, waiting for its second. */
struct pending {
	struct list link;
	uint32_t id;
	uint32_t fresh_until;
	uint8_t rec[];
};

static uint32_t
mono_ms(const struct publish *p)
{
	return (uint32_t)(p->ts->now.mono_ns / CLOCK_MS);
}

/* 0: not in the spill. */
static uint32_t
spill_of(const struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	const struct index_entry *e = index_find(&p->ix[kind == KU_MAP_GROUP], id);

	return e != NULL ? e->value : 0;
}

/* Where its newest contents are; `spill`: its place there, or 0. */
static const uint8_t *
contents(const struct publish *p, enum ku_map_kind kind, uint32_t id, uint32_t spill)
{
	uint32_t off = spill;

	if (off != 0)
		return spill_at(&p->spill, off);
	off = gen_find_live(&p->cur, kind, id);
	return off != 0 ? gen_at(&p->cur, off) : NULL;
}

const uint8_t *
entries_find(const struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	return contents(p, kind, id, spill_of(p, kind, id));
}

uint64_t
entries_order(const struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	uint32_t off = spill_of(p, kind, id);

	return off != 0 ? UINT64_C(1) << 32 | off : gen_find_live(&p->cur, kind, id);
}

static void
account(struct publish *p, const uint8_t *rec, bool add)
{
	bool group = record_kind(rec) == KU_MAP_GROUP;
	size_t *aliases = &p->aliases[group];

	p->n[group] += add ? 1 : (size_t)-1;
	if (add) {
		p->live_bytes += record_total_size(rec);
		*aliases += record_n_aliases(rec);
	} else {
		p->live_bytes -= record_total_size(rec);
		*aliases -= record_n_aliases(rec);
	}
}

static bool
is_excepted(const struct publish *p, const uint8_t *rec)
{
	uint32_t key_len, len;
	const char *key = record_key(rec, &key_len), *alias = record_aliases(rec, &len);
	char text[NAME_MAX_TEXT + 1];

	if (key_len > NAME_MAX_TEXT)
		return false;
	memcpy(text, key, key_len);
	text[key_len] = '\0';
	if (local_set_is_excepted(&p->local, text))
		return true;
	for (const char *end = alias + len; alias < end; alias += strlen(alias) + 1)
		if (local_set_is_excepted(&p->local, alias))
			return true;
	return false;
}

static bool
name_is_hidden(const struct publish *p, const uint8_t *rec, const char *name)
{
	uint32_t id = record_word(rec, KU_MAP_E_ID);

	return record_kind(rec) == KU_MAP_USER
	    ? local_set_hides_user(&p->local, name, id)
	    : local_set_hides_group(&p->local, name, id);
}

bool
entries_is_hidden(const struct publish *p, const uint8_t *rec)
{
	uint32_t key_len, len;
	const char *key = record_key(rec, &key_len), *alias = record_aliases(rec, &len);
	char text[NAME_MAX_TEXT + 1];

	if (key_len > NAME_MAX_TEXT)
		return true;
	if (p->local.n_except != 0 && is_excepted(p, rec))
		return false;
	memcpy(text, key, key_len);
	text[key_len] = '\0';
	if (name_is_hidden(p, rec, text))
		return true;
	for (const char *end = alias + len; alias < end; alias += strlen(alias) + 1)
		if (name_is_hidden(p, rec, alias))
			return true;
	return false;
}

static struct pending *
find_pending(struct publish *p, uint32_t id)
{
	struct list *it;

	list_for_each(it, &p->pending) {
		struct pending *w = container_of(it, struct pending, link);

		if (w->id == id)
			return w;
	}
	return NULL;
}

static void
drop_pending(struct pending *w)
{
	if (w == NULL)
		return;
	list_remove(&w->link);
	free(w);
}

static void
supersede(struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	uint32_t off = gen_find_live(&p->cur, kind, id);

	if (off != 0)
		gen_supersede(&p->cur, off);
	off = gen_find_live(&p->build.next, kind, id);
	if (off != 0)
		gen_supersede(&p->build.next, off);
}

void
entries_drop(struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	const uint8_t *rec = entries_find(p, kind, id);
	uint32_t spill = spill_of(p, kind, id);

	if (kind == KU_MAP_GROUP)
		drop_pending(find_pending(p, id));
	if (rec == NULL)
		return;
	account(p, rec, false);
	if (spill != 0)
		spill_drop(&p->spill, spill);
	supersede(p, kind, id);
	index_remove(index_of(p, kind), id);
	index_remove(&p->build.late[kind == KU_MAP_GROUP], id);
}

void
entries_drop_negative(struct publish *p, enum ku_map_kind kind, const char *name,
    uint32_t id)
{
	struct negative *n = negatives_find(&p->negatives, kind, name, id);

	if (n == NULL)
		return;
	gen_drop_negative(&p->cur, kind, name, id);
	gen_drop_negative(&p->build.next, kind, name, id);
	negatives_drop(&p->negatives, n);
}

static void
drop_negatives_of(struct publish *p, enum ku_map_kind kind, uint32_t id,
    const struct record_buf *keys)
{
	if (p->negatives.n == 0)
		return;
	entries_drop_negative(p, kind, NULL, id);
	for (size_t at = 0; at < keys->len; at += strlen((char *)keys->data + at) + 1)
		entries_drop_negative(p, kind, (const char *)keys->data + at, 0);
}

static void
set_fresh(struct publish *p, enum ku_map_kind kind, uint32_t id, uint32_t fresh_until)
{
	uint32_t off = spill_of(p, kind, id);

	if (off != 0)
		record_set_word(spill_at(&p->spill, off), KU_MAP_E_FRESH, fresh_until);
	off = gen_find_live(&p->cur, kind, id);
	if (off != 0)
		gen_store(&p->cur, off, KU_MAP_E_FRESH, fresh_until);
	off = gen_find_live(&p->build.next, kind, id);
	if (off != 0)
		gen_store(&p->build.next, off, KU_MAP_E_FRESH, fresh_until);
}

static void
compact_list(struct publish *p, enum ku_map_kind kind, struct spill *to)
{
	struct index *ix = index_of(p, kind);
	uint64_t from = 0;

	while (from <= UINT32_MAX) {
		struct index_entry *e = index_from(ix, (uint32_t)from);
		const uint8_t *rec;

		if (e == NULL)
			break;
		from = (uint64_t)e->id + 1;
		if (e->value == 0)
			continue;
		rec = spill_at(&p->spill, e->value);
		e->value = spill_add(to, rec, record_size(rec));
	}
}

/* While no generation can be written the same groups change again and again. */
static void
compact_spill(struct publish *p)
{
	struct spill to = { 0 };

	if (p->spill.garbage < SPILL_COMPACT || p->spill.garbage < p->spill.used / 2)
		return;
	compact_list(p, KU_MAP_USER, &to);
	compact_list(p, KU_MAP_GROUP, &to);
	spill_clear(&p->spill);
	p->spill = to;
}

void
entries_forget_recent(struct publish *p)
{
	if (mono_ms(p) - p->recent_ms < GROUP_EVERY_MS)
		return;
	index_clear(&p->recent[1]);
	p->recent[1] = p->recent[0];
	p->recent[0] = (struct index){ 0 };
	p->recent_ms = mono_ms(p);
}

static void
note_change(struct publish *p, uint32_t id)
{
	if (p->cur.base == NULL)
		return;
	entries_forget_recent(p);
	index_set(&p->recent[0], id, mono_ms(p));
}

static bool
changed_lately(const struct publish *p, uint32_t id)
{
	for (unsigned i = 0; i < 2; i++) {
		const struct index_entry *e = index_find(&p->recent[i], id);

		if (e != NULL && mono_ms(p) - e->value < GROUP_EVERY_MS)
			return true;
	}
	return false;
}

/* Into the file, or, when it has no room, aside: then readers ask the socket for it. */
static bool
place(struct publish *p, enum ku_map_kind kind, uint32_t id, const uint8_t *rec,
    uint32_t fresh_until, uint32_t *ret_spill)
{
	*ret_spill = 0;
	if (gen_put(&p->cur, rec, fresh_until)) {
		if (gen_is_crowded(&p->cur))
			build_want(p, false);
		return true;
	}
	supersede(p, kind, id);
	*ret_spill = spill_add(&p->spill, rec, record_size(rec));
	if (*ret_spill != 0)
		record_set_word(spill_at(&p->spill, *ret_spill), KU_MAP_E_FRESH,
		    fresh_until);
	if (p->cur.base != NULL)
		build_want(p, false);
	return *ret_spill != 0;
}

/* `rec` must not lie in the spill; `old` and `spill` are where the contents are so far. */
static void
put_over(struct publish *p, const uint8_t *rec, uint32_t fresh_until, const uint8_t *old,
    uint32_t spill)
{
	enum ku_map_kind kind = record_kind(rec);
	uint32_t id = record_word(rec, KU_MAP_E_ID);

	if (old != NULL)
		account(p, old, false);
	if (spill != 0)
		spill_drop(&p->spill, spill);
	if (!place(p, kind, id, rec, fresh_until, &spill)) {
		/* Not even memory: forget it, the socket has it. */
		index_remove(index_of(p, kind), id);
		return;
	}
	account(p, rec, true);
	if (spill == 0 && gen_is_ordered(&p->cur, kind, id))
		index_remove(index_of(p, kind), id);
	else
		index_set(index_of(p, kind), id, spill);
	if (kind == KU_MAP_GROUP)
		note_change(p, id);
	build_note(p, rec, fresh_until);
	compact_spill(p);
}

static void
put_record(struct publish *p, const uint8_t *rec, uint32_t fresh_until)
{
	enum ku_map_kind kind = record_kind(rec);
	uint32_t id = record_word(rec, KU_MAP_E_ID), spill = spill_of(p, kind, id);

	put_over(p, rec, fresh_until, contents(p, kind, id, spill), spill);
}

void
entries_renew(struct publish *p, const uint8_t *rec)
{
	uint32_t size = record_size(rec);
	cleanup_(freep) uint8_t *copy = xmalloc(size);

	memcpy(copy, rec, size);
	put_record(p, copy, record_word(copy, KU_MAP_E_FRESH));
}

static void
wait_for_second(struct publish *p, const uint8_t *rec, uint32_t fresh_until)
{
	uint32_t size = record_size(rec);
	struct pending *w = xmalloc(sizeof(*w) + size);

	drop_pending(find_pending(p, record_word(rec, KU_MAP_E_ID)));
	w->id = record_word(rec, KU_MAP_E_ID);
	w->fresh_until = fresh_until;
	memcpy(w->rec, rec, size);
	list_append(&p->pending, &w->link);
	if (!timer_is_set(&p->group_timer))
		timers_set(p->ts, &p->group_timer, CLOCK_S);
}

/* Its name may have become a local one while it waited. */
static void
flush(struct publish *p, struct pending *w)
{
	list_remove(&w->link);
	if (entries_is_hidden(p, w->rec))
		entries_drop(p, KU_MAP_GROUP, w->id);
	else
		put_record(p, w->rec, w->fresh_until);
	free(w);
}

void
entries_flush_groups(struct publish *p, bool all)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &p->pending) {
		struct pending *w = container_of(it, struct pending, link);

		if (all || !changed_lately(p, w->id))
			flush(p, w);
	}
}

void
entries_timer_fired(struct timer *t)
{
	struct publish *p = container_of(t, struct publish, group_timer);

	entries_flush_groups(p, false);
	if (!list_is_empty(&p->pending))
		timers_set(p->ts, &p->group_timer, CLOCK_S);
}

/* The newest version of a group, without waiting for its second. */
static void
flush_one(struct publish *p, uint32_t id)
{
	struct pending *w = find_pending(p, id);

	if (w != NULL)
		flush(p, w);
}

/*
 * A name belongs to whom it was published for last. Whoever has it in the file may have
 * given it up in a version that waits: that one must not be lost with the name.
 */
static void
take_names(struct publish *p, enum ku_map_kind kind, uint32_t id,
    const struct record_buf *keys)
{
	for (size_t at = 0; at < keys->len && p->cur.base != NULL;) {
		const char *key = (const char *)keys->data + at;
		uint32_t off = gen_find_key(&p->cur, kind, key, strlen(key));
		uint32_t other = off != 0 ? gen_load(&p->cur, off, KU_MAP_E_ID) : id;

		if (other != id && kind == KU_MAP_GROUP &&
		    find_pending(p, other) != NULL) {
			flush_one(p, other);
			continue;
		}
		if (other != id)
			entries_drop(p, kind, other);
		at += strlen(key) + 1;
	}
}

void
entries_publish(struct publish *p, uint32_t fresh_until)
{
	const uint8_t *rec = p->rec.data;
	enum ku_map_kind kind = record_kind(rec);
	uint32_t id = record_word(rec, KU_MAP_E_ID), spill;
	const uint8_t *old;

	if (entries_is_hidden(p, rec)) {
		entries_drop(p, kind, id);
		return;
	}
	drop_negatives_of(p, kind, id, &p->keys);
	take_names(p, kind, id, &p->keys);
	spill = spill_of(p, kind, id);
	old = contents(p, kind, id, spill);
	if (old != NULL && record_equal(rec, old)) {
		drop_pending(kind == KU_MAP_GROUP ? find_pending(p, id) : NULL);
		set_fresh(p, kind, id, fresh_until);
	} else if (old != NULL && kind == KU_MAP_GROUP && changed_lately(p, id)) {
		wait_for_second(p, rec, fresh_until);
	} else {
		drop_pending(kind == KU_MAP_GROUP ? find_pending(p, id) : NULL);
		put_over(p, rec, fresh_until, old, spill);
	}
}

void
entries_touch(struct publish *p, enum ku_map_kind kind, uint32_t id, uint32_t fresh_until)
{
	struct pending *w = kind == KU_MAP_GROUP ? find_pending(p, id) : NULL;

	if (w != NULL)
		w->fresh_until = fresh_until;
	set_fresh(p, kind, id, fresh_until);
}

void
entries_all_stale(struct publish *p)
{
	struct list *it;

	list_for_each(it, &p->pending)
		container_of(it, struct pending, link)->fresh_until = 0;
	spill_all_stale(&p->spill);
	gen_all_stale(&p->cur);
	gen_all_stale(&p->build.next);
}

void
entries_clear(struct publish *p)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &p->pending)
		drop_pending(container_of(it, struct pending, link));
	for (unsigned i = 0; i < 2; i++) {
		index_clear(&p->ix[i]);
		index_clear(&p->recent[i]);
		p->aliases[i] = 0;
		p->n[i] = 0;
	}
	spill_clear(&p->spill);
	negatives_clear(&p->negatives);
	p->live_bytes = 0;
}
