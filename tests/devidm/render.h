/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Entries as the server shows them: UNIX tokens, /v1 attribute maps, SCIM resources. All
 * three read the one ordered list of attributes that attrs_build() makes.
 */
#pragma once

#include <cjson/cJSON.h>

#include "tests/devidm/data.h"

enum attr_type {
	ATTR_ONE,    /* one string */
	ATTR_MANY,   /* strings */
	ATTR_NUMBER, /* gidnumber */
	ATTR_REFS,   /* other entries */
	ATTR_KEYS,   /* labelled ssh keys */
};

struct attr {
	const char *name;
	enum attr_type type;
	size_t n;
	const char *const *many;
	const char *one;
	uint32_t number;
	struct entry *const *refs;
	const struct sshkey *keys;
};

#define ATTRS_MAX 13

/* Alphabetical. Do not copy: members point into it. */
struct attrs {
	struct attr v[ATTRS_MAX];
	size_t n;
	const char *classes[8];
	struct refs direct, all;
};

/* own: the caller looks at itself and sees last_modified_cid as well. */
void attrs_build(struct store *st, struct entry *e, bool own, struct attrs *ret);
void attrs_free(struct attrs *a);
const struct attr *attrs_get(const struct attrs *a, const char *name);

cJSON *render_user_token(struct store *st, const struct entry *e);
/* A group, or the private group of an account. */
cJSON *render_group_token(const struct entry *e);
/* {"attrs":{...}} */
cJSON *render_entry(struct store *st, struct entry *e, bool own);
cJSON *render_attr_values(const struct attr *a);
/* wanted: comma-separated attribute names, NULL for all. */
cJSON *render_scim(struct store *st, struct entry *e, bool own, const char *wanted);
