/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A terminal is asked once what it is; everything after that is arithmetic on text. Names
 * and reasons come from a server, and a terminal obeys what it is shown, so nothing that
 * could steer it gets there.
 */
#include "tools/screen.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/utf8.h"

#define DEFAULT_WIDTH 80
#define LEAST_WIDTH   40
#define MOST_WIDTH    1000
#define MOST_COLUMN   22

static bool
wants_colours(void)
{
	const char *no = getenv("NO_COLOR"), *cli = getenv("CLICOLOR"),
		   *term = getenv("TERM");

	return (no == NULL || *no == '\0') && (cli == NULL || !streq(cli, "0")) &&
	    term != NULL && *term != '\0' && !streq(term, "dumb");
}

static size_t
width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws;
	long width = 0;

	if (ioctl(fd, TIOCGWINSZ, &ws) == 0)
		width = ws.ws_col;
	if (width == 0 && columns != NULL)
		width = strtol(columns, NULL, 10);
	if (width <= 0 || width > MOST_WIDTH)
		return DEFAULT_WIDTH;
	return width < LEAST_WIDTH ? LEAST_WIDTH : (size_t)width;
}

struct screen
screen_of(FILE *out)
{
	struct screen s = { .out = out };
	int fd = fileno(out);

	/* A stream in memory has no descriptor. */
	s.terminal = fd >= 0 && isatty(fd) == 1;
	if (!s.terminal)
		return s;
	s.colour = wants_colours();
	s.width = width_of(fd);
	return s;
}

void
screen_tone(const struct screen *s, enum screen_tone tone)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "\033[0m",
		[TONE_GOOD] = "\033[1;32m",
		[TONE_BAD] = "\033[1;31m",
		[TONE_WARN] = "\033[1;33m",
		[TONE_NOTE] = "\033[1;36m",
		[TONE_HEADING] = "\033[1m",
	};

	if (s->colour)
		(void)fputs(codes[tone], s->out);
}

/* Not the first byte of a character. */
static bool
continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

size_t
screen_columns(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += !continues(*text);
	return n;
}

/* Bytes of the character at `c`, 0 when a terminal would obey it: a control character of
 * seven or of eight bits (in UTF-8, C2 80 to C2 9F), or what is no UTF-8 and may be one. */
static size_t
harmless(const unsigned char *c, size_t left)
{
	if (c[0] < ' ' || c[0] == 127 || (c[0] == 0xC2 && left > 1 && c[1] < 0xA0))
		return 0;
	return utf8_length(c, left);
}

void
screen_clean(char *text)
{
	unsigned char *c = (unsigned char *)text;
	size_t len = strlen(text);

	while (len > 0) {
		size_t n = harmless(c, len);

		if (n == 0) {
			*c = '?';
			n = 1;
		}
		c += n;
		len -= n;
	}
}

void
screen_put(FILE *out, const char *text, size_t len, const char *keep)
{
	const unsigned char *c = (const unsigned char *)text;

	while (len > 0) {
		size_t n = harmless(c, len);

		if (n == 0 && *c != '\0' && strchr(keep, *c) != NULL)
			n = 1;
		if (n > 0) {
			(void)fwrite(c, 1, n, out);
		} else {
			(void)fputc('?', out);
			n = utf8_length(c, len);
		}
		c += n > 0 ? n : 1;
		len -= n > 0 ? n : 1;
	}
}

static void
put_words(const struct screen *s, size_t column, size_t indent, const char *text)
{
	bool first = true;

	/* Where the rest is too narrow to read, breaking lines makes it no better. */
	if (indent + LEAST_WIDTH / 2 > s->width)
		indent = 2;
	for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
		size_t len = strcspn(text, " "), columns = 0;

		for (size_t i = 0; i < len; i++)
			columns += !continues(text[i]);
		if (!first && column + 1 + columns > s->width) {
			(void)fprintf(s->out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			(void)fputc(' ', s->out);
			column++;
		}
		screen_put(s->out, text, len, "");
		column += columns;
		text += len;
		first = false;
	}
}

void
screen_toned(const struct screen *s, enum screen_tone tone, size_t column, size_t indent,
    const char *text)
{
	if (!s->terminal) {
		(void)fprintf(s->out, "%s\n", text);
		return;
	}
	if (tone != TONE_PLAIN)
		screen_tone(s, tone);
	put_words(s, column, indent, text);
	if (tone != TONE_PLAIN)
		screen_tone(s, TONE_PLAIN);
	(void)fputc('\n', s->out);
}

void
screen_text(const struct screen *s, size_t column, size_t indent, const char *text)
{
	screen_toned(s, TONE_PLAIN, column, indent, text);
}

size_t
screen_column(const char *const *v, size_t n)
{
	size_t widest = 0;

	for (size_t i = 0; i < n; i += 2) {
		size_t len = screen_columns(v[i]) + 2;

		if (len > widest && len <= MOST_COLUMN)
			widest = len;
	}
	return widest;
}

void
screen_pair(const struct screen *s, size_t column, const char *key, const char *value,
    enum screen_tone tone)
{
	size_t at = screen_columns(key) + 2;

	if (!s->terminal) {
		(void)fprintf(s->out, "%s: %s\n", key, value);
		return;
	}
	if (at > column)
		column = at;
	(void)fprintf(s->out, "%*s%s:%*s", (int)s->margin, "", key,
	    (int)(column - at + 1), "");
	screen_toned(s, tone, s->margin + column, s->margin + column, value);
}
