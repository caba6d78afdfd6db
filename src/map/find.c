/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The chain walk. New entries go in front of their chain, so the first match is the newest,
 * and an entry's `next` is always a smaller offset than its own: a walk that insists on
 * that ends, whatever the file holds. A name is looked for by 32 bits of its keyed hash
 * first, so the text of a stranger is hardly ever touched.
 */
#include "src/map/find.h"

#include "src/base/siphash.h"

struct walk {
	const struct map_view *v;
	enum ku_map_kind kind;
	const struct name *name;
	uint32_t id;
	uint32_t now;
	uint64_t hash;
	bool any; /* superseded entries count, too */
	bool saw_superseded;
};

static bool
user_parts(const struct map_view *v, struct found *f)
{
	uint32_t w[KU_MAP_U_TEXT - KU_MAP_U_GID], text_len, key_off, aliases_len;

	if (f->size < KU_MAP_USER_LEN ||
	    !view_words(v, f->off + KU_MAP_U_GID * 4, w, KU_MAP_U_TEXT - KU_MAP_U_GID))
		return false;
	f->gid = w[0];
	f->n_list = w[1];
	f->text = f->off + KU_MAP_USER_LEN;
	f->name_len = w[2] & 0xffff;
	f->gecos_len = w[2] >> 16;
	f->dir_len = w[3] & 0xffff;
	f->shell_len = w[3] >> 16;
	key_off = w[4] & 0xffff;
	f->key_len = w[4] >> 16;
	aliases_len = w[5] & 0xffff;
	text_len = f->name_len + f->gecos_len + f->dir_len + f->shell_len;
	if (key_off == 0 ? f->key_len > f->name_len : key_off != text_len)
		return false;
	f->key = f->text + key_off;
	text_len += aliases_len + (key_off == 0 ? 0 : f->key_len);
	text_len = (text_len + 3u) & ~3u;
	if (text_len > f->size - KU_MAP_USER_LEN ||
	    f->n_list > (f->size - KU_MAP_USER_LEN - text_len) / 4)
		return false;
	f->list = f->text + text_len;
	return true;
}

static bool
group_parts(const struct map_view *v, struct found *f)
{
	uint32_t w[KU_MAP_G_TEXT - KU_MAP_G_N_MEMBERS], text_len, key_off;

	if (f->size < KU_MAP_GROUP_LEN ||
	    !view_words(v, f->off + KU_MAP_G_N_MEMBERS * 4, w,
		KU_MAP_G_TEXT - KU_MAP_G_N_MEMBERS))
		return false;
	f->n_list = w[0];
	f->members_len = w[1];
	f->text = f->off + KU_MAP_GROUP_LEN;
	f->name_len = w[2] & 0xffff;
	key_off = w[2] >> 16;
	f->key_len = w[3] & 0xffff;
	if (key_off == 0 ? f->key_len > f->name_len : key_off != f->name_len)
		return false;
	f->key = f->text + key_off;
	text_len = f->name_len + (key_off == 0 ? 0 : f->key_len) + (w[3] >> 16);
	if (text_len > f->size - KU_MAP_GROUP_LEN ||
	    f->members_len > f->size - KU_MAP_GROUP_LEN - text_len ||
	    f->n_list > f->members_len)
		return false;
	f->list = f->text + text_len;
	return true;
}

/* `w` is the common part of the entry at `off`. */
static bool
entry_parts(const struct map_view *v, enum ku_map_kind kind, uint32_t off,
    const uint32_t *w, struct found *f)
{
	memset(f, 0, sizeof(*f));
	f->off = off;
	f->size = w[KU_MAP_E_SIZE_KIND] & ~KU_MAP_KIND_MASK;
	f->id = w[KU_MAP_E_ID];
	f->fresh_until = w[KU_MAP_E_FRESH];
	f->superseded = w[KU_MAP_E_SUPERSEDED] != 0;
	f->first = w[KU_MAP_E_FIRST];
	if ((w[KU_MAP_E_SIZE_KIND] & KU_MAP_KIND_MASK) != (uint32_t)kind)
		return false;
	return kind == KU_MAP_USER ? user_parts(v, f) : group_parts(v, f);
}

