/* SPDX-License-Identifier: MPL-2.0 */
/*
 * "Why does this name resolve as it does, and can this person log in?": the daemon's own
 * reasons, line by line, for a person or as one object. The name is looked up first, as any
 * program would, so that the daemon has asked the server if it can be asked; and the home is
 * looked at from here, because the daemon's unit may not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"
#include "tools/commands.h"
#include "tools/pairs.h"
#include "tools/screen.h"

#define TIMEOUT_MS 5000

/* What a lookup of the name shows; all strings borrowed from the answer. */
struct shown {
	struct tool_answer answer;
	const char *name; /* NULL: nobody */
	const char *home;
	uint32_t uid;
};

static void
shown_clear(struct shown *s)
{
	tool_answer_clear(&s->answer);
}

/* Nobody by that name may still be a group: it is looked up for the daemon's sake. */
static void
look_up(const struct tool *t, const void *req, size_t len, struct shown *ret)
{
	cleanup_(tool_answer_clear) struct tool_answer group = { 0 };
	const char *gecos, *password;
	struct dec d;

	*ret = (struct shown){ 0 };
	if (tool_ask(t, KU_OP_PASSWD_BY_NAME, req, len, TIMEOUT_MS, &ret->answer) < 0)
		return;
	if (ret->answer.status != KU_ST_OK) {
		if (tool_ask(t, KU_OP_GROUP_BY_NAME, req, len, TIMEOUT_MS, &group) < 0)
			return;
		return;
	}
	dec_init(&d, ret->answer.body, ret->answer.len);
	ret->uid = dec_u32(&d);
	(void)dec_u32(&d); /* gid, bytes */
	(void)dec_u32(&d);
	ret->name = dec_strz(&d);
	password = dec_strz(&d);
	gecos = dec_strz(&d);
	ret->home = dec_strz(&d);
	if (ret->name == NULL || password == NULL || gecos == NULL)
		ret->home = NULL;
}

/* ---- the home ---- */

static char *
home_state(const struct shown *shown)
{
	const struct check_host host = { .root = "" };
	const struct check c = { .host = &host };
	struct stat st;

	if (shown->home == NULL)
		return NULL;
	if (check_is_remote(&c, shown->home))
		return xstrdup("not looked at: on a file server");
	if (stat(shown->home, &st) != 0)
		return errno == ENOENT
		    ? xstrdup("not there yet")
		    : xasprintf("cannot be looked at: %s", strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return xstrdup("no directory");
	if (st.st_uid != shown->uid)
		return xasprintf("belongs to uid %u, not to %" PRIu32,
		    (unsigned)st.st_uid, shown->uid);
	return xstrdup("there");
}

/* ---- lines as keys and values ---- */

struct pairs {
	char **v;
	size_t n; /* strings, two for each line */
};

static void
pairs_clear(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i]);
	free((void *)p->v);
}

static void
add(struct pairs *p, char *key, char *value)
{
	p->v = xreallocarray(p->v, p->n + 2, sizeof(*p->v));
	p->v[p->n++] = key;
	p->v[p->n++] = value;
}

/* The value of a key that comes once; NULL: a daemon that does not say it. */
static const char *
value_of(const struct pairs *p, const char *key)
{
	for (size_t i = 0; i < p->n; i += 2) {
		if (streq(p->v[i], key))
			return p->v[i + 1];
	}
	return NULL;
}

static bool
is_of_verdict(const char *key)
{
	return streq(key, "verdict") || streq(key, "can_log_in");
}

static void
collect(struct pairs *p, const char *const *lines, size_t n, const struct shown *shown,
    bool json)
{
	char *key, *value;

	for (size_t i = 0; i < n; i++) {
		pairs_split(lines[i], &key, &value);
		/* People read it as the daemon wrote it: "left out". */
		if (!json && !streq(key, "note"))
			memcpy(key, lines[i], strlen(key));
		add(p, key, value);
		if (streq(key, "home") && shown->home != NULL)
			add(p, xstrdup("home_state"), home_state(shown));
	}
}

