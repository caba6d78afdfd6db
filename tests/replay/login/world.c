/* SPDX-License-Identifier: MPL-2.0 */
/* People, what the disk knows of them, and what server, link, disk and lanes do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

/* ---- people ---- */

static void
say_person(const struct words *w)
{
	struct person *p = person_find(w->v[1]);
	const char *v;

	if (p == NULL) {
		p = xcalloc(1, sizeof(*p));
		snprintf(p->name, sizeof(p->name), "%s", w->v[1]);
		snprintf(p->spn, sizeof(p->spn), "%s@example.com", w->v[1]);
		p->uuid.b[0] = (uint8_t)(play.n_people >> 8);
		p->uuid.b[1] = (uint8_t)play.n_people;
		p->uuid.b[15] = 1;
		p->uid = 2000 + (uint32_t)play.n_people;
		p->valid = true;
		p->cached = true;
		play.people[play.n_people++] = p;
	}
	if ((v = words_value(w, "password")) != NULL) {
		snprintf(p->password, sizeof(p->password), "%s", v);
		stage_remember(v);
	}
	if ((v = words_value(w, "valid")) != NULL)
		p->valid = streq(v, "yes");
	if ((v = words_value(w, "cached")) != NULL)
		p->cached = streq(v, "yes");
	if ((v = words_value(w, "local")) != NULL)
		p->local = streq(v, "yes");
	if ((v = words_value(w, "deleted")) != NULL)
		p->deleted = streq(v, "yes");
	p->uid = (uint32_t)words_number(w, "uid", p->uid);
}

/* On the disk, before the engine starts. */
static void
say_credential(const struct words *w)
{
	const struct person *p = person_find(w->v[1]);
	char verifier[CRYPT_MAX_VERIFIER];
	uint8_t blob[CRED_MAX_BLOB];
	int64_t wall = play.loop.ts.now.wall_ns / CLOCK_S;
	const char *broken = words_value(w, "broken");
	size_t len;
	struct creds cs;
	struct cred *c;

	if (p == NULL || stage.engine != NULL) {
		script_fail("too late, or nobody");
		return;
	}
	stage_remember(w->v[2]);
	creds_init(&cs);
	c = creds_get(&cs, &p->uuid);
	cred_set_verifier(c, verifier, fake_verifier(w->v[2], verifier));
	c->stored_at = c->proven_at = wall - words_number(w, "age", 100);
	guess_restore(&c->guess, (uint32_t)words_number(w, "fails", 0),
	    (uint32_t)words_number(w, "left", 0), stage_now());
	guess_restore(&c->hidden, (uint32_t)words_number(w, "hidden-fails", 0), 0,
	    stage_now());
	c->suspended = words_value(w, "suspended") != NULL;
	c->suspended_at = c->suspended ? wall - words_number(w, "suspended", 0) : 0;
	if (broken != NULL && streq(broken, "key"))
		((char *)c->verifier)[0] = 'Z';
	len = cred_pack(c, stage_now(), blob);
	if (broken != NULL && streq(broken, "blob"))
		blob[0] = 0xff;
	disk_put_cred(&p->uuid, blob, len);
	disk_put_value("hmac-key", "A", 1);
	creds_deinit(&cs);
}

static void
say_crowd_people(const struct words *w)
{
	unsigned n = (unsigned)atoi(w->v[1]), i;

	for (i = 0; i < n; i++) {
		char name[32], password[64];
		struct words one = { .n = 3 };

		snprintf(name, sizeof(name), "u%u", i);
		snprintf(password, sizeof(password), "password=%s", w->v[2]);
		one.v[0] = w->v[0];
		one.v[1] = name;
		one.v[2] = password;
		say_person(&one);
		one.v[2] = w->v[2];
		if (words_value(w, "credential") != NULL)
			say_credential(&one);
	}
}

/* ---- the world ---- */

static bool
one_of(const char *word, const char *const *list, size_t n, int *ret)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (streq(list[i], word)) {
			*ret = (int)i;
			return true;
		}
	}
	script_fail("what is \"%s\"?", word);
	return false;
}

