/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The areas of a host one after the other, then what was found, gravest first. Findings are
 * collected before anything is printed, so that the line that matters is the first one on
 * the screen and not the one that scrolled away.
 */
#include "tools/check.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/check_host.h"
#include "tools/check_internal.h"
#include "tools/commands.h"
#include "tools/screen.h"

/* The daemon probes its link for up to 1.5 s before it answers. */
#define STATUS_TIMEOUT_MS 5000

/* On a terminal, where what to do stands. */
#define FIX_COLUMN 9

static const struct {
	const char *name;
	void (*run)(struct check *c);
} areas[] = {
	{ "configuration", check_config },
	{ "nsswitch", check_nsswitch },
	{ "pam", check_pam },
	{ "shadow", check_shadow },
	{ "sshd", check_sshd },
	{ "sockets", check_sockets },
	{ "map", check_map },
	{ "units", check_units },
	{ "modes", check_modes },
	{ "link", check_link },
	{ "clock", check_clock },
	{ "ids", check_ids },
	{ "people", check_people },
	{ "homes", check_homes },
	{ "caches", check_cachers },
	{ "confinement", check_confinement },
	{ "leftovers", check_leftovers },
};

/* One finding is one line, whatever is in a file. */
static char *
one_line(char *text)
{
	for (char *s = text; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = ' ';
	}
	return text;
}

static char *printf_(1, 0) format(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return one_line(text);
}

/* `out`, which is freed, with two pieces behind it. */
static char *
join(char *out, const char *piece, size_t len, const char *more)
{
	char *longer = xasprintf("%s%.*s%s", out, (int)len, piece, more);

	free(out);
	return longer;
}

/* The fix of the table, with the thing in it. */
static char *
fix_for(const char *fix, const char *thing)
{
	char *out = xstrdup("");
	const char *at;

	while ((at = strstr(fix, "{}")) != NULL) {
		out = join(out, fix, (size_t)(at - fix), thing);
		fix = at + 2;
	}
	return join(out, fix, strlen(fix), "");
}

static struct check_line *
add_line(struct check *c, enum check_line_kind kind, const char *thing)
{
	struct check_line *l;

	c->lines = xreallocarray(c->lines, c->n_lines + 1, sizeof(*c->lines));
	l = &c->lines[c->n_lines++];
	*l = (struct check_line){ .kind = kind,
		.area = c->area,
		.thing = one_line(xstrdup(thing)) };
	return l;
}

void
check_found(struct check *c, enum check_id id, const char *thing, const char *fmt, ...)
{
	struct check_line *l = add_line(c, CHECK_FOUND, thing);
	va_list ap;

	va_start(ap, fmt);
	l->text = format(fmt, ap);
	va_end(ap);
	l->id = id;
	l->fix = fix_for(check_kinds[id].fix, l->thing);
}

void
check_fine(struct check *c, const char *thing, const char *fmt, ...)
{
	struct check_line *l = add_line(c, CHECK_FINE, thing);
	va_list ap;

	va_start(ap, fmt);
	l->text = format(fmt, ap);
	va_end(ap);
}

void
check_unseen(struct check *c, const char *thing, const char *fmt, ...)
{
	struct check_line *l = add_line(c, CHECK_UNSEEN, thing);
	va_list ap;

	va_start(ap, fmt);
	l->text = format(fmt, ap);
	va_end(ap);
}

/* Gravest first, each level in the order of the table; what stood first stays first. */
static int
by_gravity(const void *left, const void *right)
{
	const struct check_line *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == CHECK_FOUND && a->id != b->id) {
		enum check_level x = check_kinds[a->id].level,
				 y = check_kinds[b->id].level;

		if (x != y)
			return x < y ? -1 : 1;
		return a->id < b->id ? -1 : 1;
	}
	return strcmp(a->thing, b->thing);
}

static void
count(const struct check *c, size_t n[CHECK_N_LEVELS], size_t *ret_unseen)
{
	*ret_unseen = 0;
	for (size_t i = 0; i < c->n_lines; i++) {
		if (c->lines[i].kind == CHECK_FOUND)
			n[check_kinds[c->lines[i].id].level]++;
		else if (c->lines[i].kind == CHECK_UNSEEN)
			(*ret_unseen)++;
	}
}

