/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TOML 1.0, complete, into a tree of nodes that know their line.
 *
 * Made for configuration files a person edits: the first mistake ends the parse with its
 * line and what was expected there. Size, nesting and number of nodes are capped, so a
 * hostile file costs a bounded amount of memory and time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"

#define TOML_MAX_SIZE  (1024u * 1024u) /* bytes of a document */
#define TOML_MAX_DEPTH 32u             /* parts of a key plus levels of [ and { */
#define TOML_MAX_NODES 65536u          /* values and tables of a document */
#define TOML_MAX_KEYS  2048u           /* keys of one table */

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOLEAN,
	TOML_OFFSET_DATETIME,
	TOML_LOCAL_DATETIME,
	TOML_LOCAL_DATE,
	TOML_LOCAL_TIME,
	TOML_ARRAY,
	TOML_TABLE,
};

struct toml {
	enum toml_type type;
	unsigned line;  /* where the value begins; of a table, where it was first named */
	char *key;      /* NULL in arrays and for the document; NUL-terminated */
	size_t key_len; /* a quoted key may hold a NUL */
	bool seen;      /* for the reader of the tree: false after parsing */
	uint8_t origin; /* the parser's: how a table or array came to be */
	union {
		struct {
			char *text; /* NUL-terminated; dates and times as written */
			size_t len; /* a string may hold a NUL */
		} string;
		int64_t integer;
		double real;
		bool boolean;
		struct {
			struct toml **v; /* in the order of the file */
			size_t n;
		} items; /* TOML_ARRAY and TOML_TABLE */
	};
};

struct toml_error {
	unsigned line;
	char text[160]; /* "expected '=' after the key" */
};

/* The document as a table, or NULL with *ret_error set. `text` needs no NUL. */
struct toml *must_use_ toml_parse(const char *text, size_t len,
    struct toml_error *ret_error);
struct toml *toml_free(struct toml *t);
void toml_freep(struct toml **tp);

/* The entry of a table, or NULL when there is none or `table` is no table. */
struct toml *toml_get(const struct toml *table, const char *key);

/* "a string", "an integer", "a table": for messages. */
const char *toml_type_name(enum toml_type type);
