/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The daemon writes for people, "key: some text". Programs get the same words, and nothing
 * that is only in one of the two: so the object is made from the lines themselves.
 */
#include "tools/pairs.h"

#include <stdbool.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"

static bool
seen_before(const char *const *v, size_t at)
{
	for (size_t i = 0; i < at; i += 2) {
		if (streq(v[i], v[at]))
			return true;
	}
	return false;
}

static void
member(struct jsonw *w, const char *const *v, size_t n, size_t at)
{
	size_t count = 0;

	for (size_t i = at; i < n; i += 2)
		count += streq(v[i], v[at]);
	if (count == 1) {
		jsonw_string(w, v[at], v[at + 1]);
		return;
	}
	jsonw_open_array(w, v[at]);
	for (size_t i = at; i < n; i += 2) {
		if (streq(v[i], v[at]))
			jsonw_string(w, NULL, v[i + 1]);
	}
	jsonw_close(w);
}

void
pairs_put_json(struct jsonw *w, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		if (!seen_before(v, i))
			member(w, v, n, i);
	}
}

int
pairs_print_json(FILE *out, const char *const *v, size_t n)
{
	struct jsonw w;

	jsonw_begin(&w, out);
	jsonw_open_object(&w, NULL);
	pairs_put_json(&w, v, n);
	jsonw_close(&w);
	return jsonw_end(&w);
}

void
pairs_split(const char *line, char **ret_key, char **ret_value)
{
	const char *colon = strstr(line, ": ");

	if (colon == NULL || colon == line) {
		*ret_key = xstrdup("note");
		*ret_value = xstrdup(line);
		return;
	}
	*ret_key = xstrndup(line, (size_t)(colon - line));
	*ret_value = xstrdup(colon + 2);
	for (char *c = *ret_key; *c != '\0'; c++) {
		if (*c == ' ')
			*c = '_';
	}
}
