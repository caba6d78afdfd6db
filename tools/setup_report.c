/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `setup --json`: what setup shows and does is noted while it does it, and printed as one object at
 * the end, whichever of its ends that is. All that it says in words goes to stderr then, as it
 * comes; the lines among it that begin with "setup:" are its problems, so that no place that
 * says something has to say it twice.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/screen.h"
#include "tools/setup_internal.h"

#define PREFIX "setup: "

static struct setup_noted *
add(struct setup_notes *n, const char *what, char *text)
{
	n->v = xreallocarray(n->v, n->n + 1, sizeof(*n->v));
	n->v[n->n] = (struct setup_noted){ xstrdup(what), text };
	return &n->v[n->n++];
}

static void
clear(struct setup_notes *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->v[i].what);
		free(n->v[i].text);
	}
	free(n->v);
	*n = (struct setup_notes){ 0 };
}

void
setup_note_step(struct setup *s, const char *what, const char *result)
{
	struct setup_notes *n = &s->report.steps;

	for (size_t i = 0; i < n->n; i++) {
		if (!streq(n->v[i].what, what))
			continue;
		free(n->v[i].text);
		n->v[i].text = xstrdup(result);
		return;
	}
	(void)add(n, what, xstrdup(result));
}

void
setup_note_file(struct setup *s, const char *path, const char *text)
{
	(void)add(&s->report.files, path, xstrdup(text));
}

void
setup_show(struct setup *s, const char *path, const char *old, const char *new)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	setup_diff(f, path, old, new);
	if (fclose(f) != 0)
		abort();
	/* Once more, because on a terminal it is not the same. */
	setup_diff(s->t->out, path, old, new);
	(void)add(&s->report.files, path, text);
}

/* ---- words ---- */

static ssize_t
on_words(void *cookie, const char *buf, size_t len)
{
	struct setup_report *r = cookie;
	char *longer = xasprintf("%s%.*s", r->words != NULL ? r->words : "", (int)len,
	    buf);

	free(r->words);
	r->words = longer;
	if (screen_of(r->err).terminal)
		screen_put(r->err, buf, len, "\t\n");
	else
		(void)fwrite(buf, 1, len, r->err);
	return fflush(r->err) == 0 ? (ssize_t)len : 0;
}

FILE *
setup_words(struct setup_report *r, FILE *err)
{
	FILE *f = fopencookie(r, "w", (cookie_io_functions_t){ .write = on_words });

	if (f == NULL)
		abort();
	r->err = err;
	(void)setvbuf(f, NULL, _IOLBF, 0);
	return f;
}

/* The first line that tells of a problem; with a writer, all of them are written. */
static char *
problems(const struct setup_report *r, struct jsonw *w)
{
	cleanup_(freep) char *text = xstrdup(r->words != NULL ? r->words : "");
	char *rest = text, *line, *first = NULL;

	while ((line = strsep(&rest, "\n")) != NULL) {
		if (strncmp(line, PREFIX, strlen(PREFIX)) != 0)
			continue;
		line += strlen(PREFIX);
		if (w != NULL)
			jsonw_string(w, NULL, line);
		if (first == NULL)
			first = xstrdup(line);
	}
	return first;
}

static void
put_notes(struct jsonw *w, const struct setup_notes *n, const char *key, const char *what,
    const char *text)
{
	jsonw_open_array(w, key);
	for (size_t i = 0; i < n->n; i++) {
		jsonw_open_object(w, NULL);
		jsonw_string(w, what, n->v[i].what);
		jsonw_string(w, text, n->v[i].text);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static const char *
verdict(const struct setup *s, int rc)
{
	if (rc != 0)
		return "failed";
	if (s->wish->dry_run)
		return "nothing was done";
	return s->report.changed ? "done" : "nothing to change";
}

int
setup_report_print(const struct setup *s, FILE *out, int rc)
{
	cleanup_(freep) char *first = problems(&s->report, NULL);
	struct jsonw w;

	jsonw_begin(&w, out);
	jsonw_open_object(&w, NULL);
	jsonw_string(&w, "verdict", verdict(s, rc));
	if (rc != 0)
		jsonw_string(&w, "error",
		    first != NULL ? first : "see what it said on standard error");
	put_notes(&w, &s->report.files, "files", "path", "diff");
	put_notes(&w, &s->report.steps, "steps", "step", "result");
	jsonw_string(&w, "backup", s->backup);
	jsonw_open_array(&w, "problems");
	free(problems(&s->report, &w));
	jsonw_close(&w);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? rc : 1;
}

void
setup_report_clear(struct setup_report *r)
{
	clear(&r->files);
	clear(&r->steps);
	free(r->words);
	r->words = NULL;
}
