/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One key of a TOML file, changed as a person with an editor would: where it stands, its value
 * only; where it does not, below the commented example of it, else where such keys belong.
 * The parser says in which line a value is; from there on this reads on by itself. Whether the
 * result says what was wanted is for the caller to see, by loading it.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

/* text with bytes from `at` up to `end` replaced. */
static char *
splice(const char *text, size_t at, size_t end, const char *with)
{
	return xasprintf("%.*s%s%s", (int)at, text, with, text + end);
}

static size_t
line_start(const char *text, unsigned line)
{
	const char *s = text;

	while (--line > 0 && strchr(s, '\n') != NULL)
		s = strchr(s, '\n') + 1;
	return (size_t)(s - text);
}

/* From a quote to behind its partner. */
static size_t
string_end(const char *text, size_t at)
{
	char quote = text[at];
	char three[4] = { quote, quote, quote, '\0' };

	if (strncmp(text + at, three, 3) == 0) {
		const char *end = strstr(text + at + 3, three);

		return end == NULL ? strlen(text) : (size_t)(end - text) + 3;
	}
	for (at++; text[at] != '\0' && text[at] != quote && text[at] != '\n'; at++) {
		if (quote == '"' && text[at] == '\\' && text[at + 1] != '\0')
			at++;
	}
	return at + (text[at] == quote);
}

/* From a bracket to behind its partner. *ret_last: behind the last thing within, or behind the
 * bracket. */
static size_t
array_end(const char *text, size_t at, size_t *ret_last)
{
	unsigned depth = 0;

	*ret_last = at + 1;
	while (text[at] != '\0') {
		char c = text[at];

		if (c == '#') {
			at += strcspn(text + at, "\n");
			continue;
		}
		if (c == '"' || c == '\'') {
			at = string_end(text, at);
			*ret_last = at;
			continue;
		}
		depth += c == '[' || c == '{';
		if ((c == ']' || c == '}') && --depth == 0)
			return at + 1;
		at++;
		if (strchr(" \t\r\n", c) == NULL)
			*ret_last = at;
	}
	return at;
}

/* Where the value in this line begins, when it begins with one of these; 0: it does not. */
static size_t
value_start(const char *text, unsigned line, const char *first)
{
	size_t at = line_start(text, line);

	while (text[at] != '\0' && text[at] != '\n' && text[at] != '=')
		at = text[at] == '"' || text[at] == '\'' ? string_end(text, at) : at + 1;
	if (text[at] != '=')
		return 0;
	at += 1 + strspn(text + at + 1, " \t");
	return text[at] != '\0' && strchr(first, text[at]) != NULL ? at : 0;
}

/* In the table it belongs to, else wherever a reader would still take it from. */
static const struct toml *
find(const struct toml *root, const char *table, const char *key)
{
	const struct toml *t = table != NULL ? toml_get(root, table) : root;
	const struct toml *node = t != NULL ? toml_get(t, key) : NULL;

	if (node == NULL)
		node = toml_get(root, key);
	if (node == NULL && toml_get(root, "kanidm") != NULL)
		node = toml_get(toml_get(root, "kanidm"), key);
	return node;
}

static bool
is_header(const char *line, const char *table)
{
	size_t len = table != NULL ? strlen(table) : 0;

	line += strspn(line, " \t");
	if (*line != '[')
		return false;
	if (table == NULL)
		return true;
	line += 1 + strspn(line + 1, " \t");
	return strncmp(line, table, len) == 0 &&
	    line[len + strspn(line + len, " \t")] == ']';
}

/* "#uri = …" */
static bool
is_example(const char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, " \t");
	if (*line != '#')
		return false;
	line += 1 + strspn(line + 1, " \t");
	return strncmp(line, key, len) == 0 &&
	    line[len + strspn(line + len, " \t")] == '=';
}

static size_t
next_line(const char *text, size_t at)
{
	at += strcspn(text + at, "\n");
	return at + (text[at] == '\n');
}

static bool
is_bare(const char *line)
{
	line += strspn(line, " \t\r");
	return *line == '\n' || *line == '\0' || *line == '#';
}

/*
 * Where a new line of this table goes: below its example; else below the table's header, or,
 * at top level, below the last line before the first header that is more than a comment.
 * The length of the text: there is no such table.
 */
