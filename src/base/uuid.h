/* SPDX-License-Identifier: MPL-2.0 */
/* UUIDs as 16 bytes; text form is RFC 4122 section 3, lower case with hyphens. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "src/base/attr.h"

#define UUID_TEXT_LEN 36

struct uuid {
	uint8_t b[16];
};

/* The 36-character hyphenated form only, either case. 0, or -EINVAL. */
int must_use_ uuid_parse(const char *text, size_t len, struct uuid *ret_uuid);

/* Writes 36 characters and a NUL. */
void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1]);

static inline bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}
