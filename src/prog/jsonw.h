/* SPDX-License-Identifier: MPL-2.0 */
/*
 * JSON to a stream, for the --json output of the tools. One line, no blanks, members in
 * the order of the calls.
 *
 *	struct jsonw w;
 *	jsonw_begin(&w, stdout);
 *	jsonw_open_object(&w, NULL);
 *	jsonw_string(&w, "system", "online");
 *	jsonw_open_array(&w, "users"); jsonw_string(&w, NULL, "alice"); jsonw_close(&w);
 *	jsonw_close(&w);
 *	err = jsonw_end(&w);
 *
 * `key` is NULL in arrays and at the top. Misuse (a key in an array, a close too many,
 * deeper than JSONW_MAX_DEPTH) aborts: it is a bug of the caller.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/attr.h"

#define JSONW_MAX_DEPTH 16u

struct jsonw {
	FILE *out;
	unsigned depth;
	bool started; /* at the top: the one value is there */
	struct {
		bool array;
		bool filled;
	} level[JSONW_MAX_DEPTH];
};

void jsonw_begin(struct jsonw *w, FILE *out);
/* Ends the line and flushes; 0, or -EIO when anything could not be written. */
int must_use_ jsonw_end(struct jsonw *w);

void jsonw_open_object(struct jsonw *w, const char *key);
void jsonw_open_array(struct jsonw *w, const char *key);
/* Closes the innermost open object or array. */
void jsonw_close(struct jsonw *w);

/* Bytes that are no UTF-8 become U+FFFD. NULL is written as null. */
void jsonw_string(struct jsonw *w, const char *key, const char *value);
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_uint(struct jsonw *w, const char *key, uint64_t value);
void jsonw_bool(struct jsonw *w, const char *key, bool value);
void jsonw_null(struct jsonw *w, const char *key);