/* On a terminal what to do stands below, so that the eye finds it. */
static void
print_finding(const struct screen *s, const struct check_line *l)
{
	static const enum screen_tone tones[CHECK_N_LEVELS] = { TONE_BAD, TONE_WARN,
		TONE_NOTE };
	enum check_level level = check_kinds[l->id].level;
	const char *word = check_level_text(level);
	cleanup_(freep) char *text = xasprintf("%s: %s", l->thing, l->text);
	cleanup_(freep) char *fix = xasprintf("%s [%s]", l->fix, check_kinds[l->id].word);

	if (!s->terminal) {
		(void)fprintf(s->out, "%s: %s; %s\n", word, text, fix);
		return;
	}
	screen_tone(s, tones[level]);
	(void)fputs(word, s->out);
	screen_tone(s, TONE_PLAIN);
	(void)fputs(": ", s->out);
	screen_text(s, strlen(word) + 2, FIX_COLUMN, text);
	(void)fprintf(s->out, "%*s", FIX_COLUMN, "");
	if (strstr(fix, "run: ") == NULL) {
		screen_text(s, FIX_COLUMN, FIX_COLUMN, fix);
		return;
	}
	/* A command that is broken into lines cannot be copied any more. */
	screen_put(s->out, fix, strlen(fix), "");
	(void)fputc('\n', s->out);
}

static void
print_line(const struct screen *s, const struct check_line *l)
{
	cleanup_(freep) char *text = NULL;

	if (l->kind == CHECK_FOUND) {
		print_finding(s, l);
		return;
	}
	if (l->kind == CHECK_FINE)
		text = xasprintf("ok: %s: %s", l->thing, l->text);
	else
		text = xasprintf("not looked at (%s): %s", l->text, l->thing);
	screen_text(s, 0, FIX_COLUMN, text);
}

static void
print_text(const struct check *c, FILE *f, bool verbose)
{
	const struct screen s = screen_of(f);
	size_t n[CHECK_N_LEVELS] = { 0 }, unseen;

	for (size_t i = 0; i < c->n_lines; i++) {
		if (verbose || c->lines[i].kind != CHECK_FINE)
			print_line(&s, &c->lines[i]);
	}
	count(c, n, &unseen);
	(void)fprintf(f, "%zu error%s, %zu warning%s, %zu hint%s\n", n[0],
	    n[0] == 1 ? "" : "s", n[1], n[1] == 1 ? "" : "s", n[2], n[2] == 1 ? "" : "s");
}

static void
put_lines(struct jsonw *w, const struct check *c, enum check_line_kind kind)
{
	for (size_t i = 0; i < c->n_lines; i++) {
		const struct check_line *l = &c->lines[i];

		if (l->kind != kind)
			continue;
		jsonw_open_object(w, NULL);
		if (kind == CHECK_FOUND) {
			jsonw_string(w, "level",
			    check_level_text(check_kinds[l->id].level));
			jsonw_string(w, "id", check_kinds[l->id].word);
		}
		jsonw_string(w, "area", l->area);
		jsonw_string(w, "thing", l->thing);
		jsonw_string(w, kind == CHECK_UNSEEN ? "why" : "what", l->text);
		if (kind == CHECK_FOUND)
			jsonw_string(w, "fix", l->fix);
		jsonw_close(w);
	}
	jsonw_close(w);
}

static int
print_json(const struct check *c, FILE *f, bool verbose)
{
	size_t n[CHECK_N_LEVELS] = { 0 }, unseen;
	struct jsonw w;

	count(c, n, &unseen);
	jsonw_begin(&w, f);
	jsonw_open_object(&w, NULL);
	jsonw_uint(&w, "errors", n[CHECK_ERROR]);
	jsonw_uint(&w, "warnings", n[CHECK_WARNING]);
	jsonw_uint(&w, "hints", n[CHECK_HINT]);
	jsonw_open_array(&w, "findings");
	put_lines(&w, c, CHECK_FOUND);
	jsonw_open_array(&w, "not_looked_at");
	put_lines(&w, c, CHECK_UNSEEN);
	if (verbose) {
		jsonw_open_array(&w, "ok");
		put_lines(&w, c, CHECK_FINE);
	}
	jsonw_close(&w);
	return jsonw_end(&w);
}

