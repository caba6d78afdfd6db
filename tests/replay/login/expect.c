/* SPDX-License-Identifier: MPL-2.0 */
/* What must be true, in memory, on the disk, and for people to read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"

static char pairs[8192];

static void
on_pair(void *arg, const char *key, const char *text)
{
	(void)arg;
	snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs), "%s=%s\n", key,
	    text);
}

static void
on_line(void *arg, const char *text)
{
	(void)arg;
	snprintf(pairs + strlen(pairs), sizeof(pairs) - strlen(pairs), "%s\n", text);
}

/* The words from `from` on, blanks between them. */
static const char *
words_rest(const struct words *w, size_t from)
{
	static char text[512];
	size_t i;

	text[0] = '\0';
	for (i = from; i < w->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
		    i > from ? " " : "", w->v[i]);
	return text;
}

static void
expect_number(const char *what, size_t is, const char *want)
{
	if (is != (size_t)atol(want))
		script_fail("%s: %zu, not %s", what, is, want);
}

static struct cred *
cred_of(const char *name)
{
	return creds_find(&stage.engine->creds, &person_find(name)->uuid);
}

/* What a start would find now. */
static struct cred *
stored(const char *name, struct creds *cs)
{
	uint8_t blob[4096];
	size_t len = disk_cred(&person_find(name)->uuid, blob);
	struct cred *c;

	if (len == 0)
		return NULL;
	c = creds_get(cs, &person_find(name)->uuid);
	if (cred_unpack(blob, len, stage_now(), c) < 0)
		script_fail("what is stored of %s is broken", name);
	return c;
}

static bool
holds(const struct cred *c, const char *password)
{
	char verifier[CRYPT_MAX_VERIFIER];
	size_t len = fake_verifier(password, verifier);

	return c != NULL && c->verifier_len == len &&
	    memcmp(c->verifier, verifier, len) == 0;
}

static void
expect_cred(const struct cred *c, const struct words *w)
{
	const char *what = w->v[3];

	if (streq(what, "nothing")) {
		if (c != NULL && c->verifier != NULL)
			script_fail("there is a credential");
	} else if (streq(what, "holds")) {
		if (!holds(c, w->v[4]))
			script_fail("it does not hold that password");
	} else if (streq(what, "suspended")) {
		if (c == NULL || !c->suspended)
			script_fail("it is not suspended");
	} else if (streq(what, "unsuspended")) {
		if (c == NULL || c->suspended)
			script_fail("it is suspended");
	} else if (streq(what, "fails")) {
		expect_number("fails", c != NULL ? c->guess.fails : 0, w->v[4]);
	} else if (streq(what, "hidden-fails")) {
		expect_number("hidden fails", c != NULL ? c->hidden.fails : 0, w->v[4]);
	} else {
		script_fail("what is \"%s\"?", what);
	}
}

static bool
expect_count(const struct words *w)
{
	const struct {
		const char *word;
		size_t is;
	} counts[] = {
		{ "ready", stage.engine != NULL ? login_n_ready(stage.engine) : 0 },
		{ "calls", stage.engine != NULL ? stage.engine->n_calls : 0 },
		{ "asked", play.asked },
		{ "checks", play.checks },
		{ "checks-behind", play.checks_behind },
		{ "makes", play.makes },
		{ "lates", play.lates },
		{ "heards", play.heards },
		{ "probes", play.probes },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		if (!streq(counts[i].word, w->v[1]))
			continue;
		expect_number(w->v[1], counts[i].is, w->v[2]);
		return true;
	}
	return false;
}

static void
expect_text(const struct words *w, bool wanted)
{
	struct name name;
	size_t from = 2;

	pairs[0] = '\0';
	if (streq(w->v[1], "status")) {
		login_status(stage.engine, on_pair, NULL);
	} else if (streq(w->v[1], "explain") || streq(w->v[1], "explain-to-2002")) {
		uid_t caller = streq(w->v[1], "explain") ? 0 : 2002;

		if (name_parse(w->v[2], strlen(w->v[2]), &name) == 0) {
			login_verdict(stage.engine, caller, &name, on_line, NULL);
			login_explain(stage.engine, caller, &name, on_line, NULL);
		}
		from = 3;
	} else if (streq(w->v[1], "journal")) {
		if (journal_has(words_rest(w, 2)) != wanted)
			script_fail("the journal");
		return;
	} else {
		script_fail("what is \"%s\"?", w->v[1]);
		return;
	}
	if ((strstr(pairs, words_rest(w, from)) != NULL) != wanted)
		script_fail("%s: %s", w->v[1], pairs);
}

bool
script_expect(const struct words *w)
{
	bool wanted = streq(w->v[0], "expect");
	struct creds cs;

	if ((!wanted && !streq(w->v[0], "refuse")) || w->n < 3)
		return false;
	stage_start();
	if (streq(w->v[1], "credential")) {
		expect_cred(cred_of(w->v[2]), w);
	} else if (streq(w->v[1], "stored")) {
		creds_init(&cs);
		expect_cred(stored(w->v[2], &cs), w);
		creds_deinit(&cs);
	} else if (streq(w->v[1], "value")) {
		if (disk_has_value(w->v[2]) != wanted)
			script_fail("value %s", w->v[2]);
	} else if (streq(w->v[1], "learned")) {
		expect_number("learned", person_find(w->v[2])->learned, w->v[3]);
	} else if (!expect_count(w)) {
		expect_text(w, wanted);
	}
	return true;
}
