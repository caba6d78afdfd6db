/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Appending to a generation while others read it. The order is the whole point: an entry is
 * complete, with its `next` words, before a head is stored with release order; the version
 * before it is marked superseded after that. A reader therefore finds the old version, or
 * the new one, or an old one that is marked, and in the last case a second look finds the
 * new one.
 */
#include "src/unixd/publish/gen.h"

#include <string.h>

/* Negatives, which strangers cause, may take this share of the data area. */
#define NEGATIVE_SHARE 4u

static uint32_t *
word_at(const struct gen *g, uint32_t off)
{
	return (uint32_t *)(void *)(g->base + off);
}

uint32_t
gen_load(const struct gen *g, uint32_t off, unsigned word)
{
	return __atomic_load_n(word_at(g, off) + word, __ATOMIC_RELAXED);
}

void
gen_store(struct gen *g, uint32_t off, unsigned word, uint32_t value)
{
	__atomic_store_n(word_at(g, off) + word, value, __ATOMIC_RELEASE);
}

const uint8_t *
gen_at(const struct gen *g, uint32_t off)
{
	return g->base + off;
}

static uint64_t
hash_name(const struct gen *g, const char *name, size_t len)
{
	return siphash13(&g->key, name, len);
}

static uint64_t
hash_id(const struct gen *g, uint32_t id)
{
	return siphash13(&g->key, &id, sizeof(id));
}

static uint32_t
head_off(const struct gen *g, unsigned table, uint64_t hash)
{
	return g->heads[table] + 4 * ku_map_bucket(hash, g->n_heads[table]);
}

static enum ku_map_kind
kind_at(const struct gen *g, uint32_t off)
{
	return (enum ku_map_kind)(
	    gen_load(g, off, KU_MAP_E_SIZE_KIND) & KU_MAP_KIND_MASK);
}

static uint32_t
size_at(const struct gen *g, uint32_t off)
{
	return gen_load(g, off, KU_MAP_E_SIZE_KIND) & ~KU_MAP_KIND_MASK;
}

uint32_t
gen_find_id(const struct gen *g, enum ku_map_kind kind, uint32_t id)
{
	unsigned table = gen_name_table(kind) + 1;
	uint32_t off;

	if (g->base == NULL)
		return 0;
	for (off = gen_load(g, head_off(g, table, hash_id(g, id)), 0); off != 0;
	     off = gen_load(g, off, KU_MAP_E_NEXT_ID))
		if (kind_at(g, off) == kind && gen_load(g, off, KU_MAP_E_ID) == id)
			return off;
	return 0;
}

uint32_t
gen_find_live(const struct gen *g, enum ku_map_kind kind, uint32_t id)
{
	uint32_t off = gen_find_id(g, kind, id);

	return off != 0 && gen_load(g, off, KU_MAP_E_SUPERSEDED) == 0 ? off : 0;
}

bool
gen_is_ordered(const struct gen *g, enum ku_map_kind kind, uint32_t id)
{
	uint32_t off = gen_find_id(g, kind, id);

	return off != 0 && gen_load(g, off, KU_MAP_E_FIRST) < g->base_end;
}

uint32_t
gen_next_ordered(const struct gen *g, enum ku_map_kind kind, uint32_t *off)
{
	while (g->base != NULL && *off < g->base_end) {
		uint32_t at = *off;
		enum ku_map_kind there = kind_at(g, at);
		bool first = gen_load(g, at, KU_MAP_E_FIRST) == at;

		if (there == KU_MAP_GROUP && kind == KU_MAP_USER && first)
			return 0;
		*off += size_at(g, at);
		if (there == kind && first)
			return at;
	}
	return 0;
}

uint32_t
gen_find_key(const struct gen *g, enum ku_map_kind kind, const char *key, size_t len)
{
	uint64_t hash = hash_name(g, key, len);
	uint32_t off;

	for (off = gen_load(g, head_off(g, gen_name_table(kind), hash), 0); off != 0;
	     off = gen_load(g, off, KU_MAP_E_NEXT_NAME)) {
		enum ku_map_kind there = kind_at(g, off);
		uint32_t entry = off, n;
		const char *text;

		if (gen_load(g, off, KU_MAP_E_HASH) != ku_map_tag(hash) ||
		    (there != kind && there != KU_MAP_ALIAS))
			continue;
		if (there == KU_MAP_ALIAS) {
			text = (const char *)gen_at(g, off) + KU_MAP_ENTRY_LEN;
			n = gen_load(g, off, KU_MAP_E_FIRST);
			entry = gen_load(g, off, KU_MAP_E_ID);
		} else {
			text = record_key(gen_at(g, off), &n);
		}
		if (n == len && memcmp(text, key, len) == 0 &&
		    gen_load(g, entry, KU_MAP_E_SUPERSEDED) == 0)
			return entry;
	}
	return 0;
}

