/* SPDX-License-Identifier: MPL-2.0 */
/*
 * ask [Nx] passwd|group|initgroups|keys NAME|NUMBER [budget=MS] -> answer KEY=VALUE ...
 *				   | notfound | local | unavail | busy	[within MSms]
 * ask [Nx] account NAME [fresh|now] [budget=MS] -> likewise
 * enumerate users|groups -> NAME,NAME ...
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"
#include "src/unixd/model/model.h"

/* One asker and what it was told. */
struct asker {
	bool answered;
	int64_t at_ns;
	char said[2048]; /* "answer uid=2001 ..." with every field, or "notfound" */
};

static const char *const answer_words[] = {
	[ANSWER_FOUND] = "answer",
	[ANSWER_NOTFOUND] = "notfound",
	[ANSWER_LOCAL] = "local",
	[ANSWER_UNAVAIL] = "unavail",
	[ANSWER_BUSY] = "busy",
};

static struct stage *stage;
static struct asker *askers;
static struct held {
	struct waiter *waiter;
	struct asker asker;
} * held;
static size_t n_held;

static size_t
begin(void *arg, enum answer a)
{
	struct asker *k = arg;

	if (k->answered)
		script_fail("answered twice");
	k->answered = true;
	k->at_ns = stage_now(stage);
	return (size_t)snprintf(k->said, sizeof(k->said), "%s", answer_words[a]);
}

static void
underscores(char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ' ')
			*s = '_';
	}
}

static void
on_passwd(void *arg, enum answer a, const struct passwd_view *v)
{
	struct asker *k = arg;
	size_t len = begin(arg, a), i;
	char gecos[256];

	if (v == NULL)
		return;
	snprintf(gecos, sizeof(gecos), "%s", v->gecos);
	underscores(gecos);
	len += (size_t)snprintf(k->said + len, sizeof(k->said) - len,
	    " uid=%" PRIu32 " gid=%" PRIu32 " name=%s gecos=%s dir=%s shell=%s gids=",
	    v->uid, v->gid, v->name, gecos, v->dir, v->shell);
	for (i = 0; i < v->n_gids && len < sizeof(k->said) - 400; i++)
		len += (size_t)snprintf(k->said + len, sizeof(k->said) - len,
		    "%s%" PRIu32, i > 0 ? "," : "", v->gids[i]);
}

static void
on_group(void *arg, enum answer a, const struct group_view *v)
{
	struct asker *k = arg;
	size_t len = begin(arg, a), i;

	if (v == NULL)
		return;
	len += (size_t)snprintf(k->said + len, sizeof(k->said) - len,
	    " gid=%" PRIu32 " name=%s members=", v->gid, v->name);
	for (i = 0; i < v->n_members && len < sizeof(k->said) - 400; i++)
		len += (size_t)snprintf(k->said + len, sizeof(k->said) - len, "%s%s",
		    i > 0 ? "," : "", v->members[i]);
}

static void
on_keys(void *arg, enum answer a, const char *const *keys, size_t n)
{
	struct asker *k = arg;
	size_t len = begin(arg, a);
	char first[256];

	if (a != ANSWER_FOUND)
		return;
	snprintf(first, sizeof(first), "%s", n > 0 ? keys[0] : "");
	underscores(first);
	snprintf(k->said + len, sizeof(k->said) - len, " keys=%zu first=%s", n, first);
}

static void
on_account(void *arg, enum answer a, const struct account_view *v)
{
	struct asker *k = arg;
	size_t len = begin(arg, a);
	uint32_t i;

	if (v == NULL)
		return;
	len += (size_t)snprintf(k->said + len, sizeof(k->said) - len,
	    " uid=%" PRIu32 " shown=%s key=%s home=%s age=%" PRIi64 " valid=%s in=",
	    v->uid, v->shown, v->key, v->home, v->age_s, v->user->valid ? "yes" : "no");
	for (i = 1; i < v->user->n_groups && len < sizeof(k->said) - 400; i++)
		len += (size_t)snprintf(k->said + len, sizeof(k->said) - len, "%s%s",
		    i > 1 ? "," : "", v->user->groups[i]->name);
}

static void
on_probe(void *arg)
{
	begin(arg, ANSWER_FOUND);
}

static struct waiter *
put_question(struct stage *s, const char *what, const char *whom, const char *how,
    int budget, struct asker *k)
{
	uint32_t id = (uint32_t)strtoul(whom, NULL, 10);
	bool number = isdigit((unsigned char)whom[0]) && strchr(whom, '-') == NULL;
	struct name name;

	if (streq(what, "probe"))
		return resolver_probe(s->r, budget, on_probe, k);
	if (number && streq(what, "group"))
		return resolver_group_by_gid(s->r, id, budget, on_group, k);
	if (number)
		return resolver_passwd_by_uid(s->r, id, budget, on_passwd, k);
	if (name_parse(whom, strlen(whom), &name) != 0) {
		begin(k, ANSWER_NOTFOUND);
		return NULL;
	}
	if (streq(what, "group"))
		return resolver_group_by_name(s->r, &name, budget, on_group, k);
	if (streq(what, "keys"))
		return resolver_ssh_keys(s->r, &name, budget, on_keys, k);
	if (streq(what, "account") && streq(how, "now")) {
		resolver_account_now(s->r, &name, on_account, k);
		return NULL;
	}
	if (streq(what, "account"))
		return resolver_account(s->r, &name, streq(how, "fresh"), budget,
		    on_account, k);
	if (streq(what, "initgroups"))
		return resolver_initgroups(s->r, &name, budget, on_passwd, k);
	return resolver_passwd_by_name(s->r, &name, budget, on_passwd, k);
}