/* The built-in path: that is where the modules ask, whatever sock_path says. */
static void
ask_daemon(struct check *c, const struct tool *t, struct tool_answer *ret_answer,
    const char ***ret_v)
{
	cleanup_(freep) char *path = check_path(c, KU_PATH_SOCK);
	struct tool quiet = { .sock_path = path,
		.out = t->out,
		.err = t->err,
		.debug = t->debug };

	int timeout = c->host->status_timeout_ms;

	timeout = timeout > 0 ? timeout : STATUS_TIMEOUT_MS;
	if (c->host->pairs != NULL) {
		c->pairs = c->host->pairs;
		c->n_pairs = c->host->n_pairs;
		return;
	}
	c->asked = tool_ask(&quiet, KU_OP_STATUS, NULL, 0, timeout, ret_answer);
	if (c->asked < 0)
		return;
	if (ret_answer->status != KU_ST_OK ||
	    tool_strings(ret_answer, ret_v, &c->n_pairs) < 0) {
		c->asked = 1;
		return;
	}
	c->pairs = *ret_v;
	c->n_pairs -= c->n_pairs % 2;
}

static void
load_config(struct check *c)
{
	cleanup_(freep) char *client = check_path(c, KU_PATH_CLIENT_CONFIG);
	cleanup_(freep) char *unixd = check_path(c, KU_PATH_UNIXD_CONFIG);

	/* What is wrong with it is what check_config() tells; defaults are there in any case. */
	if (config_load(client, unixd, &c->config, &c->problems) < 0)
		return;
}

static void
check_clear(struct check *c)
{
	for (size_t i = 0; i < c->n_lines; i++) {
		free(c->lines[i].thing);
		free(c->lines[i].text);
		free(c->lines[i].fix);
	}
	free(c->lines);
	(void)config_free(c->config);
	config_problems_clear(&c->problems);
}

int
check_host(const struct tool *t, const struct check_host *host, bool verbose)
{
	cleanup_(tool_answer_clear) struct tool_answer answer = { 0 };
	cleanup_(freep) const char **v = NULL;
	cleanup_(check_clear) struct check c = { .host = host };
	size_t n[CHECK_N_LEVELS] = { 0 }, unseen;
	struct stat st;

	if (!check_stat(&c, "/", &st)) {
		(void)tool_fail(t, "check", "%s/: %s", host->root, strerror(errno));
		return 2;
	}
	c.admin = st.st_uid;
	load_config(&c);
	ask_daemon(&c, t, &answer, &v);
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		c.area = areas[i].name;
		areas[i].run(&c);
	}
	if (c.n_lines > 0)
		qsort(c.lines, c.n_lines, sizeof(*c.lines), by_gravity);
	if (t->json) {
		if (print_json(&c, t->out, verbose) < 0)
			return 2;
	} else
		print_text(&c, t->out, verbose);
	count(&c, n, &unseen);
	return n[CHECK_ERROR] > 0 ? 1 : 0;
}

/* libc itself would do the same, with the same list of directories. */
static bool
module_loads(void)
{
	void *module = dlopen("libnss_kanidm.so.2", RTLD_LAZY | RTLD_LOCAL);

	if (module == NULL)
		return false;
	(void)dlclose(module);
	return true;
}

int
cmd_check(const struct tool *t, bool verbose)
{
	struct check_host host = {
		.root = "",
		.privileged = geteuid() == 0,
		.wall_s = time(NULL),
		.boot_s = (uint32_t)(clock_boot_ns() / 1000000000),
		.run = check_run_program,
		.module_loads = module_loads,
	};

	return check_host(t, &host, verbose);
}
