/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A new generation, in slices between events. Entries are written in order of id, straight
 * from the generation that is being replaced: its ordered part is walked beside the index of
 * what came later. Whatever is published meanwhile goes into both when its id has been
 * passed, so there is nothing left to catch up with but new ids, which come behind the
 * ordered part just before the rename. No step works through all entries at once.
 *
 * The old file stays what readers see until the very end, and for good when the new one
 * cannot be written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/publish/state.h"

/* Two at most with the piece of work that goes over it. */
#define SLICE_NS    (1 * CLOCK_MS)
#define BETWEEN_NS  (1 * CLOCK_MS)
#define EVERY_NS    (10 * CLOCK_S)
#define FORCED_NS   (1 * CLOCK_S)
#define AREA_MIN    (256u * 1024u)
#define SPARE_HEADS 256u
#define NO_LIMIT    INT64_MAX
#define MAX_TRIES   3u

bool
build_is_due(const struct publish *p)
{
	int64_t since = p->ts->now.mono_ns - p->last_ns;

	if (p->failed != 0)
		return since >= EVERY_NS;
	return p->generations == 0 || p->forced || since >= EVERY_NS;
}

/* Arms the timer for when the next one may be made. */
static void
arm(struct publish *p)
{
	int64_t least = p->forced && p->failed == 0 ? FORCED_NS : EVERY_NS;
	int64_t delay = p->last_ns + least - p->ts->now.mono_ns;

	if (!p->begun || p->build.phase != BUILD_IDLE)
		return;
	if (delay < BETWEEN_NS || (p->generations == 0 && p->failed == 0))
		delay = BETWEEN_NS;
	timers_set(p->ts, &p->build_timer, delay);
}

void
build_want(struct publish *p, bool forced)
{
	if (p->wanted && (p->forced || !forced))
		return;
	p->wanted = true;
	p->forced = p->forced || forced;
	arm(p);
}

void
build_abort(struct publish *p)
{
	struct build *b = &p->build;

	if (b->phase == BUILD_IDLE)
		return;
	if (b->file.fd >= 0)
		(void)close(b->file.fd);
	gen_file_unmap(&b->next);
	(void)unlink(p->tmp);
	for (unsigned i = 0; i < 2; i++)
		index_clear(&b->late[i]);
	*b = (struct build){ .file.fd = -1 };
	timers_unset(p->ts, &p->build_timer);
}

static int
lay_out(const struct publish *p, struct gen_layout *ret)
{
	const struct local_list *const local[] = { &p->local.users, &p->local.groups };
	uint64_t area = 2 *
	    (p->live_bytes + local[0]->bytes + local[1]->bytes +
		NEGATIVE_MAX * KU_MAP_ENTRY_LEN);

	if (area < AREA_MIN)
		area = AREA_MIN;
	if (area > UINT32_MAX / 2)
		return -EFBIG;
	ret->area = (uint32_t)area & ~(KU_MAP_ALIGN - 1);
	for (unsigned i = 0; i < 2; i++) {
		uint64_t ids = p->n[i] + local[i]->n, names = ids + p->aliases[i];

		ret->n_heads[2 * i] = (uint32_t)(2 * names + SPARE_HEADS);
		ret->n_heads[2 * i + 1] = (uint32_t)(2 * ids + SPARE_HEADS);
	}
	return 0;
}

static int
begin(struct publish *p)
{
	struct build *b = &p->build;
	struct gen_layout layout;
	int r = lay_out(p, &layout);

	if (r != 0)
		return r;
	b->phase = BUILD_FILL;
	return gen_file_create(&b->file, &b->next, p->tmp, &layout);
}

static bool
is_over(int64_t until_ns)
{
	return until_ns != NO_LIMIT && clock_mono_ns() >= until_ns;
}

