/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plays one login .rpl file: who types what when, what server, disk and lanes do, and what
 * must be answered at which (virtual) millisecond. README.md beside this file has the
 * words. No thread, no socket, no sleep; and every line of the journal is looked through
 * for passwords.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"

struct stage stage;

static const char *file;
static int line_no, failures;
static char *groups[] = { NULL, NULL };
static char *callers[4];
static int64_t zero;
static char journal[1 << 20];
static size_t journal_len;
static char typed[64][128]; /* every password of the play */
static size_t n_typed;

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
	char text[2048];
	va_list ap;
	size_t i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < n_typed; i++) {
		if (strstr(text, typed[i]) != NULL)
			script_fail("a password in the journal: %s", text);
	}
	if (level == LOG_LEVEL_DEBUG)
		return;
	if (journal_len + strlen(text) + 2 < sizeof(journal))
		journal_len += (size_t)snprintf(journal + journal_len,
		    sizeof(journal) - journal_len, "%s\n", text);
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

long
words_number(const struct words *w, const char *key, long otherwise)
{
	const char *v = words_value(w, key);

	return v != NULL ? atol(v) : otherwise;
}

bool
journal_has(const char *text)
{
	return strstr(journal, text) != NULL;
}

void
stage_remember(const char *password)
{
	size_t i;

	for (i = 0; i < n_typed; i++) {
		if (streq(typed[i], password))
			return;
	}
	if (n_typed < ARRAY_SIZE(typed))
		snprintf(typed[n_typed++], sizeof(typed[0]), "%s", password);
}

/* ---- time ---- */

int64_t
stage_now(void)
{
	return play.loop.ts.now.mono_ns;
}

void
stage_go_to(int64_t at)
{
	struct clock *c = &play.loop.ts.now;
	int64_t by = at - c->mono_ns;

	c->mono_ns += by;
	c->boot_ns += by;
	c->wall_ns += by;
}

bool
stage_step(int64_t limit)
{
	int64_t next = timers_next(&play.loop.ts);

	if (next < 0 || next > limit)
		return false;
	if (next > stage_now())
		stage_go_to(next);
	timers_run(&play.loop.ts);
	return true;
}

static void
stage_advance(int64_t to)
{
	while (stage_step(to))
		;
	if (to > stage_now())
		stage_go_to(to);
}

/* ---- the engine ---- */

void
stage_start(void)
{
	static char tasks;
	const struct login_ports ports = { .loop = &play.loop,
		.taskq = (struct taskq *)(void *)&tasks,
		.uid_map_path = "/nonexistent/uid_map" };

	if (stage.engine == NULL && login_new(&ports, &stage.config, &stage.engine) < 0)
		abort();
}

void
stage_stop(bool cut)
{
	stage.engine = login_free(stage.engine);
	if (cut)
		disk_cut();
	else
		disk_flush();
	fake_idp_stop();
	script_forget_asks();
}

/* ---- the file ---- */

static void
split(struct words *w, char *line)
{
	char *save = NULL, *word;

	w->n = 0;
	for (word = strtok_r(line, " \t\r\n", &save); word != NULL && w->n < WORDS_MAX;
	     word = strtok_r(NULL, " \t\r\n", &save))
		w->v[w->n++] = word;
}

static void
play_line(char *line)
{
	struct words w = { 0 };

	line[strcspn(line, "#")] = '\0';
	split(&w, line);
	if (w.n > 1 && (streq(w.v[0], "at") || streq(w.v[0], "after"))) {
		stage_start();
		stage_advance(
		    (streq(w.v[0], "at") ? zero : stage_now()) + atol(w.v[1]) * CLOCK_MS);
		memmove(w.v, w.v + 2, (w.n - 2) * sizeof(w.v[0]));
		w.n -= 2;
	}
	if (w.n > 0 && !script_world(&w) && !script_ask(&w) && !script_monkey(&w) &&
	    !script_expect(&w))
		script_fail("what is \"%s\"?", w.v[0]);
}

static void
set_up(void)
{
	struct clock *c = &play.loop.ts.now;

	timers_init(&play.loop.ts);
	c->mono_ns = zero = 1000 * CLOCK_S;
	c->boot_ns = 1000 * CLOCK_S;
	c->wall_ns = INT64_C(1795200000) * CLOCK_S;
	play.latency_ms = 60;
	play.fetch_ms = 20;
	play.commit_ms = 5;
	play.kdf_ms = 300;
	play.link = MODE_ONLINE;
	groups[0] = xstrdup("everybody");
	stage.config.auth_deadline_ms = 2500;
	stage.config.pam_allowed_login_groups = groups;
	stage.config.pam_allowed_callers = callers;
	stage.config.home_prefix = groups[0];
}

static void
tear_down(void)
{
	size_t i;

	stage_stop(false);
	disk_clear();
	for (i = 0; i < play.n_people; i++)
		free(play.people[i]);
	timers_deinit(&play.loop.ts);
	free(groups[0]);
}

int
main(int argc, char **argv)
{
	char line[1024];
	FILE *f;

	if (argc != 2 || (f = fopen(argv[1], "re")) == NULL) {
		fprintf(stderr, "usage: login_replay FILE.rpl\n");
		return 2;
	}
	file = argv[1];
	set_up();
	while (fgets(line, sizeof(line), f) != NULL) {
		line_no++;
		play_line(line);
	}
	fclose(f);
	tear_down();
	return failures == 0 ? 0 : 1;
}