/* Is every wanted word (answer, key=value) among the words that were said? */
static bool
has_word(const char *said, const char *word)
{
	size_t len = strlen(word);
	const char *at = said;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == said || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

static void
check_answer(const struct words *w, size_t from, const struct asker *k, int64_t took_ns)
{
	size_t i;

	if (!k->answered) {
		script_fail("no answer within its budget");
		return;
	}
	for (i = from; i < w->n; i++) {
		if (streq(w->v[i], "within") && i + 1 < w->n) {
			if (took_ns > atoll(w->v[++i]) * CLOCK_MS)
				script_fail("took %" PRIi64 " ms", took_ns / CLOCK_MS);
		} else if (!has_word(k->said, w->v[i])) {
			script_fail("wanted \"%s\", got \"%s\"", w->v[i], k->said);
		}
	}
}

static bool
all_answered(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!askers[i].answered)
			return false;
	}
	return true;
}

static size_t
arrow(const struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (streq(w->v[i], "->"))
			return i + 1;
	}
	return w->n;
}

static void
play_question(struct stage *s, const struct words *w)
{
	size_t i, n = 1, at = 1, from = arrow(w);
	const char *v = words_value(w, "budget");
	int budget = v != NULL ? atoi(v) : 1500;
	int64_t begun = stage_now(s);

	if (isdigit((unsigned char)w->v[1][0]) && strchr(w->v[1], 'x') != NULL) {
		n = (size_t)atoi(w->v[1]);
		at = 2;
	}
	stage = s;
	askers = calloc(n, sizeof(*askers));
	for (i = 0; i < n; i++)
		put_question(s, w->v[at], at + 1 < w->n ? w->v[at + 1] : "",
		    at + 2 < w->n ? w->v[at + 2] : "", budget, &askers[i]);
	while (!all_answered(n) && stage_step(s, begun / 1 + budget * CLOCK_MS))
		;
	for (i = 0; i < n; i++)
		check_answer(w, from, &askers[i], askers[i].at_ns - begun);
	/* Whatever is still waiting would write to freed memory later. */
	while (!all_answered(n) && stage_step(s, begun + 60 * CLOCK_S))
		;
	free(askers);
}

static void
hold(struct stage *s, const struct words *w)
{
	bool many = isdigit((unsigned char)w->v[1][0]);
	size_t at = many ? 2 : 1, i;
	char whom[100];

	n_held = many ? (size_t)atoi(w->v[1]) : 1;
	held = calloc(n_held, sizeof(*held));
	for (i = 0; i < n_held; i++) {
		/* NAME%: another name each */
		snprintf(whom, sizeof(whom) - 12, "%s", w->v[at + 1]);
		if (strchr(whom, '%') != NULL)
			snprintf(strchr(whom, '%'), 12, "%u", (unsigned)i % 10000);
		held[i].waiter = put_question(s, w->v[at], whom,
		    at + 2 < w->n ? w->v[at + 2] : "", 1500, &held[i].asker);
		if (held[i].waiter == NULL)
			script_fail("answered at once: %s", held[i].asker.said);
	}
}

static void
let_go(void)
{
	size_t i;

	for (i = 0; i < n_held; i++) {
		if (!held[i].asker.answered)
			resolver_cancel(held[i].waiter);
	}
	free(held);
	held = NULL;
	n_held = 0;
}

/*
 * begin [Nx] passwd NAME: asks and leaves it waiting; cancel: the askers go away;
 * told WORD: all of them were answered so.
 */
static bool
play_held(struct stage *s, const struct words *w)
{
	size_t i;

	stage = s;
	if (streq(w->v[0], "begin") && w->n > 2) {
		hold(s, w);
	} else if (streq(w->v[0], "cancel")) {
		let_go();
	} else if (streq(w->v[0], "told") && w->n > 1) {
		for (i = 0; i < n_held; i++) {
			if (!has_word(held[i].asker.said, w->v[1]))
				script_fail("wanted \"%s\", got \"%s\"", w->v[1],
				    held[i].asker.said);
		}
		let_go();
	} else {
		return false;
	}
	return true;
}

struct walk {
	char list[8192];
	size_t len;
	uint32_t id;
	bool more;
};

static void
add(struct walk *k, enum answer a, const char *name, uint32_t id)
{
	k->more = a == ANSWER_FOUND;
	if (!k->more)
		return;
	k->len += (size_t)snprintf(k->list + k->len, sizeof(k->list) - k->len, "%s%s",
	    k->len > 0 ? "," : "", name);
	k->id = id;
}

static void
on_walk_user(void *arg, enum answer a, const struct passwd_view *v)
{
	add(arg, a, v != NULL ? v->name : NULL, v != NULL ? v->uid : 0);
}

static void
on_walk_group(void *arg, enum answer a, const struct group_view *v)
{
	add(arg, a, v != NULL ? v->name : NULL, v != NULL ? v->gid : 0);
}

static void
play_walk(struct stage *s, const struct words *w)
{
	struct walk k = { 0 };
	bool started = false;
	const char *want = w->n > 3 ? w->v[3] : "";

	do {
		if (streq(w->v[1], "users"))
			resolver_passwd_next(s->r, started, k.id, on_walk_user, &k);
		else
			resolver_group_next(s->r, started, k.id, on_walk_group, &k);
		started = true;
	} while (k.more && k.len < sizeof(k.list) - 100);
	if (!streq(k.list, want))
		script_fail("wanted \"%s\", got \"%s\"", want, k.list);
}

bool
script_ask(struct stage *s, const struct words *w)
{
	if (streq(w->v[0], "ask") && w->n > 1)
		play_question(s, w);
	else if (streq(w->v[0], "enumerate") && w->n > 1)
		play_walk(s, w);
	else
		return play_held(s, w);
	return true;
}