static bool
has_room(const struct gen *g, uint32_t size)
{
	return g->base != NULL && size <= g->len - g->used;
}

/*
 * In front of a chain. An entry that the new one replaces, and that stands in front, is left
 * out of the chain: a group that changes each second does not make its neighbours' chain
 * longer each second.
 */
static void
set_next(struct gen *g, unsigned table, uint64_t hash, uint32_t off, uint32_t replaced)
{
	unsigned word = table == KU_MAP_USER_NAME || table == KU_MAP_GROUP_NAME
	    ? KU_MAP_E_NEXT_NAME
	    : KU_MAP_E_NEXT_ID;
	uint32_t next = gen_load(g, head_off(g, table, hash), 0);

	if (next != 0 && next == replaced)
		next = gen_load(g, next, word);
	else
		g->linked[table]++;
	gen_store(g, off, word, next);
}

static void
swing_head(struct gen *g, unsigned table, uint64_t hash, uint32_t off)
{
	gen_store(g, head_off(g, table, hash), 0, off);
}

/* Everything up to `used` is complete: enumeration may walk it. */
static void
advance(struct gen *g, uint32_t size)
{
	g->used += size;
	gen_store(g, 0, KU_MAP_H_USED, g->used);
}

/* An entry of the eight common words and a text. */
static uint32_t
add_text_entry(struct gen *g, enum ku_map_kind kind, uint32_t id, uint64_t hash,
    const char *text, size_t len)
{
	uint32_t off = g->used, size = record_text_entry_size(len);

	memset(g->base + off, 0, size);
	memcpy(g->base + off + KU_MAP_ENTRY_LEN, text, len);
	gen_store(g, off, KU_MAP_E_SIZE_KIND, size | (uint32_t)kind);
	gen_store(g, off, KU_MAP_E_HASH, ku_map_tag(hash));
	gen_store(g, off, KU_MAP_E_ID, id);
	gen_store(g, off, KU_MAP_E_FIRST, (uint32_t)len);
	return off;
}

static void
put_aliases(struct gen *g, uint32_t target)
{
	unsigned table = gen_name_table(kind_at(g, target));
	uint32_t len;
	const char *alias = record_aliases(gen_at(g, target), &len);
	const char *end = alias + len;

	for (size_t n; alias < end; alias += n + 1) {
		uint64_t hash;
		uint32_t off;

		n = strlen(alias);
		hash = hash_name(g, alias, n);
		off = add_text_entry(g, KU_MAP_ALIAS, target, hash, alias, n);
		set_next(g, table, hash, off, 0);
		swing_head(g, table, hash, off);
		advance(g, size_at(g, off));
	}
}

bool
gen_put(struct gen *g, const uint8_t *rec, uint32_t fresh_until)
{
	enum ku_map_kind kind = record_kind(rec);
	uint32_t id = record_word(rec, KU_MAP_E_ID), size = record_size(rec);
	uint32_t off = g->used, old, key_len;
	unsigned table = gen_name_table(kind);
	const char *key = record_key(rec, &key_len);
	uint64_t by_name, by_id;

	if (!has_room(g, record_total_size(rec)))
		return false;
	by_name = hash_name(g, key, key_len);
	by_id = hash_id(g, id);
	old = gen_find_id(g, kind, id);
	memcpy(g->base + off, rec, size);
	gen_store(g, off, KU_MAP_E_FRESH, fresh_until);
	gen_store(g, off, KU_MAP_E_SUPERSEDED, 0);
	gen_store(g, off, KU_MAP_E_HASH, ku_map_tag(by_name));
	gen_store(g, off, KU_MAP_E_FIRST,
	    old == 0 ? off : gen_load(g, old, KU_MAP_E_FIRST));
	gen_store(g, off, KU_MAP_E_NEXT_NAME, 0);
	set_next(g, table + 1, by_id, off, old);
	if (key_len > 0)
		set_next(g, table, by_name, off, old);
	swing_head(g, table + 1, by_id, off);
	if (key_len > 0)
		swing_head(g, table, by_name, off);
	advance(g, size);
	put_aliases(g, off);
	if (old != 0)
		gen_supersede(g, old);
	return true;
}

void
gen_supersede(struct gen *g, uint32_t off)
{
	if (gen_load(g, off, KU_MAP_E_SUPERSEDED) != 0)
		return;
	gen_store(g, off, KU_MAP_E_SUPERSEDED, 1);
	g->garbage += kind_at(g, off) >= KU_MAP_ALIAS ? size_at(g, off)
						      : record_total_size(gen_at(g, off));
}