/* The common part of an entry, when it lies inside the data area. */
static inline bool
entry_words(const struct map_view *v, uint32_t off, uint32_t *w)
{
	uint32_t size;

	if (off < v->data || off % KU_MAP_ALIGN != 0 ||
	    !view_words(v, off, w, KU_MAP_ENTRY_LEN / 4))
		return false;
	size = w[KU_MAP_E_SIZE_KIND] & ~KU_MAP_KIND_MASK;
	return size >= KU_MAP_ENTRY_LEN && size <= v->len - off;
}

static bool
text_is_name(const struct walk *q, uint32_t off, const uint32_t *w)
{
	uint32_t size = w[KU_MAP_E_SIZE_KIND] & ~KU_MAP_KIND_MASK;

	return q->name == NULL ||
	    (w[KU_MAP_E_FIRST] == q->name->len &&
		q->name->len <= size - KU_MAP_ENTRY_LEN &&
		view_equal(q->v, off + KU_MAP_ENTRY_LEN, q->name->text, q->name->len));
}

/* Seen with acquire, so that a second walk finds what was put in front before. */
static enum found_kind
pass_over(struct walk *q, uint32_t off)
{
	uint32_t superseded;

	q->saw_superseded = view_word(q->v, off + KU_MAP_E_SUPERSEDED * 4, &superseded);
	return FOUND_NOTHING;
}

static enum found_kind
match_record(struct walk *q, uint32_t off, const uint32_t *w, struct found *f)
{
	if (w[KU_MAP_E_SUPERSEDED] != 0 && !q->any)
		return pass_over(q, off);
	if (!entry_parts(q->v, q->kind, off, w, f))
		return FOUND_NOTHING;
	if (q->name != NULL &&
	    (f->key_len != q->name->len ||
		!view_equal(q->v, f->key, q->name->text, q->name->len)))
		return FOUND_NOTHING;
	return FOUND_ENTRY;
}

/* An alias says nothing but where its entry is. */
static enum found_kind
match_alias(struct walk *q, uint32_t off, const uint32_t *w, struct found *f)
{
	uint32_t target = w[KU_MAP_E_ID], t[KU_MAP_ENTRY_LEN / 4];

	if (q->name == NULL || target >= off || !text_is_name(q, off, w) ||
	    !entry_words(q->v, target, t))
		return FOUND_NOTHING;
	if (t[KU_MAP_E_SUPERSEDED] != 0)
		return pass_over(q, target);
	return entry_parts(q->v, q->kind, target, t, f) ? FOUND_ENTRY : FOUND_NOTHING;
}

static enum found_kind
match(struct walk *q, uint32_t off, const uint32_t *w, struct found *f)
{
	uint32_t kind = w[KU_MAP_E_SIZE_KIND] & KU_MAP_KIND_MASK;

	if (q->any && kind != (uint32_t)q->kind)
		return FOUND_NOTHING;
	if (q->name != NULL || kind == KU_MAP_NEGATIVE) {
		if (w[KU_MAP_E_HASH] != ku_map_tag(q->hash))
			return FOUND_NOTHING;
	} else if (w[KU_MAP_E_ID] != q->id) {
		return FOUND_NOTHING;
	}
	switch (kind) {
	case KU_MAP_ALIAS:
		return match_alias(q, off, w, f);
	case KU_MAP_LOCAL:
		if (!text_is_name(q, off, w))
			return FOUND_NOTHING;
		return w[KU_MAP_E_SUPERSEDED] == 0 ? FOUND_LOCAL : pass_over(q, off);
	case KU_MAP_NEGATIVE:
		if (w[KU_MAP_E_ID] != (uint32_t)q->hash || w[KU_MAP_E_SUPERSEDED] != 0 ||
		    !view_ahead(w[KU_MAP_E_FRESH], q->now, q->v->max_ttl))
			return FOUND_NOTHING;
		return FOUND_NEGATIVE;
	default:
		return kind == (uint32_t)q->kind ? match_record(q, off, w, f)
						 : FOUND_NOTHING;
	}
}

