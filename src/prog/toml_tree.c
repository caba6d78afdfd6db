/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The nodes of a parsed document. The one idea: arrays and tables are the same thing, a
 * list in file order, because the files are small, a reader wants the order, and a search
 * of at most TOML_MAX_KEYS keys needs no index.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml_parser.h"
#include "src/prog/xalloc.h"

struct toml *
toml_node_new(struct toml_parser *p, enum toml_type type)
{
	struct toml *t;

	if (++p->nodes > TOML_MAX_NODES) {
		(void)toml_fail(p, "more than %u values", TOML_MAX_NODES);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->type = type;
	t->line = p->line;
	return t;
}

struct toml *
toml_free(struct toml *t)
{
	if (t == NULL)
		return NULL;
	switch (t->type) {
	case TOML_ARRAY:
	case TOML_TABLE:
		/* As deep as TOML_MAX_DEPTH allowed, no deeper. */
		for (size_t i = 0; i < t->items.n; i++)
			(void)toml_free(t->items.v[i]);
		free((void *)t->items.v);
		break;
	case TOML_INTEGER:
	case TOML_FLOAT:
	case TOML_BOOLEAN:
		break;
	case TOML_STRING:
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
	case TOML_LOCAL_DATE:
	case TOML_LOCAL_TIME:
		free(t->string.text);
		break;
	}
	free(t->key);
	free(t);
	return NULL;
}

void
toml_freep(struct toml **tp)
{
	*tp = toml_free(*tp);
}

struct toml *
toml_find(const struct toml *table, const char *key, size_t len)
{
	if (table == NULL || table->type != TOML_TABLE)
		return NULL;
	for (size_t i = 0; i < table->items.n; i++) {
		struct toml *t = table->items.v[i];

		if (t->key_len == len && memcmp(t->key, key, len) == 0)
			return t;
	}
	return NULL;
}

struct toml *
toml_get(const struct toml *table, const char *key)
{
	return toml_find(table, key, strlen(key));
}

int
toml_append(struct toml_parser *p, struct toml *parent, struct toml *node,
    struct toml_key_part *part)
{
	size_t n = parent->items.n;

	if (parent->type == TOML_TABLE && n >= TOML_MAX_KEYS)
		return toml_fail(p, "more than %u keys in one table", TOML_MAX_KEYS);
	/* Room for 1, 2, 4, 8 ...: full exactly when n is a power of two, or nothing. */
	if ((n & (n - 1)) == 0)
		parent->items.v = (struct toml **)xreallocarray((void *)parent->items.v,
		    n > 0 ? 2 * n : 1, sizeof(struct toml *));
	if (part != NULL) {
		node->key_len = part->len;
		node->key = TAKE_PTR(part->text);
	}
	parent->items.v[n] = node;
	parent->items.n = n + 1;
	return 0;
}

const char *
toml_type_name(enum toml_type type)
{
	switch (type) {
	case TOML_STRING:
		return "a string";
	case TOML_INTEGER:
		return "an integer";
	case TOML_FLOAT:
		return "a number with a fraction";
	case TOML_BOOLEAN:
		return "true or false";
	case TOML_OFFSET_DATETIME:
	case TOML_LOCAL_DATETIME:
		return "a date with time";
	case TOML_LOCAL_DATE:
		return "a date";
	case TOML_LOCAL_TIME:
		return "a time";
	case TOML_ARRAY:
		return "an array";
	case TOML_TABLE:
		return "a table";
	}
	return "a value";
}
