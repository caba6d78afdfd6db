/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Small things every part of the development server needs: allocation that ends the
 * program instead of failing, growing strings, UUIDs, base64url, dates. A development
 * server that runs out of memory has nothing better to do than to stop.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_LEN          36u
#define ATTR_PRINTF(f, a) __attribute__((format(printf, f, a)))

void *x_calloc(size_t n, size_t size);
void *x_realloc(void *old, size_t n, size_t size);
char *x_strdup(const char *s);
char *x_strndup(const char *s, size_t len);
char *x_printf(const char *fmt, ...) ATTR_PRINTF(1, 2);
/* *slot is freed and becomes a copy of s (NULL for NULL). */
void x_assign(char **slot, const char *s);
void x_lower(char *s);

/* One line on stderr, with the program's name. */
void say(const char *fmt, ...) ATTR_PRINTF(1, 2);
void die(const char *fmt, ...) __attribute__((noreturn)) ATTR_PRINTF(1, 2);

struct text {
	char *s; /* always terminated once anything was added */
	size_t len;
	size_t cap;
};

void text_add(struct text *t, const char *data, size_t len);
void text_addf(struct text *t, const char *fmt, ...) ATTR_PRINTF(2, 3);
void text_free(struct text *t);

void random_bytes(void *out, size_t len);
void uuid_random(char out[static UUID_LEN + 1]);
/* The same name always gives the same UUID. */
void uuid_of_name(char out[static UUID_LEN + 1], const char *name);
/* Hyphenated, plain, braced and urn: forms; out is the lower-case hyphenated one. */
bool uuid_parse(const char *s, char out[static UUID_LEN + 1]);
uint32_t uuid_default_gid(const char *uuid);

/* Both give a fresh string; decode returns NULL for anything that is not base64url. */
char *b64url(const void *data, size_t len);
char *b64url_decode(const char *s, size_t len, size_t *ret_len);

/* Decimal without sign or leading zeros. */
bool parse_u32(const char *s, uint32_t *ret);
bool parse_i64(const char *s, int64_t *ret);
/* RFC 3339 with any offset; seconds since the epoch. */
bool parse_rfc3339(const char *s, int64_t *ret);
bool utf8_valid(const char *s, size_t len);

/* NULL when it cannot be read. */
char *read_file(const char *path, size_t *ret_len);
bool write_file(const char *path, const void *data, size_t len, unsigned mode);
