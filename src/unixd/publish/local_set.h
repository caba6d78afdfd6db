/* SPDX-License-Identifier: MPL-2.0 */
/* The names and ids of this host's own files, as they go into the map. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/local/local.h"

struct local_item {
	char *name;
	uint32_t id;
};

struct local_list {
	struct local_item *by_name;
	uint32_t *ids; /* sorted */
	size_t n;
	size_t cap;
	uint64_t bytes; /* of their entries in a map */
};

/* Users: 0; groups: 1. */
#define LOCAL_SET_LIST(s, group) ((group) ? &(s)->groups : &(s)->users)

struct local_set {
	struct local_list users;
	struct local_list groups;
	char **except; /* sorted canonical names */
	size_t n_except;
	struct local_ident passwd;
	struct local_ident group;
};

int local_item_compare(const void *a, const void *b);

/* `l` NULL: empty. Names in `except` (NULL-terminated, may be NULL) are left out. */
void local_set_fill(struct local_set *s, const struct local *l,
    const char *const *except);
void local_set_clear(struct local_set *s);
/* The same names, ids and exceptions; the identities do not count. */
bool local_set_equal(const struct local_set *a, const struct local_set *b);

/*
 * Does this host's own entry win over a remote one with this name (one of its keys) and id?
 * A group that has both the name and the id of a local one extends it (map_group).
 */
bool local_set_hides_user(const struct local_set *s, const char *name, uint32_t id);
bool local_set_hides_group(const struct local_set *s, const char *name, uint32_t id);
bool local_set_is_excepted(const struct local_set *s, const char *name);
