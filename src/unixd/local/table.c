/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reading passwd and group files the way the C library does: line by line, and a line that
 * makes no sense costs nobody but itself. There is no quoting in these files, and people
 * do write comments and NIS leftovers into them.
 *
 * Where the C library and we could disagree about a damaged line, we lean towards "this
 * name is local": a name too many is an entry of the server hidden, a name too few is
 * somebody else's rights. So a number may be followed by anything or nothing.
 *
 * Two sorted arrays of indexes are the whole look-up structure. They need no seed against
 * chosen keys, and "first line wins" falls out of the order.
 */
#include "src/unixd/local/table.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/blank.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static uint32_t
add_text(struct table *t, const char *s, size_t len)
{
	size_t at = t->text_len;

	if (t->text_cap - at < len + 1) {
		t->text_cap = (t->text_cap + len + 1) * 2;
		t->text = xreallocarray(t->text, t->text_cap, 1);
	}
	memcpy(t->text + at, s, len);
	t->text[at + len] = '\0';
	t->text_len = at + len + 1;
	return (uint32_t)at;
}

static void
add_member(struct table *t, const char *s, size_t len)
{
	if (t->n_members == t->members_cap) {
		t->members_cap = t->members_cap * 2 + 16;
		t->member_at = xreallocarray(t->member_at, t->members_cap,
		    sizeof(*t->member_at));
	}
	t->member_at[t->n_members++] = add_text(t, s, len);
}

static struct table_entry *
add_entry(struct table *t, const char *name, size_t len, uint32_t id)
{
	struct table_entry *e;
	bool differs = false;

	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 32;
		t->entries = xreallocarray(t->entries, t->cap, sizeof(*t->entries));
	}
	e = &t->entries[t->n++];
	*e = (struct table_entry){ .id = id, .first_member = (uint32_t)t->n_members };
	e->name = add_text(t, name, len);
	e->canon = e->name;
	for (size_t i = 0; i < len; i++)
		differs |= lower(name[i]) != name[i];
	if (differs) {
		e->canon = add_text(t, name, len);
		for (size_t i = 0; i < len; i++)
			t->text[e->canon + i] = lower(name[i]);
	}
	return e;
}

/* The field at *at up to ':' or `end`; *at moves behind it, to NULL when it was the last. */
static const char *
next_field(const char **at, const char *end, size_t *ret_len)
{
	const char *start = *at;
	const char *colon;

	if (start == NULL)
		return NULL;
	colon = memchr(start, ':', (size_t)(end - start));
	*ret_len = (size_t)((colon == NULL ? end : colon) - start);
	*at = colon == NULL ? NULL : colon + 1;
	return start;
}

/* Digits, with what blanks there may be around them; libc takes a sign, too. */
static bool
parse_id(const char *s, size_t len, uint32_t *ret_id)
{
	uint64_t v = 0;
	size_t digits = 0;
	size_t i = 0;

	while (i < len && (is_blank(s[i]) || s[i] == '+'))
		i++;
	for (; i < len && s[i] >= '0' && s[i] <= '9'; i++, digits++) {
		v = v * 10 + (uint64_t)(s[i] - '0');
		if (v > UINT32_MAX)
			return false;
	}
	while (i < len && is_blank(s[i]))
		i++;
	*ret_id = (uint32_t)v;
	return digits > 0 && i == len;
}

static void
parse_members(struct table *t, struct table_entry *e, const char *s, const char *end)
{
	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma == NULL ? end : comma;
		const char *last = stop;

		while (s < last && is_blank(*s))
			s++;
		while (last > s && is_blank(last[-1]))
			last--;
		if (last > s) {
			add_member(t, s, (size_t)(last - s));
			e->n_members++;
		}
		if (comma == NULL)
			return;
		s = comma + 1;
	}
}

