/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plays one .rpl file: what the server has, what happens when, what is asked and what must
 * come back within how many (virtual) milliseconds. README.md beside this file describes
 * the words. No thread, no socket, no sleep.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"
#include "src/prog/log.h"

static const char *file;
static int line_no;
static int failures;
static char journal[1 << 18];
static size_t journal_len;

void
script_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: ", file, line_no);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	failures++;
}

/* In the place of the real one. */
void
log_at(enum log_level level, const char *fmt, ...)
{
	size_t room = sizeof(journal) - journal_len;
	va_list ap;
	int n;

	if (level == LOG_LEVEL_DEBUG)
		return;
	va_start(ap, fmt);
	n = vsnprintf(journal + journal_len, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 1 >= room)
		return;
	journal_len += (size_t)n;
	journal[journal_len++] = '\n';
}

size_t
script_journal_count(const char *text)
{
	const char *at = journal;
	size_t n = 0;

	while ((at = strstr(at, text)) != NULL) {
		at++;
		n++;
	}
	return n;
}

static void
split(struct words *w, char *line)
{
	char *save = NULL, *word;

	w->n = 0;
	for (word = strtok_r(line, " \t\r\n", &save); word != NULL && w->n < WORDS_MAX;
	     word = strtok_r(NULL, " \t\r\n", &save))
		w->v[w->n++] = word;
}

const char *
words_value(const struct words *w, const char *key)
{
	size_t len = strlen(key), i;

	for (i = 0; i < w->n; i++) {
		if (strncmp(w->v[i], key, len) == 0 && w->v[i][len] == '=')
			return w->v[i] + len + 1;
	}
	return NULL;
}

static void
play_line(struct stage *s, char *line)
{
	struct words w;

	line[strcspn(line, "#")] = '\0';
	split(&w, line);
	if (w.n == 0)
		return;
	if (streq(w.v[0], "at") && w.n > 2) {
		stage_start(s);
		stage_advance(s, (int64_t)(atof(w.v[1]) * 1e9));
		memmove(w.v, w.v + 2, (w.n - 2) * sizeof(w.v[0]));
		w.n -= 2;
	}
	if (!script_setup(s, &w) && !script_event(s, &w) && !script_ask(s, &w) &&
	    !script_expect(s, &w))
		script_fail("what is \"%s\"?", w.v[0]);
}

int
main(int argc, char **argv)
{
	static struct stage s;
	char line[1024];
	FILE *f;

	if (argc != 2 || (f = fopen(argv[1], "re")) == NULL) {
		fprintf(stderr, "usage: replay FILE.rpl\n");
		return 2;
	}
	file = argv[1];
	stage_init(&s);
	while (fgets(line, sizeof(line), f) != NULL) {
		line_no++;
		play_line(&s, line);
	}
	fclose(f);
	stage_deinit(&s);
	return failures == 0 ? 0 : 1;
}