static size_t
new_place(const char *text, const char *table, const char *key, bool *ret_found)
{
	size_t place = 0, at = 0;
	bool here = table == NULL, found = here, headers = false;

	while (text[at] != '\0') {
		size_t next = next_line(text, at);

		if (is_header(text + at, NULL)) {
			here = table != NULL && is_header(text + at, table);
			if (here && !found) {
				found = true;
				place = next;
			}
			headers = true;
		} else if (here && is_example(text + at, key)) {
			place = next;
			break;
		} else if (table == NULL && !headers && !is_bare(text + at))
			place = next;
		at = next;
	}
	/* Nothing but comments: behind them. */
	if (table == NULL && place == 0 && !headers)
		place = at;
	*ret_found = found;
	return found ? place : at;
}

static char *
insert(const char *text, const char *table, const char *key, const char *value)
{
	bool found;
	size_t at = new_place(text, table, key, &found);
	cleanup_(freep) char *line = NULL;
	const char *newline = at > 0 && text[at - 1] != '\n' ? "\n" : "";

	if (found)
		line = xasprintf("%s%s = %s\n", newline, key, value);
	else
		line = xasprintf("%s%s[%s]\n%s = %s\n", newline, at > 0 ? "\n" : "",
		    table, key, value);
	return splice(text, at, at, line);
}

/* A basic string of TOML. */
static char *
quoted(const char *s)
{
	char *out = xstrdup("\""), *longer;

	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			longer = xasprintf("%s\\%c", out, *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			longer = xasprintf("%s\\u%04x", out, (unsigned)*s);
		else
			longer = xasprintf("%s%c", out, *s);
		free(out);
		out = longer;
	}
	longer = xasprintf("%s\"", out);
	free(out);
	return longer;
}

char *
setup_toml_names(char *const *names)
{
	char *out = xstrdup("["), *longer;

	for (size_t i = 0; names[i] != NULL; i++) {
		cleanup_(freep) char *name = quoted(names[i]);

		longer = xasprintf("%s%s%s", out, i > 0 ? ", " : "", name);
		free(out);
		out = longer;
	}
	longer = xasprintf("%s]", out);
	free(out);
	return longer;
}

char *
setup_toml_string(const char *text, const char *table, const char *key, const char *value)
{
	cleanup_(freep) char *q = quoted(value);
	cleanup_(toml_freep) struct toml *root = NULL;
	const struct toml *node;
	struct toml_error error;
	size_t at;

	root = toml_parse(text, strlen(text), &error);
	if (root == NULL)
		return NULL;
	node = find(root, table, key);
	if (node == NULL)
		return insert(text, table, key, q);
	at = value_start(text, node->line, "\"'");
	return at == 0 ? NULL : splice(text, at, string_end(text, at), q);
}

/* One more behind the last of a list, in its line, or in one of its own where each has one. */
static char *
add_name(const char *text, size_t begin, const char *name)
{
	cleanup_(freep) char *q = quoted(name), *more = NULL;
	size_t last, end = array_end(text, begin, &last), eol, bol = last, indent;
	bool empty = last == begin + 1, comma = text[last - 1] == ',';

	eol = last + strcspn(text + last, "\n");
	if (empty || eol >= end || memchr(text + begin, '\n', last - begin) == NULL) {
		more = xasprintf("%s%s%s", comma ? " " : (empty ? "" : ", "), q,
		    comma ? "," : "");
		return splice(text, last, last, more);
	}
	while (bol > begin && text[bol - 1] != '\n')
		bol--;
	indent = strspn(text + bol, " \t");
	more = xasprintf("%s%.*s\n%.*s%s%s", comma ? "" : ",", (int)(eol - last),
	    text + last, (int)indent, text + bol, q, comma ? "," : "");
	return splice(text, last, eol, more);
}

static bool
has_name(const struct toml *list, const char *name)
{
	for (size_t i = 0; i < list->items.n; i++) {
		const struct toml *t = list->items.v[i];

		if (t->type == TOML_STRING && streq(t->string.text, name))
			return true;
	}
	return false;
}

char *
setup_toml_list(const char *text, const char *table, const char *key, char *const *names)
{
	cleanup_(toml_freep) struct toml *root = NULL;
	cleanup_(freep) char *all = NULL;
	const struct toml *node;
	struct toml_error error;
	char *out;
	size_t at;

	root = toml_parse(text, strlen(text), &error);
	if (root == NULL)
		return NULL;
	node = find(root, table, key);
	if (node == NULL) {
		all = setup_toml_names(names);
		return insert(text, table, key, all);
	}
	at = value_start(text, node->line, "[");
	if (at == 0 || node->type != TOML_ARRAY)
		return NULL;
	out = xstrdup(text);
	for (; *names != NULL; names++) {
		char *longer;

		if (has_name(node, *names))
			continue;
		longer = add_name(out, at, *names);
		free(out);
		out = longer;
	}
	return out;
}
