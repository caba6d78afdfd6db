/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The names and numbers of one file in the format of passwd(5) or group(5), in memory.
 * Internal to this folder (and to the fuzz target).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_kind {
	TABLE_PASSWD,
	TABLE_GROUP,
};

/* Offsets into `text`: half the size of pointers, and the text may move while it grows. */
struct table_entry {
	uint32_t name;  /* as written */
	uint32_t canon; /* ASCII lower case; the same offset when nothing differs */
	uint32_t id;
	uint32_t first_member; /* index into members */
	uint32_t n_members;
};

struct table {
	char *text;
	size_t text_len;
	size_t text_cap;
	struct table_entry *entries; /* in the order of the file */
	size_t n;
	size_t cap;
	uint32_t *by_name; /* indexes of entries, sorted by canon, then by line */
	uint32_t *by_id;   /* sorted by id, then by line */
	const char **members;
	uint32_t *member_at; /* offsets, until the text has stopped growing */
	size_t n_members;
	size_t members_cap;
};

/* No line of a sane file is longer; what is beyond loses its members, never its name. */
#define TABLE_MAX_LINE (4u * 1024u * 1024u)

/* Reads `len` bytes. Never fails for what is in them. */
void table_parse(struct table *t, enum table_kind kind, const char *data, size_t len);
void table_free(struct table *t);

/* First line with this canonical name or number, or NULL. */
const struct table_entry *table_by_name(const struct table *t, const char *canon);
const struct table_entry *table_by_id(const struct table *t, uint32_t id);
/* First line with exactly this name. */
const struct table_entry *table_by_exact(const struct table *t, const char *name);

static inline const char *
table_text(const struct table *t, uint32_t at)
{
	return t->text + at;
}