static void
parse_line(struct table *t, enum table_kind kind, const char *s, const char *end)
{
	const char *nul = memchr(s, '\0', (size_t)(end - s));
	bool too_long = (size_t)(end - s) > TABLE_MAX_LINE;
	struct table_entry *e;
	const char *name;
	const char *field;
	size_t name_len;
	size_t len;
	uint32_t id;

	if (nul != NULL)
		end = nul;
	while (s < end && is_blank(*s))
		s++;
	if (s == end || *s == '#' || *s == '+' || *s == '-')
		return;
	name = next_field(&s, end, &name_len);
	if (name_len == 0 || next_field(&s, end, &len) == NULL)
		return;
	field = next_field(&s, end, &len);
	if (field == NULL || !parse_id(field, len, &id))
		return;
	e = add_entry(t, name, name_len, id);
	if (kind == TABLE_GROUP && s != NULL && !too_long)
		parse_members(t, e, s, end);
}

static int
cmp_name(const void *a, const void *b, void *arg)
{
	const struct table *t = arg;
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	int r = strcmp(table_text(t, t->entries[x].canon),
	    table_text(t, t->entries[y].canon));

	return r != 0 ? r : (x > y) - (x < y);
}

static int
cmp_id(const void *a, const void *b, void *arg)
{
	const struct table *t = arg;
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;
	uint32_t i = t->entries[x].id;
	uint32_t j = t->entries[y].id;

	return i != j ? (i > j) - (i < j) : (x > y) - (x < y);
}

static void
build_indexes(struct table *t)
{
	t->by_name = xreallocarray(NULL, t->n + 1, sizeof(*t->by_name));
	t->by_id = xreallocarray(NULL, t->n + 1, sizeof(*t->by_id));
	for (size_t i = 0; i < t->n; i++) {
		t->by_name[i] = (uint32_t)i;
		t->by_id[i] = (uint32_t)i;
	}
	qsort_r(t->by_name, t->n, sizeof(*t->by_name), cmp_name, t);
	qsort_r(t->by_id, t->n, sizeof(*t->by_id), cmp_id, t);
	t->members = xreallocarray(NULL, t->n_members + 1, sizeof(*t->members));
	for (size_t i = 0; i < t->n_members; i++)
		t->members[i] = table_text(t, t->member_at[i]);
	free(t->member_at);
	t->member_at = NULL;
}

void
table_parse(struct table *t, enum table_kind kind, const char *data, size_t len)
{
	const char *s = data;
	const char *end = data + len;

	memset(t, 0, sizeof(*t));
	while (s < end) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		const char *stop = nl == NULL ? end : nl;

		parse_line(t, kind, s, stop);
		s = nl == NULL ? end : nl + 1;
	}
	build_indexes(t);
}

void
table_free(struct table *t)
{
	free(t->text);
	free(t->entries);
	free(t->by_name);
	free(t->by_id);
	free(t->members);
	free(t->member_at);
	memset(t, 0, sizeof(*t));
}

/* Place in by_name of the first entry that is not before `canon`. */
static size_t
find_name(const struct table *t, const char *canon)
{
	size_t lo = 0;
	size_t hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct table_entry *e = &t->entries[t->by_name[mid]];

		if (strcmp(table_text(t, e->canon), canon) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct table_entry *
table_by_name(const struct table *t, const char *canon)
{
	size_t at = find_name(t, canon);
	const struct table_entry *e;

	if (at == t->n)
		return NULL;
	e = &t->entries[t->by_name[at]];
	return streq(table_text(t, e->canon), canon) ? e : NULL;
}

const struct table_entry *
table_by_exact(const struct table *t, const char *name)
{
	char *canon cleanup_(freep) = xstrdup(name);

	for (char *c = canon; *c != '\0'; c++)
		*c = lower(*c);
	for (size_t at = find_name(t, canon); at < t->n; at++) {
		const struct table_entry *e = &t->entries[t->by_name[at]];

		if (!streq(table_text(t, e->canon), canon))
			return NULL;
		if (streq(table_text(t, e->name), name))
			return e;
	}
	return NULL;
}

const struct table_entry *
table_by_id(const struct table *t, uint32_t id)
{
	size_t lo = 0;
	size_t hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->entries[t->by_id[mid]].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == t->n || t->entries[t->by_id[lo]].id != id)
		return NULL;
	return &t->entries[t->by_id[lo]];
}
