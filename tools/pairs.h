/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the daemon tells about itself or about a name, as keys and values: one line of text
 * each, or one JSON object.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "src/base/attr.h"

struct jsonw;

/* "key":"value" of v[0], v[1], v[2] …; a key that comes more than once has an array, at
 * the place of the first. Into the object that is open. */
void pairs_put_json(struct jsonw *w, const char *const *v, size_t n);
/* The same as an object of its own. 0, or -EIO. */
int must_use_ pairs_print_json(FILE *out, const char *const *v, size_t n);

/* "left out: too low" as "left_out", "too low"; a line without a key as "note". Two strings,
 * newly allocated. */
void pairs_split(const char *line, char **ret_key, char **ret_value);
