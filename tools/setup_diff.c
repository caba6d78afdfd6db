/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a file will be, in the form that everybody reads. diff(1) is not on every host, and the
 * texts are small: the longest common subsequence of what lies between the first and the last
 * line that differ, by the book.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/screen.h"
#include "tools/setup_internal.h"

#define CONTEXT 3
/* A table larger than this is not made; the whole middle is shown as changed then. */
#define MAX_CELLS ((size_t)4 * 1024 * 1024)

struct lines {
	const char **v; /* each up to and with its newline */
	size_t *len;
	size_t n;
};

/* One line of the result: ' ', '-' or '+'. */
struct edit {
	char sign;
	const char *line;
	size_t len;
	size_t old_at, new_at; /* lines before it, in each */
};

struct script {
	struct edit *v;
	size_t n;
};

static void
lines_of(const char *text, struct lines *l)
{
	*l = (struct lines){ 0 };
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->len = xreallocarray(l->len, l->n + 1, sizeof(*l->len));
		l->v[l->n] = text;
		l->len[l->n++] = len;
		text += len;
	}
}

static bool
same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	return a->len[i] == b->len[j] && memcmp(a->v[i], b->v[j], a->len[i]) == 0;
}

static void
add(struct script *s, char sign, const struct lines *l, size_t at, size_t old_at,
    size_t new_at)
{
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct edit){ sign, l->v[at], l->len[at], old_at, new_at };
}

/* Lines i..i_end of a into j..j_end of b. */
static void
middle(struct script *s, const struct lines *a, size_t i, size_t i_end,
    const struct lines *b, size_t j, size_t j_end)
{
	size_t rows = i_end - i, cols = j_end - j, width = cols + 1;
	cleanup_(freep) uint32_t *best = NULL;
	size_t i0 = i, j0 = j;

	/* best[r][c]: how much is common from row r and column c on */
	if ((rows + 1) * width <= MAX_CELLS) {
		best = xcalloc((rows + 1) * width, sizeof(*best));
		for (size_t r = rows; r-- > 0;) {
			for (size_t c = cols; c-- > 0;) {
				uint32_t down = best[(r + 1) * width + c],
					 right = best[r * width + c + 1];

				best[r * width + c] = same(a, i0 + r, b, j0 + c)
				    ? best[(r + 1) * width + c + 1] + 1
				    : (down >= right ? down : right);
			}
		}
	}
	while (i < i_end || j < j_end) {
		size_t r = i - i0, c = j - j0;

		if (best != NULL && i < i_end && j < j_end && same(a, i, b, j)) {
			add(s, ' ', a, i, i, j);
			i++;
			j++;
		} else if (i < i_end &&
		    (j == j_end || best == NULL ||
			best[(r + 1) * width + c] >= best[r * width + c + 1])) {
			add(s, '-', a, i, i, j);
			i++;
		} else {
			add(s, '+', b, j, i, j);
			j++;
		}
	}
}

static struct script
compare(const struct lines *a, const struct lines *b)
{
	size_t head = 0, tail = 0;
	struct script s = { 0 };

	while (head < a->n && head < b->n && same(a, head, b, head)) {
		add(&s, ' ', a, head, head, head);
		head++;
	}
	while (tail < a->n - head && tail < b->n - head &&
	    same(a, a->n - 1 - tail, b, b->n - 1 - tail))
		tail++;
	middle(&s, a, head, a->n - tail, b, head, b->n - tail);
	for (; tail > 0; tail--)
		add(&s, ' ', a, a->n - tail, a->n - tail, b->n - tail);
	return s;
}

/* What is in the file is not to steer a terminal; a pipe may be made a patch of. */
static void
print_line(const struct screen *to, const struct edit *e)
{
	(void)fputc(e->sign, to->out);
	if (to->terminal)
		screen_put(to->out, e->line, e->len, "\t\n");
	else
		(void)fwrite(e->line, 1, e->len, to->out);
	if (e->len == 0 || e->line[e->len - 1] != '\n')
		(void)fputs("\n\\ No newline at end of file\n", to->out);
}

static void
print_hunk(FILE *out, const struct script *s, size_t from, size_t to)
{
	const struct screen screen = screen_of(out);
	size_t n_old = 0, n_new = 0;

	for (size_t i = from; i < to; i++) {
		n_old += s->v[i].sign != '+';
		n_new += s->v[i].sign != '-';
	}
	(void)fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", s->v[from].old_at + (n_old > 0),
	    n_old, s->v[from].new_at + (n_new > 0), n_new);
	for (size_t i = from; i < to; i++)
		print_line(&screen, &s->v[i]);
}

static void
print_script(FILE *out, const struct script *s)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t from, to, quiet = 0;

		if (s->v[i].sign == ' ')
			continue;
		from = i < CONTEXT ? 0 : i - CONTEXT;
		/* Up to where more unchanged lines follow than two contexts have. */
		for (to = i; to < s->n && quiet <= 2 * CONTEXT; to++)
			quiet = s->v[to].sign == ' ' ? quiet + 1 : 0;
		if (quiet > CONTEXT)
			to -= quiet - CONTEXT;
		print_hunk(out, s, from, to);
		i = to;
	}
}

void
setup_diff(FILE *out, const char *path, const char *old, const char *new)
{
	struct lines a, b;
	struct script s;

	lines_of(old != NULL ? old : "", &a);
	lines_of(new, &b);
	s = compare(&a, &b);
	(void)fprintf(out, "--- %s\n+++ %s\n", old != NULL ? path : "/dev/null", path);
	print_script(out, &s);
	free(s.v);
	free((void *)a.v);
	free(a.len);
	free((void *)b.v);
	free(b.len);
}
