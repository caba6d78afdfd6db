/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Setup's editors on any file of an administrator. Input: which editor, then the file. An
 * edit keeps every other byte: what it takes out or puts in lies in one place (one for each
 * line of nsswitch.conf), and a TOML file that still loads says what it said before, and the
 * new value besides. A diff that is shown turns the one file into the other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml.h"
#include "src/prog/xalloc.h"
#include "tests/fuzz/require.h"
#include "tools/setup_internal.h"

/* The line editor of one file is its module's own. */
#include "tools/setup_sshd.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- TOML ---- */

static bool same_tree(const struct toml *a, const struct toml *b, const struct toml *but);

/* Is everything of `a` in `b`, but for this one? */
static bool
same_items(const struct toml *a, const struct toml *b, const struct toml *but)
{
	size_t k = 0;

	for (size_t i = 0; i < a->items.n; i++, k++) {
		const struct toml *was = a->items.v[i];

		/* A key that is new may stand anywhere in its table. */
		while (a->type == TOML_TABLE && k < b->items.n &&
		    !streq(b->items.v[k]->key, was->key))
			k++;
		if (k >= b->items.n || !same_tree(was, b->items.v[k], but))
			return false;
	}
	return true;
}

static bool
same_tree(const struct toml *a, const struct toml *b, const struct toml *but)
{
	if (a == but)
		return true;
	if (a->type != b->type)
		return false;
	if (a->type == TOML_ARRAY || a->type == TOML_TABLE)
		return same_items(a, b, but);
	if (a->type != TOML_STRING)
		return true;
	return a->string.len == b->string.len &&
	    memcmp(a->string.text, b->string.text, a->string.len) == 0;
}

static const struct toml *
find_key(const struct toml *root, const char *table, const char *key)
{
	const struct toml *t = toml_get(root, table), *node = NULL;

	if (t != NULL && t->type == TOML_TABLE)
		node = toml_get(t, key);
	return node != NULL ? node : toml_get(root, key);
}

/* Neither is cut off in the middle of a line that has nothing to do with it. */
static void
require_one_place(const char *old, const char *new)
{
	size_t head = 0, tail = 0, a = strlen(old), b = strlen(new);

	while (head < a && head < b && old[head] == new[head])
		head++;
	while (
	    tail < a - head && tail < b - head && old[a - 1 - tail] == new[b - 1 - tail])
		tail++;
	/* Comments are never in what goes. */
	for (size_t i = head; i + 1 < a - tail; i++)
		require(old[i] != '\n' || old[i + 1] != '#' ||
		    memchr(old + head, '"', i - head) != NULL ||
		    memchr(old + head, '\'', i - head) != NULL);
}

static bool
has_string(const struct toml *node, const char *want)
{
	if (node == NULL || node->type != TOML_ARRAY)
		return false;
	for (size_t i = 0; i < node->items.n; i++) {
		const struct toml *t = node->items.v[i];

		if (t->type == TOML_STRING && streq(t->string.text, want))
			return true;
	}
	return false;
}

static void
try_toml(const char *text, bool list)
{
	char one[] = "people", two[] = "a\"b\\c";
	char *const names[] = { one, two, NULL };
	const char *key = list ? "groups" : "uri";
	cleanup_(toml_freep) struct toml *before = NULL;
	cleanup_(toml_freep) struct toml *after = NULL;
	cleanup_(freep) char *out = list ? setup_toml_list(text, "kanidm", key, names)
					 : setup_toml_string(text, "kanidm", key, two);
	const struct toml *node;
	struct toml_error error;

	if (out == NULL)
		return;
	before = toml_parse(text, strlen(text), &error);
	after = toml_parse(out, strlen(out), &error);
	require(before != NULL);
	if (after == NULL)
		return; /* setup loads it, sees that, and changes nothing */
	node = find_key(after, "kanidm", key);
	if (list ? !has_string(node, one) || !has_string(node, two)
		 : node == NULL || node->type != TOML_STRING ||
		    !streq(node->string.text, two))
		return; /* the same */
	require(same_tree(before, after, find_key(before, "kanidm", key)));
	require_one_place(text, out);
}

