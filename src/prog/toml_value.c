/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What may stand right of '='. The one idea: the document was found to be UTF-8 before
 * the first value is read, so strings are copied byte by byte and only control characters,
 * quotes and backslashes need a look.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml_parser.h"
#include "src/prog/xalloc.h"

#define PLAIN_MAX 128

struct buffer {
	char *text;
	size_t len;
	size_t cap;
};

static void
buffer_clear(struct buffer *b)
{
	free(b->text);
}

static void
buffer_add(struct buffer *b, char c)
{
	if (b->len == b->cap) {
		b->cap = b->cap > 0 ? 2 * b->cap : 32;
		b->text = xreallocarray(b->text, b->cap, 1);
	}
	b->text[b->len++] = c;
}

static void
buffer_add_utf8(struct buffer *b, uint32_t c)
{
	if (c < 0x80) {
		buffer_add(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buffer_add(b, (char)(0xc0 | (c >> 6)));
	} else {
		if (c < 0x10000) {
			buffer_add(b, (char)(0xe0 | (c >> 12)));
		} else {
			buffer_add(b, (char)(0xf0 | (c >> 18)));
			buffer_add(b, (char)(0x80 | ((c >> 12) & 0x3f)));
		}
		buffer_add(b, (char)(0x80 | ((c >> 6) & 0x3f)));
	}
	buffer_add(b, (char)(0x80 | (c & 0x3f)));
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
parse_unicode(struct toml_parser *p, unsigned digits, struct buffer *b)
{
	uint32_t c = 0;

	for (unsigned i = 0; i < digits; i++) {
		int d = hex_digit(toml_peek(p));

		if (d < 0)
			return toml_fail(p, "expected %u hexadecimal digits after \\%c",
			    digits, digits == 4 ? 'u' : 'U');
		c = (c << 4) | (uint32_t)d;
		p->pos++;
	}
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return toml_fail(p, "\\%c%0*X is no Unicode character",
		    digits == 4 ? 'u' : 'U', (int)digits, c);
	buffer_add_utf8(b, c);
	return 0;
}

/* The cursor is behind the backslash. */
static int
parse_escape(struct toml_parser *p, struct buffer *b)
{
	static const char names[] = "btnfr\"\\";
	static const char bytes[] = "\b\t\n\f\r\"\\";
	int c = toml_peek(p);
	const char *at = c > 0 ? strchr(names, c) : NULL;

	if (at != NULL) {
		p->pos++;
		buffer_add(b, bytes[at - names]);
		return 0;
	}
	if (c == 'u' || c == 'U') {
		p->pos++;
		return parse_unicode(p, c == 'u' ? 4 : 8, b);
	}
	return toml_fail(p,
	    "expected one of b t n f r \" \\ u U after a backslash "
	    "(a text between single quotes takes backslashes as they are)");
}

/* A backslash that ends its line swallows all blanks and newlines up to the next text. */
static bool
skip_folded(struct toml_parser *p)
{
	const char *start = p->pos;

	toml_skip_space(p);
	if (!toml_skip_newline(p)) {
		p->pos = start;
		return false;
	}
	do {
		toml_skip_space(p);
	} while (toml_skip_newline(p));
	return true;
}

static bool
is_control(int c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* One character of a string that is no quote. */
static int
parse_character(struct toml_parser *p, char quote, bool multi, struct buffer *b)
{
	int c = toml_peek(p);

	if (multi && toml_skip_newline(p)) {
		buffer_add(b, '\n');
		return 0;
	}
	if (c == '\n' || (c == '\r' && p->end - p->pos > 1 && p->pos[1] == '\n'))
		return toml_fail(p, "expected %c before the end of the line", quote);
	if (is_control(c))
		return toml_fail(p, "control character 0x%02x in a string", (unsigned)c);
	p->pos++;
	if (c != '\\' || quote == '\'') {
		buffer_add(b, (char)c);
		return 0;
	}
	if (multi && skip_folded(p))
		return 0;
	return parse_escape(p, b);
}

/*
 * At one or more quotes inside a multi-line string: three end it, and up to two more in
 * front of those three belong to the text. True when the string ended.
 */
static bool
end_multi_line(struct toml_parser *p, char quote, struct buffer *b)
{
	size_t n = 0;

	while (n < 5 && p->pos + n < p->end && p->pos[n] == quote)
		n++;
	p->pos += n;
	for (size_t i = n >= 3 ? 3 : 0; i < n; i++)
		buffer_add(b, quote);
	return n >= 3;
}

int
toml_parse_string(struct toml_parser *p, bool multi_line, char **ret_text,
    size_t *ret_len)
{
	cleanup_(buffer_clear) struct buffer b = { 0 };
	unsigned begin = p->line;
	char quote = *p->pos;
	bool multi = toml_at(p, quote == '"' ? "\"\"\"" : "'''");
	bool closed = false;
	int err;

	if (multi && !multi_line)
		return toml_fail(p, "a key cannot be a string of several lines");
	p->pos += multi ? 3 : 1;
	if (multi)
		(void)toml_skip_newline(p);
	while (!closed) {
		int c = toml_peek(p);

		if (c < 0) {
			p->line = multi ? begin : p->line;
			return toml_fail(p,
			    "the string that begins here has no closing %s",
			    !multi ? (quote == '"' ? "\"" : "'")
				   : (quote == '"' ? "\"\"\"" : "'''"));
		}
		if (c == quote && !multi) {
			p->pos++;
			closed = true;
		} else if (c == quote) {
			closed = end_multi_line(p, quote, &b);
		} else {
			err = parse_character(p, quote, multi, &b);
			if (err < 0)
				return err;
		}
	}
	*ret_len = b.len;
	buffer_add(&b, '\0');
	*ret_text = TAKE_PTR(b.text);
	return 0;
}

static bool
is_plain(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || c == '_' || c == '.' ||
	    c == ':';
}

static bool
looks_like_date(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	return (digits == 4 && s[4] == '-') || (digits == 2 && s[2] == ':');
}

/* The word at the cursor; a date may be followed by one blank and its time. */
static size_t
take_word(struct toml_parser *p, char word[PLAIN_MAX])
{
	size_t n = 0;

	while (n < PLAIN_MAX - 1) {
		int c = toml_peek(p);
		bool gap = c == ' ' && n == 10 && looks_like_date(word) &&
		    p->end - p->pos > 1 && p->pos[1] >= '0' && p->pos[1] <= '9';

		if (!gap && !is_plain(c))
			break;
		word[n++] = (char)c;
		word[n] = '\0';
		p->pos++;
	}
	return n;
}

int
toml_parse_plain(struct toml_parser *p, struct toml **ret_node)
{
	cleanup_(toml_freep) struct toml *node = NULL;
	char word[PLAIN_MAX] = "";
	size_t n = take_word(p, word);
	int err;

	if (n == 0)
		return toml_fail(p,
		    "expected a value: a text in quotes, a number, true, false, "
		    "a date, [ or {");
	node = toml_node_new(p, TOML_BOOLEAN);
	if (node == NULL)
		return -EINVAL;
	if (looks_like_date(word)) {
		enum toml_type type;

		if (toml_date(word, &type) < 0)
			return toml_fail(p,
			    "%.40s is no date or time (expected for example "
			    "2026-05-27T07:32:00Z)",
			    word);
		node->type = type;
		node->string.text = xstrdup(word);
		node->string.len = n;
		*ret_node = TAKE_PTR(node);
		return 0;
	}
	err = toml_number(word, node);
	if (err == -ERANGE)
		return toml_fail(p, "%.40s does not fit into 64 bits", word);
	if (err < 0 && strspn(word, "0123456789+-._") > 0)
		return toml_fail(p, "%.40s is no number; text needs quotes", word);
	if (err < 0)
		return toml_fail(p, "%.40s is no value; text needs quotes: \"%.40s\"",
		    word, word);
	*ret_node = TAKE_PTR(node);
	return 0;
}

/* Blanks, comments and newlines between the elements of an array. */
static int
skip_between(struct toml_parser *p)
{
	int err;

	do {
		toml_skip_space(p);
		err = toml_skip_comment(p);
		if (err < 0)
			return err;
	} while (toml_skip_newline(p));
	return 0;
}

static int
parse_array(struct toml_parser *p, unsigned depth, struct toml **ret_node)
{
	cleanup_(toml_freep) struct toml *array = toml_node_new(p, TOML_ARRAY);
	int err;

	if (array == NULL)
		return -EINVAL;
	p->pos++;
	for (;;) {
		cleanup_(toml_freep) struct toml *element = NULL;

		err = skip_between(p);
		if (err < 0)
			return err;
		if (toml_peek(p) == ']')
			break;
		if (toml_peek(p) < 0)
			return toml_fail(p, "expected ] to close the array of line %u",
			    array->line);
		err = toml_parse_value(p, depth + 1, &element);
		if (err < 0)
			return err;
		err = toml_append(p, array, element, NULL);
		if (err < 0)
			return err;
		element = NULL;
		err = skip_between(p);
		if (err < 0)
			return err;
		if (toml_peek(p) == ',')
			p->pos++;
		else if (toml_peek(p) != ']')
			return toml_fail(p, "expected , or ] in the array of line %u",
			    array->line);
	}
	p->pos++;
	*ret_node = TAKE_PTR(array);
	return 0;
}

static int
parse_inline_table(struct toml_parser *p, unsigned depth, struct toml **ret_node)
{
	cleanup_(toml_freep) struct toml *table = toml_node_new(p, TOML_TABLE);
	bool more;
	int err;

	if (table == NULL)
		return -EINVAL;
	p->pos++;
	toml_skip_space(p);
	more = toml_peek(p) != '}';
	while (more) {
		err = toml_parse_pair(p, table, depth + 1);
		if (err < 0)
			return err;
		toml_skip_space(p);
		more = toml_peek(p) == ',';
		if (!more && toml_peek(p) != '}')
			return toml_fail(p,
			    "expected , or } in the inline table, on this line");
		if (more) {
			p->pos++;
			toml_skip_space(p);
			if (toml_peek(p) == '}')
				return toml_fail(p,
				    "expected a key after the last , of the inline table");
		}
	}
	p->pos++;
	*ret_node = TAKE_PTR(table);
	return 0;
}

int
toml_parse_value(struct toml_parser *p, unsigned depth, struct toml **ret_node)
{
	struct toml *node;
	int err;

	if (depth > TOML_MAX_DEPTH)
		return toml_fail(p, "nested deeper than %u levels", TOML_MAX_DEPTH);
	switch (toml_peek(p)) {
	case '[':
		return parse_array(p, depth, ret_node);
	case '{':
		return parse_inline_table(p, depth, ret_node);
	case '"':
	case '\'':
		node = toml_node_new(p, TOML_STRING);
		if (node == NULL)
			return -EINVAL;
		err = toml_parse_string(p, true, &node->string.text, &node->string.len);
		if (err < 0) {
			(void)toml_free(node);
			return err;
		}
		*ret_node = node;
		return 0;
	default:
		return toml_parse_plain(p, ret_node);
	}
}
