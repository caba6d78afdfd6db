/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `monkey N seed=S`: N things happen in an order nobody thought of. Whatever it is,
 * everybody who did not hang up is told exactly once and by the deadline; nobody is let in
 * on a password that the server never accepted for that person, or by a caller who may not
 * ask; nothing is left over when it is quiet.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "script.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define PERSONS   4u
#define PASSWORDS 6u /* the even ones have been right at some time, or will be */
#define TYPED_MAX 100000u

struct typed {
	struct login_call *call;
	int64_t begun, end_at;
	unsigned person, password;
	uid_t caller;
	unsigned right_at_begin; /* the person's password then */
	unsigned life;           /* of the engine */
	unsigned told;
	bool gone;
	bool hidden; /* callers' ids were hidden when it was typed */
};

static uint64_t seed;
static unsigned right[PERSONS];
static bool was_right[PERSONS][PASSWORDS];
static struct typed *typed;
static size_t n_typed;
static unsigned life_now;

static unsigned
dice(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % sides;
}

static void
password_text(unsigned person, unsigned password, char out[48])
{
	snprintf(out, 48, "monkey-%u-%u-word", person, password);
}

static struct person *
person_of(unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "m%u", i);
	return person_find(name);
}

static bool
may_ask(const struct typed *t)
{
	return t->caller == 0 || t->caller == person_of(t->person)->uid ||
	    (t->caller == 65534 && (t->hidden || stage.engine->callers.hides));
}

static void
on_told(void *arg, uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	struct typed *t = arg;
	bool in = status == KU_ST_OK &&
	    (verdict == KU_AUTH_OK || verdict == KU_AUTH_OK_CACHED);

	(void)seconds;
	t->call = NULL;
	if (++t->told != 1 || t->gone)
		script_fail("told %u times, or after hanging up", t->told);
	if (stage_now() > t->end_at)
		script_fail("told after the deadline");
	if (in && !may_ask(t))
		script_fail("caller %u was let in", (unsigned)t->caller);
	if (in && !was_right[t->person][t->password])
		script_fail("in on a password that was never right");
	if (in && verdict == KU_AUTH_OK && t->password != right[t->person] &&
	    t->password != t->right_at_begin)
		script_fail("the server accepted a password that was not right");
}

static void
type(void)
{
	struct typed *t = &typed[n_typed];
	struct login_request q = { .service = "monkey" };
	const struct person *p;
	char text[48];

	if (n_typed == TYPED_MAX)
		return;
	t->person = dice(PERSONS);
	t->password = dice(3) > 0 ? right[t->person] : dice(PASSWORDS);
	p = person_of(t->person);
	t->caller = dice(4) > 0 ? 0 : dice(3) == 0 ? 65534 : dice(2) == 0 ? p->uid : 4711;
	t->begun = stage_now();
	t->end_at = t->begun + stage.config.auth_deadline_ms * CLOCK_MS;
	t->right_at_begin = right[t->person];
	t->life = life_now;
	t->hidden = stage.engine->callers.hides;
	q.caller = t->caller;
	if (name_parse(p->name, strlen(p->name), &q.name) < 0)
		abort();
	password_text(t->person, t->password, text);
	stage_remember(text);
	n_typed++;
	t->call = login_auth(stage.engine, &q, secret_copy(text, strlen(text)), on_told,
	    t);
}

static void
hang_up(void)
{
	size_t i = n_typed > 0 ? n_typed - 1 - dice(n_typed < 8 ? (unsigned)n_typed : 8)
			       : 0;

	if (n_typed == 0 || typed[i].call == NULL || typed[i].life != life_now)
		return;
	typed[i].gone = true;
	login_cancel(TAKE_PTR(typed[i].call));
}

static void
change_password(unsigned i)
{
	char text[48];

	right[i] = dice(PASSWORDS / 2) * 2;
	was_right[i][right[i]] = true;
	password_text(i, right[i], text);
	snprintf(person_of(i)->password, sizeof(person_of(i)->password), "%s", text);
}

static void
restart(void)
{
	size_t i;

	for (i = 0; i < n_typed; i++)
		typed[i].gone |= typed[i].told == 0;
	play.pin_is_new ^= dice(4) == 0;
	play.pin_is_gone = dice(8) == 0;
	stage_stop(dice(2) == 0);
	life_now++;
	stage_start();
}

static void
change_world(void)
{
	switch (dice(9)) {
	case 0:
		play.server = (enum server_mood)dice(SERVER_CONFUSED);
		return;
	case 1:
		play.latency_ms = (int)dice(3500);
		return;
	case 2:
		play.link = (enum link_mode)dice(4);
		return;
	case 3:
		play.disk = dice(3) == 0 ? (enum disk_mood)dice(DISK_UNREADABLE)
					 : DISK_OK;
		play.commit_ms = (int)dice(400);
		return;
	case 4:
		play.kdf_ms = 20 + (int)dice(900);
		return;
	case 5:
		stage.engine->callers.hides = dice(2) == 0;
		return;
	case 6:
		person_of(dice(PERSONS))->valid = dice(4) > 0;
		return;
	case 7:
		person_of(dice(PERSONS))->cached = dice(3) > 0;
		return;
	default:
		play.server = SERVER_OK;
		play.link = MODE_ONLINE;
		play.latency_ms = (int)dice(100);
		return;
	}
}

static void
happen(void)
{
	unsigned what = dice(200);
	int64_t until;

	if (what < 90) {
		type();
	} else if (what < 160) {
		until = stage_now() + dice(what < 150 ? 400 : 6000) * CLOCK_MS;
		while (stage_step(until))
			;
		stage_go_to(until);
	} else if (what < 170) {
		hang_up();
	} else if (what < 190) {
		change_world();
	} else if (what < 195) {
		change_password(dice(PERSONS));
	} else if (what == 195) {
		login_clear(stage.engine);
	} else if (what == 196) {
		login_forget(stage.engine, &person_of(dice(PERSONS))->uuid);
	} else if (what == 197) {
		play.loop.ts.now.wall_ns += (int64_t)dice(200000) * CLOCK_S -
		    90000 * CLOCK_S;
	} else {
		restart();
	}
}

bool
script_monkey(const struct words *w)
{
	int64_t limit;
	long i, n;

	if (!streq(w->v[0], "monkey"))
		return false;
	n = atol(w->v[1]);
	seed = (uint64_t)words_number(w, "seed", 1) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	typed = xcalloc(TYPED_MAX, sizeof(*typed));
	n_typed = 0;
	play.soft_lock = true;
	stage_start();
	for (i = 0; i < (long)PERSONS; i++)
		change_password((unsigned)i);
	for (i = 0; i < n; i++)
		happen();
	limit = stage_now() + 20 * CLOCK_S;
	while (stage_step(limit))
		;
	for (i = 0; i < (long)n_typed; i++) {
		if (typed[i].told == 0 && !typed[i].gone)
			script_fail("number %ld was never told", i);
	}
	if (stage.engine->n_calls != 0)
		script_fail("%zu conversations are left", stage.engine->n_calls);
	free(typed);
	return true;
}