/* ---- nsswitch.conf and sshd_config.d ---- */

/* `new` is `old` with words put in, and each line of it is still there. */
static void
try_nss(const char *text, bool merge)
{
	const char *left, *again_left;
	cleanup_(freep) char *out = setup_nss_edit(text, merge, &left);
	cleanup_(freep) char *again = setup_nss_edit(out, merge, &again_left);
	const char *a = text, *b = out;

	while (*a != '\0') {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n"), head = 0, tail = 0;

		while (head < n && head < m && a[head] == b[head])
			head++;
		while (tail < n - head && a[n - 1 - tail] == b[m - 1 - tail])
			tail++;
		require(m >= n && head + tail >= n);
		require(m == n || memmem(b, m, "kanidm", 6) != NULL);
		require((a[n] == '\0') == (b[m] == '\0'));
		a += n + (a[n] != '\0');
		b += m + (b[m] != '\0');
	}
	require(
	    *b == '\0' && streq(out, again) && (left == NULL) == (again_left == NULL));
}

static void
try_sshd(const char *text)
{
	cleanup_(freep) char *out = edit(text);
	const char *a = text, *b = out;

	while (*a != '\0') {
		size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
		bool ours = strncmp(a, "#AuthorizedKeysCommand", 22) == 0;

		require(m == n - ours && memcmp(a + ours, b, m) == 0);
		a += n + (a[n] != '\0');
		b += m + (b[m] != '\0');
	}
	require(*b == '\0');
}

/* ---- what is shown ---- */

/* Applies the hunks to old; the text that comes out is the new one. */
static void
require_applies(const char *diff, const char *old, const char *want)
{
	cleanup_(freep) char *got = xcalloc(strlen(old) + strlen(want) + 1, 1);
	size_t out = 0, line = 1;

	diff += strcspn(diff, "\n") + 1;
	diff += strcspn(diff, "\n") + 1;
	while (*diff != '\0') {
		size_t n = strcspn(diff, "\n") + 1, from, n_old;

		if (*diff == '\\') {
			require(out > 0 && got[out - 1] == '\n');
			/* Only the side whose last line it was has lost its newline. */
			diff += n;
			continue;
		}
		if (*diff == '@') {
			require(sscanf(diff, "@@ -%zu,%zu ", &from, &n_old) == 2);
			for (from += n_old == 0; line < from; line++) {
				size_t len = strcspn(old, "\n") + 1;

				memcpy(got + out, old, len);
				out += len;
				old += len;
			}
			diff += n;
			continue;
		}
		require(*diff == ' ' || *diff == '-' || *diff == '+');
		if (*diff != '-') {
			memcpy(got + out, diff + 1, n - 1);
			out += n - 1;
		}
		if (*diff != '+') {
			size_t len = strcspn(old, "\n");

			require(strncmp(old, diff + 1, len) == 0);
			old += len + (old[len] == '\n');
			line++;
		}
		diff += n;
	}
	while (out > 0 && *old == '\0' && got[out - 1] == '\n' && strlen(want) == out - 1)
		out--;
	require(strncmp(got, want, out) == 0 && streq(want + out, old));
}

static void
try_diff(const char *text)
{
	const char *half = strstr(text, "\n----\n");
	cleanup_(freep) char *old = NULL, *out = NULL;
	size_t len = 0;
	FILE *f;

	if (half == NULL)
		return;
	old = xstrndup(text, (size_t)(half - text) + 1);
	f = open_memstream(&out, &len);
	require(f != NULL);
	setup_diff(f, "/f", old, half + 6);
	require(fclose(f) == 0);
	require_applies(out, old, half + 6);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_(freep) char *text = NULL;

	if (size == 0)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	switch (data[0] % 6) {
	case 0:
	case 1:
		try_toml(text, data[0] % 6 == 1);
		break;
	case 2:
	case 3:
		try_nss(text, data[0] % 6 == 3);
		break;
	case 4:
		try_sshd(text);
		break;
	default:
		try_diff(text);
		break;
	}
	return 0;
}
