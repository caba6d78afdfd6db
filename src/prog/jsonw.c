/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one idea: the writer keeps nothing but where it is (a small stack of "array or
 * object, anything in it yet"), so output of any size costs no memory and commas, quotes
 * and escapes cannot be forgotten by a caller.
 */
#include "src/prog/jsonw.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/prog/utf8.h"

static void
put(struct jsonw *w, const char *text)
{
	(void)fputs(text, w->out); /* asked for at the end: ferror() remembers */
}

static void
put_quoted(struct jsonw *w, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text);

	(void)fputc('"', w->out);
	while (left > 0) {
		size_t n = utf8_length(s, left);

		if (n == 0)
			put(w, "\xef\xbf\xbd");
		else if (*s == '"' || *s == '\\')
			(void)fprintf(w->out, "\\%c", *s);
		else if (*s == '\n')
			put(w, "\\n");
		else if (*s == '\t')
			put(w, "\\t");
		else if (*s < 0x20 || *s == 0x7f)
			(void)fprintf(w->out, "\\u%04x", *s);
		else
			(void)fwrite(s, 1, n, w->out);
		s += n > 0 ? n : 1;
		left -= n > 0 ? n : 1;
	}
	(void)fputc('"', w->out);
}

/* Comma and key in front of a value. */
static void
put_key(struct jsonw *w, const char *key)
{
	if (w->depth == 0) {
		if (w->started || key != NULL)
			abort();
		w->started = true;
		return;
	}
	if (w->level[w->depth - 1].array != (key == NULL))
		abort();
	if (w->level[w->depth - 1].filled)
		put(w, ",");
	w->level[w->depth - 1].filled = true;
	if (key != NULL) {
		put_quoted(w, key);
		put(w, ":");
	}
}

static void
open_level(struct jsonw *w, const char *key, bool array)
{
	put_key(w, key);
	if (w->depth == JSONW_MAX_DEPTH)
		abort();
	w->level[w->depth].array = array;
	w->level[w->depth].filled = false;
	w->depth++;
	put(w, array ? "[" : "{");
}

void
jsonw_begin(struct jsonw *w, FILE *out)
{
	*w = (struct jsonw){ .out = out };
}

int
jsonw_end(struct jsonw *w)
{
	if (w->depth != 0 || !w->started)
		abort();
	put(w, "\n");
	return fflush(w->out) != 0 || ferror(w->out) ? -EIO : 0;
}

void
jsonw_open_object(struct jsonw *w, const char *key)
{
	open_level(w, key, false);
}

void
jsonw_open_array(struct jsonw *w, const char *key)
{
	open_level(w, key, true);
}

void
jsonw_close(struct jsonw *w)
{
	if (w->depth == 0)
		abort();
	w->depth--;
	put(w, w->level[w->depth].array ? "]" : "}");
}

void
jsonw_string(struct jsonw *w, const char *key, const char *value)
{
	put_key(w, key);
	if (value != NULL)
		put_quoted(w, value);
	else
		put(w, "null");
}

void
jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
	put_key(w, key);
	(void)fprintf(w->out, "%" PRId64, value);
}

void
jsonw_uint(struct jsonw *w, const char *key, uint64_t value)
{
	put_key(w, key);
	(void)fprintf(w->out, "%" PRIu64, value);
}

void
jsonw_bool(struct jsonw *w, const char *key, bool value)
{
	put_key(w, key);
	put(w, value ? "true" : "false");
}

void
jsonw_null(struct jsonw *w, const char *key)
{
	jsonw_string(w, key, NULL);
}