/* The names of users, then those of groups. 1: all of them. */
static int
put_local(struct publish *p, int64_t until_ns)
{
	const struct local_list *u = &p->local.users, *g = &p->local.groups;
	struct build *b = &p->build;

	while (b->at < u->n + g->n) {
		bool user = b->at < u->n;
		const struct local_item *l = user ? &u->by_name[b->at]
						  : &g->by_name[b->at - u->n];

		if (!gen_put_local(&b->next, user ? KU_MAP_USER : KU_MAP_GROUP, l->name,
			l->id))
			return -ENOBUFS;
		b->at++;
		if (is_over(until_ns))
			return 0;
	}
	b->at = 0;
	b->next.ordered = b->next.used;
	return 1;
}

/* Two entries of one name: the one published later is right. True: `id` is gone. */
static bool
loses_name(struct publish *p, enum ku_map_kind kind, uint32_t id, const char *key,
    size_t len)
{
	uint32_t off = gen_find_key(&p->build.next, kind, key, len), other;

	if (off == 0)
		return false;
	other = gen_load(&p->build.next, off, KU_MAP_E_ID);
	if (other == id)
		return false;
	if (entries_order(p, kind, other) > entries_order(p, kind, id)) {
		entries_drop(p, kind, id);
		return true;
	}
	entries_drop(p, kind, other);
	return false;
}

static bool
loses_a_name(struct publish *p, enum ku_map_kind kind, uint32_t id, const uint8_t *rec)
{
	uint32_t key_len, len;
	const char *key = record_key(rec, &key_len), *alias = record_aliases(rec, &len);
	const char *end = alias + len;

	if (key_len > 0 && loses_name(p, kind, id, key, key_len))
		return true;
	for (; alias < end; alias += strlen(alias) + 1)
		if (loses_name(p, kind, id, alias, strlen(alias)))
			return true;
	return false;
}

/* One entry into the next generation, unless it turns out that it has no place there. */
static int
put_entry(struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	const uint8_t *rec = entries_find(p, kind, id);

	if (rec == NULL || gen_find_live(&p->build.next, kind, id) != 0)
		return 0;
	if (entries_is_hidden(p, rec)) {
		entries_drop(p, kind, id);
		return 0;
	}
	if (record_keys_again(&p->keys, rec, p->domain)) {
		uint32_t fresh_until = record_word(rec, KU_MAP_E_FRESH);

		if (!record_rekey(&p->again, rec, &p->keys)) {
			entries_drop(p, kind, id);
			return 0;
		}
		rec = p->again.data;
		record_set_word(p->again.data, KU_MAP_E_FRESH, fresh_until);
	}
	if (loses_a_name(p, kind, id, rec))
		return 0;
	return gen_put(&p->build.next, rec, record_word(rec, KU_MAP_E_FRESH)) ? 0
									      : -ENOBUFS;
}

#define NO_ID UINT64_MAX

static uint64_t
from_index(const struct index *ix, uint64_t from)
{
	const struct index_entry *e = from <= UINT32_MAX ? index_from(ix, (uint32_t)from)
							 : NULL;

	return e != NULL ? e->id : NO_ID;
}

/* Where the walk along the ordered part stands: one that has been passed is left behind. */
static uint64_t
from_ordered(struct publish *p, enum ku_map_kind kind)
{
	struct build *b = &p->build;

	for (;;) {
		uint32_t walk = b->walk, off = gen_next_ordered(&p->cur, kind, &walk), id;

		if (off == 0)
			return NO_ID;
		id = gen_load(&p->cur, off, KU_MAP_E_ID);
		if (id >= b->from)
			return id;
		b->walk = walk;
	}
}

/* 1: all of them. */
static int
put_in_order(struct publish *p, enum ku_map_kind kind, int64_t until_ns)
{
	struct build *b = &p->build;

	if (b->walk == 0)
		b->walk = p->cur.ordered;
	for (;;) {
		uint64_t id = from_index(index_of(p, kind), b->from);
		uint64_t ordered = from_ordered(p, kind);
		int r;

		if (ordered < id)
			id = ordered;
		if (id == NO_ID)
			break;
		b->from = id + 1;
		r = put_entry(p, kind, (uint32_t)id);
		if (r != 0)
			return r;
		if (is_over(until_ns))
			return 0;
	}
	b->from = 0;
	return 1;
}

