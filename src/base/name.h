/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which strings can name a person or a group, and how two spellings are compared.
 *
 * One rule, used by the NSS module, the map, the daemon and the tools: the server's id
 * parser accepts much more ("name=alice", "alice,x", "70001" all find somebody), so what
 * does not match here is answered "no such entry" and never sent anywhere.
 *
 *	name	[a-z][a-z0-9._-]{0,63}		after ASCII lower-casing
 *	spn	name "@" [a-z0-9.-]{1,253}
 *	uuid	36 characters, hyphenated
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/base/attr.h"

#define NAME_MAX_SHORT  64
#define NAME_MAX_DOMAIN 253
#define NAME_MAX_TEXT   (NAME_MAX_SHORT + 1 + NAME_MAX_DOMAIN)

enum name_kind {
	NAME_SHORT,
	NAME_SPN,
	NAME_UUID,
};

/* A canonical name: ASCII lower case. `text` is NUL-terminated, `len` without the NUL,
 * `short_len` the length of the part before '@' (== len unless kind is NAME_SPN). */
struct name {
	enum name_kind kind;
	size_t len;
	size_t short_len;
	char text[NAME_MAX_TEXT + 1];
};

/* 0 and *ret_name set; -EINVAL when `s` (len bytes, no NUL needed) is not a name. NULL
 * and embedded NULs are -EINVAL. No allocation, no locale. */
int must_use_ name_parse(const char *s, size_t len, struct name *ret_name);

/* The length of `s` when it is, as it stands, the canonical text of a name of this kind
 * (NAME_SHORT or NAME_SPN); 0 when it is not. What name_parse() would say, without a copy. */
size_t name_canonical_len(const char *s, enum name_kind kind);

/* Turns `name@domain` into `name` when domain equals `own_domain` (canonical, may be NULL
 * or empty: then nothing changes). The key under which the map and caches file entries. */
void name_strip_domain(struct name *name, const char *own_domain);

/* True when `s` is usable as a field of a passwd or group line: no control characters, ':'
 * or newline, valid UTF-8. */
bool name_field_is_clean(const char *s);
