/* SPDX-License-Identifier: MPL-2.0 */
/* Between the parts of the TOML parser: structure (toml.c), values (toml_value.c), numbers
 * and dates (toml_number.c), tree (toml_tree.c). Nobody else includes this. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/prog/toml.h"

struct toml_parser {
	const char *pos;
	const char *end;
	unsigned line;
	size_t nodes;
	struct toml_error *error;
};

/* How a table or array came to be; it decides who may still add to it. */
enum toml_origin {
	TOML_ORIGIN_VALUE,    /* inline table or array: closed when its bracket closes */
	TOML_ORIGIN_IMPLICIT, /* parent of a [header], not yet named itself */
	TOML_ORIGIN_HEADER,   /* [header], or an element of [[header]] */
	TOML_ORIGIN_DOTTED,   /* parent in a dotted key */
	TOML_ORIGIN_TABLES,   /* the array of [[header]] */
};

struct toml_key_part {
	char *text;
	size_t len;
};

struct toml_key {
	struct toml_key_part part[TOML_MAX_DEPTH];
	size_t n;
};

/* Sets the error, with the line the parser is at; always -EINVAL. */
int printf_(2, 3) toml_fail(struct toml_parser *p, const char *fmt, ...);

/* The character at the cursor, or -1 at the end. */
static inline int
toml_peek(const struct toml_parser *p)
{
	return p->pos < p->end ? (unsigned char)*p->pos : -1;
}

bool toml_at(const struct toml_parser *p, const char *word);
void toml_skip_space(struct toml_parser *p);
/* A comment if there is one; 0 or -EINVAL. The line's end is left. */
int must_use_ toml_skip_comment(struct toml_parser *p);
/* True and past it when an LF or CRLF is here. */
bool toml_skip_newline(struct toml_parser *p);

/* a . "b" . c; the caller clears *key in every case. */
int must_use_ toml_parse_key(struct toml_parser *p, struct toml_key *key);
void toml_key_clear(struct toml_key *key);
/* key = value into `table`; depth: levels above this key. */
int must_use_ toml_parse_pair(struct toml_parser *p, struct toml *table, unsigned depth);
int must_use_ toml_parse_value(struct toml_parser *p, unsigned depth,
    struct toml **ret_node);
/* A string of any of the four kinds at the cursor; `multi_line`: may it be ''' or """ */
int must_use_ toml_parse_string(struct toml_parser *p, bool multi_line, char **ret_text,
    size_t *ret_len);
/* Everything that begins with neither a quote nor a bracket. */
int must_use_ toml_parse_plain(struct toml_parser *p, struct toml **ret_node);
/* One of "true", 12, 0x1F, 1e6, -inf in `s`; -EINVAL when it is none (no error is set).
 * -ERANGE: an integer beyond 64 bits. */
int must_use_ toml_number(const char *s, struct toml *node);
/* A date and/or time; -EINVAL when the form or a field is wrong (no error is set). */
int must_use_ toml_date(const char *s, enum toml_type *ret_type);

/* A new node, or NULL with the error set when there are too many. */
struct toml *must_use_ toml_node_new(struct toml_parser *p, enum toml_type type);
struct toml *toml_find(const struct toml *table, const char *key, size_t len);
/* Appends to an array, or to a table under `part` (which is taken over). On failure the
 * node stays the caller's. */
int must_use_ toml_append(struct toml_parser *p, struct toml *parent, struct toml *node,
    struct toml_key_part *part);