/* ---- for programs ---- */

static int
print_json(const struct tool *t, const struct pairs *p, const char *log_in_as)
{
	const char *can = value_of(p, "can_log_in"), *verdict = value_of(p, "verdict");
	size_t first = 0;
	struct jsonw w;

	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	if (verdict != NULL)
		jsonw_string(&w, "verdict", verdict);
	if (can != NULL && (streq(can, "yes") || streq(can, "no")))
		jsonw_bool(&w, "can_log_in", streq(can, "yes"));
	else
		jsonw_null(&w, "can_log_in");
	/* They come first. */
	while (first < p->n && is_of_verdict(p->v[first]))
		first += 2;
	pairs_put_json(&w, (const char *const *)p->v + first, p->n - first);
	if (log_in_as != NULL)
		jsonw_string(&w, "log_in_as", log_in_as);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : 1;
}

/* ---- for people ---- */

static enum screen_tone
tone_of(const char *can)
{
	if (can == NULL)
		return TONE_PLAIN;
	if (streq(can, "yes"))
		return TONE_GOOD;
	return streq(can, "no") ? TONE_BAD : TONE_WARN;
}

static void
print_verdict(const struct screen *s, const struct pairs *p)
{
	const char *verdict = value_of(p, "verdict");

	if (verdict == NULL)
		return;
	if (!s->terminal) {
		(void)fprintf(s->out, "verdict: %s\n", verdict);
		return;
	}
	screen_toned(s, tone_of(value_of(p, "can_log_in")), 0, 0, verdict);
	(void)fputc('\n', s->out);
}

static void
print_line(const struct screen *s, size_t column, const char *key, const char *value)
{
	if (streq(key, "note"))
		screen_text(s, 0, 0, value);
	else
		screen_pair(s, column, key, value, TONE_PLAIN);
}

static void
print_text(const struct tool *t, const struct pairs *p, const char *name,
    const char *log_in_as)
{
	const struct screen s = screen_of(t->out);
	size_t column = screen_column((const char *const *)p->v, p->n);
	cleanup_(freep) char *text = NULL;

	print_verdict(&s, p);
	for (size_t i = 0; i < p->n; i += 2) {
		if (!is_of_verdict(p->v[i]))
			print_line(&s, column, p->v[i], p->v[i + 1]);
	}
	if (log_in_as == NULL)
		return;
	text = xasprintf("log in as %s, not as %s: sshd 10.1 and 10.2 refuse every other "
			 "spelling (\"PAM user mismatch\")",
	    log_in_as, name);
	screen_pair(&s, column, "ssh", text, TONE_WARN);
}

int
cmd_explain(const struct tool *t, const char *name)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(shown_clear) struct shown shown = { 0 };
	cleanup_(pairs_clear) struct pairs p = { 0 };
	cleanup_(freep) const char **lines = NULL;
	uint8_t req[KU_MAX_NAME_REQ];
	size_t n = 0, len = tool_pack_name(req, sizeof(req), name);
	const char *log_in_as;

	if (len == 0)
		return tool_fail(t, "explain", "too long to be the name of an entry");
	look_up(t, req, len, &shown);
	if (!tool_ask_loudly(t, KU_OP_EXPLAIN, req, len, TIMEOUT_MS, &a))
		return 1;
	if (a.status != KU_ST_OK)
		return tool_refused(t, "explain", &a, NULL);
	if (tool_strings(&a, &lines, &n) < 0)
		return tool_fail(t, "explain", "the daemon's answer makes no sense");
	collect(&p, lines, n, &shown, t->json);
	/* sshd 10.1 and 10.2 compare the name that was typed with pw_name before any module
	 * is asked. */
	log_in_as = shown.name != NULL && !streq(shown.name, name) ? shown.name : NULL;
	if (t->json)
		return print_json(t, &p, log_in_as);
	print_text(t, &p, name, log_in_as);
	return 0;
}
