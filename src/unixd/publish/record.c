/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Packing. An entry keeps all its keys in itself, so that a new generation can be made from
 * the entries of the old one and nobody has to be asked again.
 */
#include "src/unixd/publish/record.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/prog/xalloc.h"

#define RECORD_MAX (1u << 28)

void
record_buf_free(struct record_buf *b)
{
	free(b->data);
	*b = (struct record_buf){ 0 };
}

static void
grow(struct record_buf *b, size_t n)
{
	size_t cap = b->cap == 0 ? 512 : b->cap;

	if (n <= b->cap - b->len)
		return;
	while (n > cap - b->len)
		cap *= 2;
	b->data = xreallocarray(b->data, cap, 1);
	b->cap = cap;
}

static void
add(struct record_buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	grow(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
pad(struct record_buf *b, size_t to)
{
	static const uint8_t zero[KU_MAP_ALIGN];

	add(b, zero, (to - b->len % to) % to);
}

uint32_t
record_word(const uint8_t *rec, unsigned word)
{
	uint32_t value;

	memcpy(&value, rec + (size_t)word * 4, sizeof(value));
	return value;
}

void
record_set_word(uint8_t *rec, unsigned word, uint32_t value)
{
	memcpy(rec + (size_t)word * 4, &value, sizeof(value));
}

uint32_t
record_size(const uint8_t *rec)
{
	return record_word(rec, KU_MAP_E_SIZE_KIND) & ~KU_MAP_KIND_MASK;
}

enum ku_map_kind
record_kind(const uint8_t *rec)
{
	return (enum ku_map_kind)(
	    record_word(rec, KU_MAP_E_SIZE_KIND) & KU_MAP_KIND_MASK);
}

static bool
has_key(const struct record_buf *keys, const char *text, size_t len)
{
	for (size_t at = 0; at < keys->len;) {
		size_t n = strlen((const char *)keys->data + at);

		if (n == len && memcmp(keys->data + at, text, len) == 0)
			return true;
		at += n + 1;
	}
	return false;
}

static void
add_parsed_key(struct record_buf *to, const char *key, const char *own_domain)
{
	struct name name;

	if (key == NULL || name_parse(key, strlen(key), &name) != 0 ||
	    name.kind == NAME_UUID)
		return;
	name_strip_domain(&name, own_domain);
	if (!has_key(to, name.text, name.len))
		add(to, name.text, name.len + 1);
}

void
record_keys(struct record_buf *to, const char *const *keys, size_t n_keys,
    const char *own_domain)
{
	to->len = 0;
	for (size_t i = 0; i < n_keys; i++) {
		size_t len = keys[i] != NULL ? name_canonical_len(keys[i], NAME_SHORT)
					     : 0;

		/* Nearly all are short and canonical: nothing to be made of them. */
		if (len == 0)
			add_parsed_key(to, keys[i], own_domain);
		else if (!has_key(to, keys[i], len))
			add(to, keys[i], len + 1);
	}
}

static const char *
keys_begin(const struct record_buf *keys)
{
	return keys->len == 0 ? "" : (const char *)keys->data;
}

/* The first key, when it is not the beginning of the name anyway; then the aliases. */
static bool
add_keys(struct record_buf *to, const struct record_buf *keys, const char *name,
    size_t text_len, uint32_t *ret_key_off, uint32_t *ret_key_len, uint32_t *ret_aliases)
{
	const char *key = keys_begin(keys);
	size_t key_len = strlen(key),
	       aliases = keys->len == 0 ? 0 : keys->len - key_len - 1;

	if (aliases > UINT16_MAX)
		return false;
	*ret_key_off = 0;
	*ret_key_len = (uint32_t)key_len;
	*ret_aliases = (uint32_t)aliases;
	if (strncmp(name, key, key_len) != 0) {
		*ret_key_off = (uint32_t)text_len;
		add(to, key, key_len);
	}
	if (aliases > 0)
		add(to, key + key_len + 1, aliases);
	return text_len <= UINT16_MAX;
}

static void
begin(struct record_buf *to, size_t head)
{
	to->len = 0;
	grow(to, head);
	memset(to->data, 0, head);
	to->len = head;
}

static bool
finish(struct record_buf *to, enum ku_map_kind kind, uint32_t id)
{
	pad(to, KU_MAP_ALIGN);
	if (to->len > RECORD_MAX)
		return false;
	record_set_word(to->data, KU_MAP_E_SIZE_KIND, (uint32_t)to->len | (uint32_t)kind);
	record_set_word(to->data, KU_MAP_E_ID, id);
	return true;
}

bool
record_user(struct record_buf *to, const struct passwd_view *v,
    const struct record_buf *keys)
{
	const char *const text[] = { v->name, v->gecos, v->dir, v->shell };
	uint32_t len[4], key_off, key_len, aliases;
	size_t text_len = 0;

	begin(to, KU_MAP_USER_LEN);
	for (unsigned i = 0; i < 4; i++) {
		size_t n = text[i] == NULL ? 0 : strlen(text[i]);

		if (n > UINT16_MAX)
			return false;
		len[i] = (uint32_t)n;
		text_len += n;
		add(to, text[i], n);
	}
	if (len[0] == 0 ||
	    !add_keys(to, keys, v->name, text_len, &key_off, &key_len, &aliases))
		return false;
	pad(to, 4);
	if (v->n_gids > RECORD_MAX / 8)
		return false;
	add(to, v->gids, v->n_gids * sizeof(v->gids[0]));
	record_set_word(to->data, KU_MAP_U_GID, v->gid);
	record_set_word(to->data, KU_MAP_U_N_GIDS, (uint32_t)v->n_gids);
	record_set_word(to->data, KU_MAP_U_LENS, len[0] | len[1] << 16);
	record_set_word(to->data, KU_MAP_U_LENS + 1, len[2] | len[3] << 16);
	record_set_word(to->data, KU_MAP_U_LENS + 2, key_off | key_len << 16);
	record_set_word(to->data, KU_MAP_U_LENS + 3,
	    aliases | (v->overrides ? KU_MAP_UF_OVERRIDE << 16 : 0));
	return finish(to, KU_MAP_USER, v->uid);
}

bool
record_group(struct record_buf *to, const struct group_view *v,
    const struct record_buf *keys)
{
	uint32_t key_off, key_len, aliases, n = 0;
	size_t name_len = v->name == NULL ? 0 : strlen(v->name), members;

	begin(to, KU_MAP_GROUP_LEN);
	if (name_len == 0 || name_len > UINT16_MAX)
		return false;
	add(to, v->name, name_len);
	if (!add_keys(to, keys, v->name, name_len, &key_off, &key_len, &aliases))
		return false;
	members = to->len;
	for (size_t i = 0; i < v->n_members && to->len <= RECORD_MAX; i++) {
		if (v->members[i] == NULL || v->members[i][0] == '\0')
			continue;
		add(to, v->members[i], strlen(v->members[i]) + 1);
		n++;
	}
	members = to->len - members;
	record_set_word(to->data, KU_MAP_G_N_MEMBERS, n);
	record_set_word(to->data, KU_MAP_G_MEMBERS_LEN, (uint32_t)members);
	record_set_word(to->data, KU_MAP_G_LENS, (uint32_t)name_len | key_off << 16);
	record_set_word(to->data, KU_MAP_G_LENS + 1, key_len | aliases << 16);
	return finish(to, KU_MAP_GROUP, v->gid);
}

struct key_place {
	uint32_t text; /* offsets in the entry */
	uint32_t key_off;
	uint32_t key_len;
	uint32_t fields_len; /* name gecos dir shell */
	uint32_t aliases_len;
};

static struct key_place
key_place(const uint8_t *rec)
{
	struct key_place k;
	uint32_t w;

	if (record_kind(rec) == KU_MAP_USER) {
		k.text = KU_MAP_USER_LEN;
		w = record_word(rec, KU_MAP_U_LENS);
		k.fields_len = (w & 0xffff) + (w >> 16);
		w = record_word(rec, KU_MAP_U_LENS + 1);
		k.fields_len += (w & 0xffff) + (w >> 16);
		w = record_word(rec, KU_MAP_U_LENS + 2);
		k.key_off = w & 0xffff;
		k.key_len = w >> 16;
		k.aliases_len = record_word(rec, KU_MAP_U_LENS + 3) & 0xffff;
	} else {
		k.text = KU_MAP_GROUP_LEN;
		w = record_word(rec, KU_MAP_G_LENS);
		k.fields_len = w & 0xffff;
		k.key_off = w >> 16;
		w = record_word(rec, KU_MAP_G_LENS + 1);
		k.key_len = w & 0xffff;
		k.aliases_len = w >> 16;
	}
	return k;
}

bool
record_rekey(struct record_buf *to, const uint8_t *rec, const struct record_buf *keys)
{
	struct key_place k = key_place(rec);
	bool user = record_kind(rec) == KU_MAP_USER;
	const char *name = (const char *)rec + k.text;
	uint32_t list = k.text + k.fields_len + (k.key_off == 0 ? 0 : k.key_len) +
	    k.aliases_len;
	uint32_t list_len = user ? record_word(rec, KU_MAP_U_N_GIDS) * 4
				 : record_word(rec, KU_MAP_G_MEMBERS_LEN);
	uint32_t key_off, key_len, aliases, w;

	begin(to, k.text);
	memcpy(to->data, rec, k.text);
	add(to, name, k.fields_len);
	if (!add_keys(to, keys, name, k.fields_len, &key_off, &key_len, &aliases))
		return false;
	if (user) {
		pad(to, 4);
		list = (list + 3) & ~3u;
		record_set_word(to->data, KU_MAP_U_LENS + 2, key_off | key_len << 16);
		w = record_word(rec, KU_MAP_U_LENS + 3) & ~0xffffu; /* the flags */
		record_set_word(to->data, KU_MAP_U_LENS + 3, w | aliases);
	} else {
		w = record_word(rec, KU_MAP_G_LENS) & 0xffff;
		record_set_word(to->data, KU_MAP_G_LENS, w | key_off << 16);
		record_set_word(to->data, KU_MAP_G_LENS + 1, key_len | aliases << 16);
	}
	add(to, rec + list, list_len);
	return finish(to, record_kind(rec), record_word(rec, KU_MAP_E_ID));
}

bool
record_keys_again(struct record_buf *to, const uint8_t *rec, const char *own_domain)
{
	struct key_place k = key_place(rec);
	const char *key = (const char *)rec + k.text + k.key_off, *alias, *end;
	bool changed = false;

	alias = record_aliases(rec, &k.aliases_len);
	if (memchr(key, '@', k.key_len) == NULL &&
	    memchr(alias, '@', k.aliases_len) == NULL)
		return false;
	to->len = 0;
	end = alias + k.aliases_len;
	while (key != NULL) {
		struct name name;

		if (name_parse(key, k.key_len, &name) == 0) {
			name_strip_domain(&name, own_domain);
			changed = changed || name.len != k.key_len;
			if (!has_key(to, name.text, name.len))
				add(to, name.text, name.len + 1);
		}
		key = alias < end ? alias : NULL;
		k.key_len = key != NULL ? (uint32_t)strlen(key) : 0;
		alias += k.key_len + 1;
	}
	return changed;
}

const char *
record_key(const uint8_t *rec, uint32_t *ret_len)
{
	struct key_place k = key_place(rec);

	*ret_len = k.key_len;
	return (const char *)rec + k.text + k.key_off;
}

const char *
record_aliases(const uint8_t *rec, uint32_t *ret_len)
{
	struct key_place k = key_place(rec);

	*ret_len = k.aliases_len;
	return (const char *)rec + k.text + k.fields_len +
	    (k.key_off == 0 ? 0 : k.key_len);
}

unsigned
record_n_aliases(const uint8_t *rec)
{
	uint32_t len;
	const char *alias = record_aliases(rec, &len);
	unsigned n = 0;

	for (uint32_t i = 0; i < len; i++)
		n += alias[i] == '\0';
	return n;
}

uint32_t
record_text_entry_size(size_t text_len)
{
	return (uint32_t)(KU_MAP_ENTRY_LEN + text_len + KU_MAP_ALIGN - 1) &
	    ~(KU_MAP_ALIGN - 1);
}

uint32_t
record_total_size(const uint8_t *rec)
{
	uint32_t len, total = record_size(rec);
	const char *alias = record_aliases(rec, &len);

	for (const char *end = alias + len; alias < end; alias += strlen(alias) + 1)
		total += record_text_entry_size(strlen(alias));
	return total;
}

bool
record_equal(const uint8_t *a, const uint8_t *b)
{
	return record_word(a, KU_MAP_E_SIZE_KIND) == record_word(b, KU_MAP_E_SIZE_KIND) &&
	    record_word(a, KU_MAP_E_ID) == record_word(b, KU_MAP_E_ID) &&
	    memcmp(a + KU_MAP_ENTRY_LEN, b + KU_MAP_ENTRY_LEN,
		record_size(a) - KU_MAP_ENTRY_LEN) == 0;
}
