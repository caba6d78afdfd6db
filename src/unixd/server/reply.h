/* SPDX-License-Identifier: MPL-2.0 */
/* A reply in the making: frame header, then a body that grows as its parts become known. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	uint8_t *buf; /* header and body, or NULL */
	size_t len;
	size_t cap;
	bool failed; /* larger than KU_MAX_REPLY */
};

void reply_init(struct reply *r);
void reply_clear(struct reply *r);

void reply_u32(struct reply *r, uint32_t v);
/* A "strs" is opened, filled with NUL-terminated strings and closed. */
size_t reply_strs_open(struct reply *r);
void reply_strz(struct reply *r, const char *s);
void reply_strs_close(struct reply *r, size_t at);
/* Overwrites a u32 written before at offset `at` (reply_here before writing it). */
void reply_patch_u32(struct reply *r, size_t at, uint32_t v);
static inline size_t
reply_here(const struct reply *r)
{
	return r->len;
}

/* Forgets the body and writes the header. */
void reply_drop_body(struct reply *r);
void reply_seal(struct reply *r, uint16_t op, uint16_t status, uint32_t serial);
