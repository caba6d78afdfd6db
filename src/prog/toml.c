/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lines, keys and headers. The syntax is easy; what TOML forbids is adding to a table in
 * two places. The one idea: every table and array remembers how it came to be (enum
 * toml_origin), and each of the three ways to name one (dotted key, [header], [[header]])
 * asks only that.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml_parser.h"
#include "src/prog/utf8.h"
#include "src/prog/xalloc.h"

int
toml_fail(struct toml_parser *p, const char *fmt, ...)
{
	va_list ap;

	p->error->line = p->line;
	va_start(ap, fmt);
	(void)vsnprintf(p->error->text, sizeof(p->error->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

bool
toml_at(const struct toml_parser *p, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(p->end - p->pos) >= n && memcmp(p->pos, word, n) == 0;
}

void
toml_skip_space(struct toml_parser *p)
{
	while (toml_peek(p) == ' ' || toml_peek(p) == '\t')
		p->pos++;
}

bool
toml_skip_newline(struct toml_parser *p)
{
	if (!toml_at(p, "\n") && !toml_at(p, "\r\n"))
		return false;
	p->pos += *p->pos == '\r' ? 2 : 1;
	p->line++;
	return true;
}

int
toml_skip_comment(struct toml_parser *p)
{
	if (toml_peek(p) != '#')
		return 0;
	for (int c = toml_peek(p); c >= 0 && c != '\n'; c = toml_peek(p)) {
		if (c == '\r' && toml_at(p, "\r\n"))
			break;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return toml_fail(p, "control character 0x%02x in a comment",
			    (unsigned)c);
		p->pos++;
	}
	return 0;
}

static bool
is_bare(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static int
parse_key_part(struct toml_parser *p, struct toml_key_part *part)
{
	int c = toml_peek(p);
	size_t n = 0;

	if (c == '"' || c == '\'')
		return toml_parse_string(p, false, &part->text, &part->len);
	while (p->pos + n < p->end && is_bare((unsigned char)p->pos[n]))
		n++;
	if (n == 0 && c >= 0x80)
		return toml_fail(p,
		    "expected a key; letters beyond ASCII need quotes there");
	if (n == 0)
		return toml_fail(p, "expected a key");
	part->text = xstrndup(p->pos, n);
	part->len = n;
	p->pos += n;
	return 0;
}

void
toml_key_clear(struct toml_key *key)
{
	for (size_t i = 0; i < key->n; i++)
		free(key->part[i].text);
	key->n = 0;
}

int
toml_parse_key(struct toml_parser *p, struct toml_key *key)
{
	for (;;) {
		int err;

		if (key->n == TOML_MAX_DEPTH)
			return toml_fail(p, "a key of more than %u parts",
			    TOML_MAX_DEPTH);
		toml_skip_space(p);
		err = parse_key_part(p, &key->part[key->n]);
		if (err < 0)
			return err;
		key->n++;
		toml_skip_space(p);
		if (toml_peek(p) != '.')
			return 0;
		p->pos++;
	}
}

static struct toml *
add_table(struct toml_parser *p, struct toml *parent, enum toml_origin origin,
    struct toml_key_part *part)
{
	cleanup_(toml_freep) struct toml *table = toml_node_new(p, TOML_TABLE);

	if (table == NULL)
		return NULL;
	table->origin = (uint8_t)origin;
	if (toml_append(p, parent, table, part) < 0)
		return NULL;
	return TAKE_PTR(table);
}

/* One step left of a '.' in key = value: a table that dotted keys may still add to. */
static struct toml *
step_dotted(struct toml_parser *p, struct toml *table, struct toml_key_part *part)
{
	struct toml *t = toml_find(table, part->text, part->len);

	if (t == NULL)
		return add_table(p, table, TOML_ORIGIN_DOTTED, part);
	if (t->type != TOML_TABLE) {
		(void)toml_fail(p, "'%.40s' is %s since line %u and cannot hold keys",
		    part->text, toml_type_name(t->type), t->line);
		return NULL;
	}
	if (t->origin != TOML_ORIGIN_DOTTED && t->origin != TOML_ORIGIN_IMPLICIT) {
		(void)toml_fail(p, "table '%.40s' was completed at line %u", part->text,
		    t->line);
		return NULL;
	}
	t->origin = TOML_ORIGIN_DOTTED;
	return t;
}

int
toml_parse_pair(struct toml_parser *p, struct toml *table, unsigned depth)
{
	cleanup_(toml_key_clear) struct toml_key key = { .n = 0 };
	cleanup_(toml_freep) struct toml *value = NULL;
	struct toml_key_part *last;
	struct toml *before;
	int err;

	err = toml_parse_key(p, &key);
	if (err < 0)
		return err;
	last = &key.part[key.n - 1];
	if (toml_peek(p) != '=')
		return toml_fail(p, "expected '=' after the key '%.40s'", last->text);
	p->pos++;
	for (size_t i = 0; i + 1 < key.n; i++) {
		table = step_dotted(p, table, &key.part[i]);
		if (table == NULL)
			return -EINVAL;
	}
	before = toml_find(table, last->text, last->len);
	if (before != NULL)
		return toml_fail(p, "'%.40s' is already set at line %u", last->text,
		    before->line);
	toml_skip_space(p);
	err = toml_parse_value(p, depth + (unsigned)key.n, &value);
	if (err < 0)
		return err;
	err = toml_append(p, table, value, last);
	if (err == 0)
		value = NULL;
	return err;
}

/* One step left of a '.' in a header: into a table, or the newest of an array of tables. */
static struct toml *
step_header(struct toml_parser *p, struct toml *table, struct toml_key_part *part)
{
	struct toml *t = toml_find(table, part->text, part->len);

	if (t == NULL)
		return add_table(p, table, TOML_ORIGIN_IMPLICIT, part);
	if (t->type == TOML_ARRAY && t->origin == TOML_ORIGIN_TABLES)
		return t->items.v[t->items.n - 1];
	if (t->type != TOML_TABLE || t->origin == TOML_ORIGIN_VALUE) {
		(void)toml_fail(p, "'%.40s' is %s since line %u and cannot be added to",
		    part->text,
		    t->type == TOML_TABLE ? "an inline table" : toml_type_name(t->type),
		    t->line);
		return NULL;
	}
	return t;
}

static struct toml *
open_table(struct toml_parser *p, struct toml *parent, struct toml_key_part *part)
{
	struct toml *t = toml_find(parent, part->text, part->len);

	if (t == NULL)
		return add_table(p, parent, TOML_ORIGIN_HEADER, part);
	if (t->type != TOML_TABLE || t->origin != TOML_ORIGIN_IMPLICIT) {
		(void)toml_fail(p, "'%.40s' is already there as %s, line %u", part->text,
		    toml_type_name(t->type), t->line);
		return NULL;
	}
	t->origin = TOML_ORIGIN_HEADER;
	t->line = p->line;
	return t;
}

static struct toml *
open_tables(struct toml_parser *p, struct toml *parent, struct toml_key_part *part)
{
	struct toml *t = toml_find(parent, part->text, part->len);

	if (t == NULL) {
		cleanup_(toml_freep) struct toml *array = toml_node_new(p, TOML_ARRAY);

		if (array == NULL)
			return NULL;
		array->origin = TOML_ORIGIN_TABLES;
		if (toml_append(p, parent, array, part) < 0)
			return NULL;
		t = TAKE_PTR(array);
	}
	if (t->type != TOML_ARRAY || t->origin != TOML_ORIGIN_TABLES) {
		(void)toml_fail(p,
		    "'%.40s' is %s since line %u, not an array of [[tables]]", part->text,
		    toml_type_name(t->type), t->line);
		return NULL;
	}
	return add_table(p, t, TOML_ORIGIN_HEADER, NULL);
}

/* [a.b] or [[a.b]]: *table is where the following keys go. */
static int
parse_header(struct toml_parser *p, struct toml *root, struct toml **table,
    unsigned *depth)
{
	cleanup_(toml_key_clear) struct toml_key key = { .n = 0 };
	bool tables = toml_at(p, "[[");
	struct toml *t = root;
	int err;

	p->pos += tables ? 2 : 1;
	err = toml_parse_key(p, &key);
	if (err < 0)
		return err;
	if (!toml_at(p, tables ? "]]" : "]"))
		return toml_fail(p, "expected %s after the table name '%.40s'",
		    tables ? "]]" : "]", key.part[key.n - 1].text);
	p->pos += tables ? 2 : 1;
	for (size_t i = 0; i + 1 < key.n && t != NULL; i++)
		t = step_header(p, t, &key.part[i]);
	if (t != NULL)
		t = tables ? open_tables(p, t, &key.part[key.n - 1])
			   : open_table(p, t, &key.part[key.n - 1]);
	if (t == NULL)
		return -EINVAL;
	*depth = (unsigned)key.n;
	*table = t;
	return 0;
}

static int
parse_document(struct toml_parser *p, struct toml *root)
{
	struct toml *table = root;
	unsigned depth = 0;
	int err;

	for (;;) {
		toml_skip_space(p);
		if (toml_peek(p) == '[')
			err = parse_header(p, root, &table, &depth);
		else if (toml_peek(p) >= 0 && strchr("#\r\n", toml_peek(p)) == NULL)
			err = toml_parse_pair(p, table, depth);
		else if (toml_peek(p) == 0)
			err = toml_fail(p, "a NUL byte: this is no text file");
		else
			err = 0;
		if (err < 0)
			return err;
		toml_skip_space(p);
		err = toml_skip_comment(p);
		if (err < 0)
			return err;
		if (toml_peek(p) < 0)
			return 0;
		if (!toml_skip_newline(p))
			return toml_fail(p, "expected the end of the line, found '%c'",
			    toml_peek(p) > ' ' && toml_peek(p) < 0x7f ? toml_peek(p)
								      : '?');
	}
}

static int
check_utf8(struct toml_parser *p)
{
	const unsigned char *s = (const unsigned char *)p->pos;
	size_t left = (size_t)(p->end - p->pos);

	while (left > 0) {
		size_t n = utf8_length(s, left);

		if (n == 0)
			return toml_fail(p, "byte 0x%02x is not UTF-8", *s);
		if (*s == '\n')
			p->line++;
		s += n;
		left -= n;
	}
	p->line = 1;
	return 0;
}

struct toml *
toml_parse(const char *text, size_t len, struct toml_error *ret_error)
{
	struct toml_parser p = { .pos = text,
		.end = text + len,
		.line = 1,
		.error = ret_error };
	cleanup_(toml_freep) struct toml *root = NULL;

	*ret_error = (struct toml_error){ .line = 0 };
	if (len > TOML_MAX_SIZE) {
		(void)toml_fail(&p, "larger than %u bytes", TOML_MAX_SIZE);
		return NULL;
	}
	if (check_utf8(&p) < 0)
		return NULL;
	if (toml_at(&p, "\xef\xbb\xbf")) /* what some editors put in front */
		p.pos += 3;
	root = toml_node_new(&p, TOML_TABLE);
	if (root == NULL)
		return NULL;
	root->origin = TOML_ORIGIN_HEADER;
	if (parse_document(&p, root) < 0)
		return NULL;
	return TAKE_PTR(root);
}