/* A group may have waited with this name when the server was asked for it. A negative that
 * stands in front of an entry would hide it. */
static bool
is_there(const struct gen *g, const struct negative *n)
{
	return n->name != NULL ? gen_find_key(g, n->kind, n->name, strlen(n->name)) != 0
			       : gen_find_live(g, n->kind, n->id) != 0;
}

/* 1: all of them. */
static int
put_negatives(struct publish *p, int64_t until_ns)
{
	uint32_t now = (uint32_t)clock_boot_s(&p->ts->now);
	struct build *b = &p->build;

	while (b->at < NEGATIVE_MAX) {
		struct negative *n = &p->negatives.v[b->at++];

		if (n->tag == 0 || n->until <= now || is_there(&b->next, n))
			continue;
		(void)gen_put_negative(&b->next, n->kind, n->name, n->id, n->until);
		if (is_over(until_ns))
			return 0;
	}
	b->at = 0;
	return 1;
}

/* What comes after this has begun goes into the file at once. 1: all of them. */
static int
put_late(struct publish *p, int64_t until_ns)
{
	struct build *b = &p->build;

	for (; b->at < 2; b->at++, b->from = 0) {
		uint64_t id;

		while ((id = from_index(&b->late[b->at], b->from)) != NO_ID) {
			int r = put_entry(p, b->at == 0 ? KU_MAP_USER : KU_MAP_GROUP,
			    (uint32_t)id);

			if (r != 0)
				return r;
			b->from = id + 1;
			if (is_over(until_ns))
				return 0;
		}
	}
	return 1;
}

static void
end_generation(struct publish *p, struct gen *g, enum ku_map_state state)
{
	if (g->base != NULL)
		gen_store(g, 0, KU_MAP_H_STATE, (uint32_t)state);
	let_go(&p->let_go, g);
}

/* Modules that read another version cannot follow us to the new file. Told that theirs is
 * replaced, they would go on with it for ever; so it is taken back, and they ask. */
static enum ku_map_state
end_of_previous(const struct publish *p)
{
	if (p->prev.base != NULL &&
	    gen_load(&p->prev, 0, KU_MAP_H_VERSION) != KU_MAP_VERSION)
		return KU_MAP_WITHDRAWN;
	return KU_MAP_REPLACED;
}

static int
finish(struct publish *p)
{
	struct build *b = &p->build;

	p->generation++;
	publish_header(p, &b->next);
	if (rename(p->tmp, p->path) != 0)
		return -errno;
	end_generation(p, &p->cur, KU_MAP_REPLACED);
	end_generation(p, &p->prev, end_of_previous(p));
	p->cur = b->next;
	b->next = (struct gen){ 0 };
	for (unsigned i = 0; i < 2; i++) {
		index_clear(&p->ix[i]);
		p->ix[i] = b->late[i];
	}
	*b = (struct build){ .file.fd = -1 };
	let_go_memory(&p->let_go, p->spill.base, p->spill.cap, p->spill.used);
	p->spill = (struct spill){ 0 };
	p->local_is_newer = false;
	p->wanted = false;
	p->forced = false;
	p->failed = 0;
	p->trouble[0] = '\0';
	p->last_ns = p->ts->now.mono_ns;
	p->generations++;
	rate_count(&p->rate, p->last_ns / MINUTE_NS);
	return 0;
}

static void
end_order(struct gen *g)
{
	g->base_end = g->used;
	gen_store(g, 0, KU_MAP_H_BASE_END, g->base_end);
}