void
gen_all_stale(struct gen *g)
{
	if (g->base == NULL)
		return;
	for (uint32_t off = g->data; off < g->used; off += size_at(g, off)) {
		enum ku_map_kind kind = kind_at(g, off);

		if (kind == KU_MAP_USER || kind == KU_MAP_GROUP)
			gen_store(g, off, KU_MAP_E_FRESH, 0);
	}
}

bool
gen_put_local(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id)
{
	unsigned table = gen_name_table(kind);
	size_t len = strlen(name);
	uint64_t by_name, by_id;
	uint32_t off;

	if (!has_room(g, record_text_entry_size(len)))
		return false;
	by_name = hash_name(g, name, len);
	by_id = hash_id(g, id);
	off = add_text_entry(g, KU_MAP_LOCAL, id, by_name, name, len);
	set_next(g, table, by_name, off, 0);
	set_next(g, table + 1, by_id, off, 0);
	swing_head(g, table, by_name, off);
	swing_head(g, table + 1, by_id, off);
	advance(g, size_at(g, off));
	return true;
}

void
gen_drop_local(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id)
{
	size_t len = strlen(name);
	uint64_t hash;
	uint32_t off;

	if (g->base == NULL)
		return;
	hash = hash_name(g, name, len);
	for (off = gen_load(g, head_off(g, gen_name_table(kind), hash), 0); off != 0;
	     off = gen_load(g, off, KU_MAP_E_NEXT_NAME))
		if (kind_at(g, off) == KU_MAP_LOCAL &&
		    gen_load(g, off, KU_MAP_E_ID) == id &&
		    gen_load(g, off, KU_MAP_E_FIRST) == len &&
		    memcmp(gen_at(g, off) + KU_MAP_ENTRY_LEN, name, len) == 0 &&
		    gen_load(g, off, KU_MAP_E_SUPERSEDED) == 0) {
			gen_supersede(g, off);
			return;
		}
}

struct negative_place {
	unsigned table;
	unsigned next;
	uint64_t hash;
};

static struct negative_place
negative_place(const struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id)
{
	struct negative_place p = { gen_name_table(kind), KU_MAP_E_NEXT_NAME, 0 };

	if (name != NULL) {
		p.hash = hash_name(g, name, strlen(name));
	} else {
		p.hash = hash_id(g, id);
		p.table++;
		p.next = KU_MAP_E_NEXT_ID;
	}
	return p;
}

static uint32_t
find_negative(const struct gen *g, const struct negative_place *p)
{
	uint32_t off;

	if (g->base == NULL)
		return 0;
	for (off = gen_load(g, head_off(g, p->table, p->hash), 0); off != 0;
	     off = gen_load(g, off, p->next))
		if (kind_at(g, off) == KU_MAP_NEGATIVE &&
		    gen_load(g, off, KU_MAP_E_HASH) == ku_map_tag(p->hash) &&
		    gen_load(g, off, KU_MAP_E_ID) == (uint32_t)p->hash &&
		    gen_load(g, off, KU_MAP_E_SUPERSEDED) == 0)
			return off;
	return 0;
}

bool
gen_put_negative(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id,
    uint32_t until)
{
	struct negative_place p;
	uint32_t off;

	if (g->base == NULL)
		return false;
	p = negative_place(g, kind, name, id);
	off = find_negative(g, &p);
	if (off != 0) {
		gen_store(g, off, KU_MAP_E_FRESH, until);
		return true;
	}
	if (!has_room(g, KU_MAP_ENTRY_LEN) ||
	    g->negative >= (g->len - g->data) / NEGATIVE_SHARE)
		return false;
	off = add_text_entry(g, KU_MAP_NEGATIVE, (uint32_t)p.hash, p.hash, "", 0);
	gen_store(g, off, KU_MAP_E_FRESH, until);
	set_next(g, p.table, p.hash, off, 0);
	swing_head(g, p.table, p.hash, off);
	g->negative += KU_MAP_ENTRY_LEN;
	advance(g, KU_MAP_ENTRY_LEN);
	return true;
}

void
gen_drop_negative(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id)
{
	struct negative_place p;
	uint32_t off;

	if (g->base == NULL)
		return;
	p = negative_place(g, kind, name, id);
	off = find_negative(g, &p);
	if (off == 0)
		return;
	gen_supersede(g, off);
	gen_store(g, off, KU_MAP_E_HASH, 0);
	gen_store(g, off, KU_MAP_E_ID, 0);
}

bool
gen_is_crowded(const struct gen *g)
{
	uint32_t area = g->len - g->data;

	if (g->used - g->data > area / 8 * 7 || g->garbage > area / 2 ||
	    g->negative >= area / NEGATIVE_SHARE)
		return true;
	for (unsigned i = 0; i < KU_MAP_N_TABLES; i++)
		if (g->linked[i] > g->n_heads[i])
			return true;
	return false;
}