static void
say_config(const struct words *w)
{
	static char caller[32];
	const char *v = words_value(w, "caller");

	stage.config.auth_deadline_ms = (unsigned)words_number(w, "deadline",
	    stage.config.auth_deadline_ms);
	stage.config.offline_auth_max_age_s = (unsigned)words_number(w, "max_age",
	    stage.config.offline_auth_max_age_s);
	if (v != NULL) {
		snprintf(caller, sizeof(caller), "%s", v);
		stage.config.pam_allowed_callers[0] = caller;
	}
	if (stage.engine != NULL)
		login_reconfigure(stage.engine, &stage.config);
}

static void
say_server(const struct words *w)
{
	static const char *const moods[] = { "ok", "silent", "trouble", "refuses",
		"error", "confused" };
	int i;

	if (one_of(w->v[1], moods, ARRAY_SIZE(moods), &i))
		play.server = (enum server_mood)i;
	play.latency_ms = (int)words_number(w, "latency", play.latency_ms);
	play.fetch_ms = (int)words_number(w, "fetch", play.fetch_ms);
	if (words_value(w, "soft-lock") != NULL)
		play.soft_lock = true;
}

static void
say_link(const struct words *w)
{
	static const char *const modes[] = { "online", "suspect", "offline", "starting" };
	static const enum link_mode of[] = { MODE_ONLINE, MODE_SUSPECT, MODE_OFFLINE,
		MODE_STARTING };
	int i;

	if (one_of(w->v[1], modes, ARRAY_SIZE(modes), &i))
		play.link = of[i];
}

static void
say_disk(const struct words *w)
{
	static const char *const moods[] = { "ok", "fails", "hangs", "unreadable" };
	int i;

	if (one_of(w->v[1], moods, ARRAY_SIZE(moods), &i))
		play.disk = (enum disk_mood)i;
	play.commit_ms = (int)words_number(w, "commit", play.commit_ms);
}

static void
say_lanes(const struct words *w)
{
	play.kdf_ms = (int)words_number(w, "kdf", play.kdf_ms);
	play.open_ms = (int)words_number(w, "open", play.open_ms);
	play.lanes_lie = words_value(w, "lie") != NULL;
}

static void
say_pin(const struct words *w)
{
	play.pin_is_new = streq(w->v[1], "new");
	play.pin_is_gone = streq(w->v[1], "gone");
}

static void
say_hidden(const struct words *w)
{
	(void)w;
	stage_start();
	stage.engine->callers.hides = true;
}

static bool
life(const struct words *w)
{
	const char *verb = w->v[0];

	if (streq(verb, "start")) {
		stage_start();
	} else if (streq(verb, "restart")) {
		stage_stop(false);
		stage_start();
	} else if (streq(verb, "power-cut")) {
		stage_stop(true);
		stage_start();
	} else if (streq(verb, "stop")) {
		stage_stop(false);
	} else if (streq(verb, "wall")) {
		play.loop.ts.now.wall_ns += atol(w->v[1]) * CLOCK_S;
	} else if (streq(verb, "clear")) {
		login_clear(stage.engine);
	} else if (streq(verb, "forget")) {
		login_forget(stage.engine, &person_find(w->v[1])->uuid);
	} else {
		return false;
	}
	return true;
}

bool
script_world(const struct words *w)
{
	static const struct {
		const char *verb;
		void (*say)(const struct words *w);
	} verbs[] = {
		{ "config", say_config },
		{ "server", say_server },
		{ "link", say_link },
		{ "disk", say_disk },
		{ "lanes", say_lanes },
		{ "pin", say_pin },
		{ "callers-are-hidden", say_hidden },
		{ "person", say_person },
		{ "people", say_crowd_people },
		{ "credential", say_credential },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (streq(verbs[i].verb, w->v[0])) {
			verbs[i].say(w);
			return true;
		}
	}
	return life(w);
}