/* 1: renamed. 0: to be continued. */
static int
advance(struct publish *p, int64_t until_ns)
{
	struct build *b = &p->build;
	int r = 1;

	while (r == 1) {
		switch (b->phase) {
		case BUILD_FILL:
			r = gen_file_fill(&b->file, &b->next, until_ns);
			if (r == 1) {
				r = gen_file_map(&b->file, &b->next);
				r = r == 0 ? 1 : r;
			}
			break;
		case BUILD_LOCAL:
			r = put_local(p, until_ns);
			break;
		case BUILD_USERS:
			r = put_in_order(p, KU_MAP_USER, until_ns);
			break;
		case BUILD_GROUPS:
			r = put_in_order(p, KU_MAP_GROUP, until_ns);
			if (r == 1)
				end_order(&b->next);
			break;
		case BUILD_NEGATIVES:
			r = put_negatives(p, until_ns);
			break;
		case BUILD_LATE:
		case BUILD_IDLE:
		default:
			r = put_late(p, until_ns);
			if (r == 1)
				r = finish(p);
			else
				return r;
			return r == 0 ? 1 : r;
		}
		if (r == 1)
			b->phase++;
	}
	return r;
}

/* Our old file goes on serving; one that we cannot change does not. */
static void
fail(struct publish *p, int error)
{
	char text[sizeof(p->trouble)];

	build_abort(p);
	publish_withdraw(p, &p->prev);
	(void)snprintf(text, sizeof(text), "cannot write %s: %s", p->path,
	    strerror(-error));
	if (strcmp(text, p->trouble) != 0)
		log_warn("map: %s", text);
	(void)snprintf(p->trouble, sizeof(p->trouble), "%s", text);
	p->failed = error;
	p->last_ns = p->ts->now.mono_ns;
	p->wanted = true;
	arm(p);
}

/* One slice. 1: done, 0: to be continued. A file that turned out too small is begun again
 * at its new size. */
static int
run(struct publish *p, int64_t until_ns)
{
	unsigned tries = 0;
	int r;

	do {
		r = p->build.phase == BUILD_IDLE ? begin(p) : 0;
		if (r == 0)
			r = advance(p, until_ns);
		if (r == -ENOBUFS)
			build_abort(p);
	} while (r == -ENOBUFS && ++tries < MAX_TRIES);
	if (r < 0)
		fail(p, r);
	return r;
}

int
build_now(struct publish *p)
{
	int r = run(p, NO_LIMIT);

	if (r < 0)
		return r;
	timers_unset(p->ts, &p->build_timer);
	return 0;
}

void
build_timer_fired(struct timer *t)
{
	struct publish *p = container_of(t, struct publish, build_timer);

	if (p->build.phase == BUILD_IDLE && !p->wanted)
		return;
	if (run(p, clock_mono_ns() + SLICE_NS) == 0)
		timers_set(p->ts, &p->build_timer, BETWEEN_NS);
}

void
build_restart(struct publish *p)
{
	build_abort(p);
	arm(p);
}

static bool
is_passed(const struct build *b, enum ku_map_kind kind, uint32_t id)
{
	enum build_phase phase = kind == KU_MAP_USER ? BUILD_USERS : BUILD_GROUPS;

	return b->phase > phase || (b->phase == phase && id < b->from);
}

void
build_note(struct publish *p, const uint8_t *rec, uint32_t fresh_until)
{
	struct build *b = &p->build;
	enum ku_map_kind kind = record_kind(rec);
	uint32_t id = record_word(rec, KU_MAP_E_ID);

	if (b->phase < BUILD_USERS || !is_passed(b, kind, id))
		return;
	if (gen_find_id(&b->next, kind, id) == 0) {
		index_set(&b->late[kind == KU_MAP_GROUP], id, 0);
		if (b->phase == BUILD_LATE && put_entry(p, kind, id) != 0)
			build_restart(p);
	} else if (!gen_put(&b->next, rec, fresh_until)) {
		build_restart(p);
	}
}
