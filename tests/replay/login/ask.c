/* SPDX-License-Identifier: MPL-2.0 */
/* Passwords are typed, and what came of it: one by one, several at once, in crowds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "script.h"
#include "src/base/secret.h"
#include "src/base/util.h"

#define ASKS_MAX 2048

/* One login that was begun. */
struct ask {
	char id[64];
	int64_t begun;
	int64_t told_at; /* -1: not yet */
	unsigned times;
	struct login_call *call;
	char verdict[32];
};

static struct ask asks[ASKS_MAX];
static size_t n_asks;
static struct ask crowd[ASKS_MAX];
static size_t n_crowd;

void
script_forget_asks(void)
{
	n_asks = 0;
	n_crowd = 0;
}

static const char *
word_of(uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	static const char *const verdicts[] = { "nothing", "ok", "cached", "denied",
		"wrong", "none", "suspended", "wait", "too-old", "invalid" };
	static char wait[32];

	switch (status) {
	case KU_ST_OK:
		break;
	case KU_ST_NOTFOUND:
		return "notfound";
	case KU_ST_UNAVAIL:
		return "unavail";
	case KU_ST_BUSY:
		return "busy";
	case KU_ST_DENIED:
		return "refused";
	case KU_ST_LOCAL:
		return "local";
	default:
		return "?";
	}
	if (verdict == KU_AUTH_WAIT) {
		snprintf(wait, sizeof(wait), "wait=%u", seconds);
		return wait;
	}
	return verdict < ARRAY_SIZE(verdicts) ? verdicts[verdict] : "?";
}

static void
on_auth(void *arg, uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	struct ask *a = arg;

	a->times++;
	a->told_at = stage_now();
	snprintf(a->verdict, sizeof(a->verdict), "%s", word_of(status, verdict, seconds));
}

static void
ask(struct ask *a, const char *id, const char *name, const char *password,
    const struct words *w)
{
	struct login_request q = { .caller = (uid_t)words_number(w, "caller", 0),
		.service = "sshd",
		.tty = "ssh",
		.rhost = "198.51.100.7" };

	if (words_value(w, "hold") != NULL)
		q.flags = KU_PAM_HOLD;
	if (words_value(w, "rhost") != NULL)
		q.rhost = words_value(w, "rhost");
	stage_start();
	stage_remember(password);
	*a = (struct ask){ .begun = stage_now(), .told_at = -1 };
	snprintf(a->id, sizeof(a->id), "%s", id);
	if (name_parse(name, strlen(name), &q.name) < 0) {
		script_fail("%s is no name", name);
		return;
	}
	a->call = login_auth(stage.engine, &q, secret_copy(password, strlen(password)),
	    on_auth, a);
	if ((a->call == NULL) != (a->told_at >= 0))
		script_fail("answered at once and not, or neither");
}

static long
took_ms(const struct ask *a)
{
	return (long)((a->told_at - a->begun) / CLOCK_MS);
}

/* `-> WORD [at MS] [within MS] [after MS]` */
static void
compare(const struct ask *a, const struct words *w)
{
	size_t i;

	for (i = 0; i < w->n && !streq(w->v[i], "->"); i++)
		;
	if (i + 1 >= w->n)
		return;
	if (a->told_at < 0) {
		script_fail("no answer");
		return;
	}
	if (!streq(a->verdict, w->v[i + 1]))
		script_fail("%s, not %s (after %ld ms)", a->verdict, w->v[i + 1],
		    took_ms(a));
	for (i += 2; i + 1 < w->n; i += 2) {
		long ms = atol(w->v[i + 1]);

		if ((streq(w->v[i], "at") && took_ms(a) != ms) ||
		    (streq(w->v[i], "within") && took_ms(a) > ms) ||
		    (streq(w->v[i], "after") && took_ms(a) < ms))
			script_fail("%s after %ld ms, not %s %ld", a->verdict, took_ms(a),
			    w->v[i], ms);
	}
}

static void
say_login(const struct words *w)
{
	struct ask *a = &asks[n_asks++ % ASKS_MAX];
	int64_t limit;

	ask(a, "", w->v[1], w->v[2], w);
	limit = stage_now() + (stage.config.auth_deadline_ms + 10000) * CLOCK_MS;
	while (a->told_at < 0 && stage_step(limit))
		;
	compare(a, w);
	if (a->told_at >= 0 && took_ms(a) > (long)stage.config.auth_deadline_ms)
		script_fail("answered after the deadline: %ld ms", took_ms(a));
}

