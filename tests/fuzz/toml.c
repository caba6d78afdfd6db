/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes: a tree that is consistent, or an error with a line of the document. */
#include "src/prog/toml.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
walk(const struct toml *t, unsigned last_line, unsigned depth)
{
	if (t->line > last_line || depth > 3 * TOML_MAX_DEPTH)
		abort();
	if (t->type != TOML_ARRAY && t->type != TOML_TABLE) {
		if (t->type == TOML_STRING && t->string.text[t->string.len] != '\0')
			abort();
		return;
	}
	for (size_t i = 0; i < t->items.n; i++) {
		const struct toml *v = t->items.v[i];

		if ((t->type == TOML_TABLE) != (v->key != NULL))
			abort();
		/* A key is found again, and is the first of its name. */
		if (v->key != NULL && strlen(v->key) == v->key_len &&
		    toml_get(t, v->key) != v)
			abort();
		walk(v, last_line, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toml_error error;
	struct toml *t = toml_parse((const char *)data, size, &error);
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (t == NULL) {
		if (error.line < 1 || error.line > lines || error.text[0] == '\0')
			abort();
		return 0;
	}
	walk(t, lines, 0);
	(void)toml_free(t);
	return 0;
}