static enum found_kind
walk_chain(struct walk *q, uint32_t table, struct found *f)
{
	const struct map_view *v = q->v;
	uint32_t next_word = q->name != NULL ? KU_MAP_E_NEXT_NAME : KU_MAP_E_NEXT_ID;
	uint32_t off, before = v->len, w[KU_MAP_ENTRY_LEN / 4];

	if (!view_word(v,
		v->table[table].off + 4 * ku_map_bucket(q->hash, v->table[table].n),
		&off))
		return FOUND_NOTHING;
	for (unsigned steps = 0; off != 0 && steps < KU_MAP_MAX_CHAIN; steps++) {
		enum found_kind found;

		if (off >= before || !entry_words(v, off, w))
			return FOUND_NOTHING;
		found = match(q, off, w, f);
		if (found != FOUND_NOTHING)
			return found;
		before = off;
		off = w[next_word];
	}
	return FOUND_NOTHING;
}

static enum found_kind
walk(struct walk *q, struct found *f)
{
	struct siphash_key key = { q->v->seed[0], q->v->seed[1] };
	uint32_t table = q->kind == KU_MAP_USER ? KU_MAP_USER_NAME : KU_MAP_GROUP_NAME;
	enum found_kind found;

	if (q->name != NULL) {
		q->hash = siphash13(&key, q->name->text, q->name->len);
	} else {
		q->hash = siphash13(&key, &q->id, sizeof(q->id));
		table++;
	}
	found = walk_chain(q, table, f);
	/* A version replaced while we were on our way to it: the new one was in front
	 * before the old one was marked. */
	if (found == FOUND_NOTHING && q->saw_superseded)
		found = walk_chain(q, table, f);
	return found;
}

enum found_kind
find(const struct map_view *v, enum ku_map_kind kind, const struct name *name,
    uint32_t id, uint32_t now, struct found *ret_found)
{
	struct walk q = { .v = v, .kind = kind, .name = name, .id = id, .now = now };

	return walk(&q, ret_found);
}

bool
find_newest(const struct map_view *v, enum ku_map_kind kind, uint32_t id,
    struct found *ret_found)
{
	struct walk q = { .v = v, .kind = kind, .id = id, .any = true };
	uint32_t before = 0;

	while (walk(&q, ret_found) == FOUND_ENTRY) {
		/* Removed, or replaced while we were on our way to it: then a newer one is
		 * in front of it now. */
		if (!ret_found->superseded || ret_found->off <= before)
			return true;
		before = ret_found->off;
		(void)pass_over(&q, before);
	}
	return false;
}

bool
find_next_first(const struct map_view *v, enum ku_map_kind kind, uint32_t *off,
    uint32_t *ret_id, uint32_t *ret_off)
{
	uint32_t end = view_header(v, KU_MAP_H_USED), w[KU_MAP_ENTRY_LEN / 4];

	if (end > v->len)
		return false;
	while (*off < end) {
		uint32_t at = *off;

		if (!entry_words(v, at, w))
			return false;
		*off = at + (w[KU_MAP_E_SIZE_KIND] & ~KU_MAP_KIND_MASK);
		if ((w[KU_MAP_E_SIZE_KIND] & KU_MAP_KIND_MASK) == (uint32_t)kind &&
		    w[KU_MAP_E_FIRST] == at) {
			*ret_id = w[KU_MAP_E_ID];
			*ret_off = at;
			return true;
		}
	}
	return false;
}
