/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For people at a terminal: colours, columns, lines that break between words. What goes
 * into a pipe or a file has none of it: one line each, byte for byte what scripts read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum screen_tone {
	TONE_PLAIN,
	TONE_GOOD,
	TONE_BAD,
	TONE_WARN,
	TONE_NOTE,
	TONE_HEADING,
};

struct screen {
	FILE *out;
	bool terminal;
	bool colour;   /* a terminal that has them, and nobody said no */
	size_t width;  /* of the terminal */
	size_t margin; /* of pairs, on a terminal */
};

/* NO_COLOR, CLICOLOR=0 and TERM=dumb say no to colours; COLUMNS is the width where the
 * terminal does not tell. */
struct screen screen_of(FILE *out);

/* Without effect where there are no colours. */
void screen_tone(const struct screen *s, enum screen_tone tone);

/* `text` from column `column` on, going on in column `indent`, to the end of the line. On a
 * terminal, bytes that would steer it are shown as '?'. */
void screen_text(const struct screen *s, size_t column, size_t indent, const char *text);
/* The same in a colour. */
void screen_toned(const struct screen *s, enum screen_tone tone, size_t column,
    size_t indent, const char *text);

/* `len` bytes without a newline of ours. What would steer a terminal, and bytes that are no
 * UTF-8, are shown as '?', but for the control characters in `keep`. */
void screen_put(FILE *out, const char *text, size_t len, const char *keep);
/* The same in place, for a line that is printed by other means: one '?' for each byte. */
void screen_clean(char *text);

/* "key: value", on a terminal with the values in one column: `column` is where they begin,
 * from screen_column(). */
void screen_pair(const struct screen *s, size_t column, const char *key,
    const char *value, enum screen_tone tone);

/* For the keys at v[0], v[2] …; those that are longer than most push their own value only. */
size_t screen_column(const char *const *v, size_t n);

/* Columns that the text takes. */
size_t screen_columns(const char *text);