static struct ask *
find(const char *id)
{
	size_t i;

	for (i = 0; i < n_asks; i++) {
		if (streq(asks[i].id, id))
			return &asks[i];
	}
	script_fail("nobody began %s", id);
	return &asks[0];
}

/* `crowd N PASSWORD [one=NAME] [wrong=K] [gone=yes]`: every K-th types something else; gone:
 * each hangs up at once, and is told nothing. */
static void
say_crowd(const struct words *w)
{
	long every = words_number(w, "wrong", 0);
	const char *one = words_value(w, "one");
	bool gone = words_value(w, "gone") != NULL;
	unsigned i;

	n_crowd = (size_t)atoi(w->v[1]);
	for (i = 0; i < n_crowd; i++) {
		bool wrong = every > 0 && i % every == 0;
		char name[32];

		snprintf(name, sizeof(name), "u%u", i);
		ask(&crowd[i], "", one != NULL ? one : name,
		    wrong ? "guessed-it" : w->v[2], w);
		if (gone)
			login_cancel(TAKE_PTR(crowd[i].call));
	}
}

/* `crowd-told WORD N [or WORD N]...` all by the deadline; no word that is not listed. */
static void
say_crowd_told(const struct words *w)
{
	int64_t limit = stage_now() + (stage.config.auth_deadline_ms + 1) * CLOCK_MS;
	size_t i, k, listed = 0;

	while (stage_step(limit))
		;
	for (k = 1; k + 1 < w->n; k += 2) {
		size_t n = 0, want = (size_t)atoi(w->v[k + 1]);

		for (i = 0; i < n_crowd; i++)
			n += streq(crowd[i].verdict, w->v[k]);
		listed += n;
		if (!streq(w->v[k + 1], "any") && n != want)
			script_fail("%zu %s, not %s", n, w->v[k], w->v[k + 1]);
	}
	if (listed != n_crowd)
		script_fail("%zu of %zu have another answer, or none", n_crowd - listed,
		    n_crowd);
	for (i = 0; i < n_crowd; i++) {
		if (crowd[i].told_at >= 0 &&
		    took_ms(&crowd[i]) > (long)stage.config.auth_deadline_ms)
			script_fail("u%zu after the deadline: %ld ms", i,
			    took_ms(&crowd[i]));
		if (crowd[i].times > 1)
			script_fail("u%zu was told %u times", i, crowd[i].times);
	}
}

/* `hammer N NAME PASSWORD every=MS`: a guesser who never waits for what he is told. */
static void
say_hammer(const struct words *w)
{
	int64_t every = words_number(w, "every", 1000) * CLOCK_MS, next = stage_now();
	static struct ask one[16];
	char guess[64];
	long i;

	for (i = 0; i < atol(w->v[1]); i++, next += every) {
		while (stage_step(next))
			;
		stage_go_to(next);
		snprintf(guess, sizeof(guess), "%s-%ld", w->v[3], i);
		ask(&one[i % 16], "", w->v[2], guess, w);
	}
	while (stage_step(next))
		;
}

bool
script_ask(const struct words *w)
{
	const char *verb = w->v[0];
	struct ask *a;

	if (streq(verb, "login")) {
		say_login(w);
	} else if (streq(verb, "begin")) {
		ask(&asks[n_asks++ % ASKS_MAX], w->v[1], w->v[2], w->v[3], w);
	} else if (streq(verb, "cancel")) {
		a = find(w->v[1]);
		login_cancel(a->call);
		a->call = NULL;
	} else if (streq(verb, "told")) {
		compare(find(w->v[1]), w);
	} else if (streq(verb, "untold")) {
		if (find(w->v[1])->told_at >= 0)
			script_fail("%s was told %s", w->v[1], find(w->v[1])->verdict);
	} else if (streq(verb, "hammer")) {
		say_hammer(w);
	} else if (streq(verb, "crowd")) {
		say_crowd(w);
	} else if (streq(verb, "crowd-told")) {
		say_crowd_told(w);
	} else {
		return false;
	}
	return true;
}
