/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every request is a timer, every answer is what the play says when that timer comes.
 * Secrets are compared in the clear here: what is tested is who is asked when, and which
 * answer counts.
 */
#include "fakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/model/model.h"
#include "src/unixd/taskq/taskq.h"

struct play play;

struct timers *
loop_timers(struct loop *l)
{
	return &l->ts;
}

const struct clock *
loop_now(struct loop *l)
{
	return &l->ts.now;
}

struct timers *
play_timers(void)
{
	return &play.loop.ts;
}

struct person *
person_find(const char *name)
{
	char id[UUID_TEXT_LEN + 1];
	size_t i;

	for (i = 0; i < play.n_people; i++) {
		struct person *p = play.people[i];

		uuid_format(&p->uuid, id);
		if (streq(p->name, name) || streq(p->spn, name) || streq(id, name))
			return p;
	}
	return NULL;
}

struct user *
person_user(const struct person *p)
{
	struct user u = { .id = p->uid,
		.uuid = p->uuid,
		.valid = p->valid,
		.name = p->name,
		.spn = p->spn,
		.displayname = p->name,
		.n_groups = 1 };
	const struct uuid id = { .b = { 'e' } };
	struct groupid *everybody = groupid_new(&id, 5000, "everybody",
	    "everybody@example.com");
	struct user *copy;

	u.groups = &everybody;
	copy = user_new(&u);
	groupid_unref(everybody);
	return copy;
}

/* ---- server ---- */

struct out {
	struct list link;
	struct timer timer;
	struct person *p;
	char password[600];
	enum server_mood mood;
	idp_auth_fn fn;
	void *arg;
};

static struct list outs = { &outs, &outs };

static bool
accepts(struct out *o)
{
	int64_t now = play_timers()->now.mono_ns;
	struct person *p = o->p;

	if (!p->valid || p->password[0] == '\0')
		return false;
	if (play.soft_lock && now < p->locked_until)
		return false;
	if (streq(p->password, o->password))
		return true;
	p->fails++;
	p->locked_until = now + (p->fails < 3 ? 1 : 3) * CLOCK_S;
	return false;
}

static void
on_out(struct timer *t)
{
	struct out *o = container_of(t, struct out, timer);
	struct idp_result res = { .class = IDP_FOUND, .reason = IDP_OK };
	struct user *u = NULL;
	struct out copy = *o;

	switch (o->mood) {
	case SERVER_OK:
		if (o->p == NULL || o->p->deleted)
			res.class = IDP_NOTFOUND;
		else if (accepts(o))
			u = person_user(o->p);
		break;
	case SERVER_SILENT:
		res.class = IDP_UNREACHABLE;
		res.reason = IDP_TIMED_OUT;
		break;
	case SERVER_TROUBLE:
		res.class = IDP_UNREACHABLE;
		res.reason = IDP_CONN_REFUSED;
		break;
	case SERVER_REFUSES:
		res.class = IDP_REFUSED;
		res.reason = IDP_TOKEN_REFUSED;
		break;
	case SERVER_CONFUSED:
		u = person_user(play.people[play.n_people - 1]);
		break;
	case SERVER_ERROR:
		res.class = IDP_ERROR;
		res.reason = IDP_SERVER_ERROR;
		break;
	}
	list_remove(&o->link);
	free(o);
	copy.fn(copy.arg, &res, u);
}

void
idp_auth(struct idp *p, const char *id, const struct secret *password, int timeout_ms,
    idp_auth_fn fn, void *arg)
{
	struct out *o = xcalloc(1, sizeof(*o));
	int64_t ms = play.server == SERVER_SILENT ? timeout_ms : play.latency_ms;

	(void)p;
	play.asked++;
	o->p = person_find(id);
	memcpy(o->password, password->data, password->len);
	o->mood = play.server;
	if (ms > timeout_ms) {
		ms = timeout_ms;
		o->mood = SERVER_SILENT;
	}
	o->fn = fn;
	o->arg = arg;
	list_append(&outs, &o->link);
	timer_init(&o->timer, on_out);
	timers_set(play_timers(), &o->timer, ms * CLOCK_MS);
}

void
fake_idp_stop(void)
{
	while (!list_is_empty(&outs)) {
		struct out *o = container_of(outs.next, struct out, link);
		struct idp_result res = { .class = IDP_UNREACHABLE,
			.reason = IDP_CANCELLED };

		timers_unset(play_timers(), &o->timer);
		list_remove(&o->link);
		o->fn(o->arg, &res, NULL);
		free(o);
	}
}

/* ---- resolver ---- */

struct waiter {
	struct timer timer;
	struct name name;
	int64_t budget_at;
	resolver_account_fn fn;
	void *arg;
};

static void
tell(const struct person *p, resolver_account_fn fn, void *arg)
{
	struct account_view v = { 0 };
	struct user *u;

	if (p->local) {
		fn(arg, ANSWER_LOCAL, NULL);
		return;
	}
	u = person_user(p);
	v.user = u;
	v.uid = p->uid;
	v.shown = p->name;
	v.key = p->name;
	v.home = "/home/somebody";
	v.age_s = 60;
	fn(arg, ANSWER_FOUND, &v);
	user_unref(u);
}

void
resolver_account_now(struct resolver *r, const struct name *name, resolver_account_fn fn,
    void *arg)
{
	const struct person *p = person_find(name->text);

	(void)r;
	if (p != NULL && (p->cached || p->local))
		tell(p, fn, arg);
	else
		fn(arg, ANSWER_UNAVAIL, NULL);
}

void
resolver_standing(struct resolver *r, const struct name *name,
    struct standing *ret_standing)
{
	const struct person *p = person_find(name->text);

	(void)r;
	*ret_standing = (struct standing){ .kind = STANDING_UNKNOWN, .shell = "/bin/sh" };
	if (play.link != MODE_ONLINE)
		ret_standing->away = "no answer";
	if (p != NULL && p->local)
		ret_standing->kind = STANDING_LOCAL;
	else if (p != NULL && p->cached)
		ret_standing->kind = STANDING_PERSON;
}

static void
on_fetch(struct timer *t)
{
	struct waiter *w = container_of(t, struct waiter, timer);
	struct person *p = person_find(w->name.text);
	struct waiter copy = *w;

	free(w);
	if (play_timers()->now.mono_ns >= copy.budget_at || play.link == MODE_OFFLINE) {
		copy.fn(copy.arg, ANSWER_UNAVAIL, NULL);
		return;
	}
	if (p == NULL || p->deleted) {
		copy.fn(copy.arg, ANSWER_NOTFOUND, NULL);
		return;
	}
	p->cached = true;
	tell(p, copy.fn, copy.arg);
}

struct waiter *
resolver_account(struct resolver *r, const struct name *name, bool fresh, int budget_ms,
    resolver_account_fn fn, void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));
	int64_t ms = play.server == SERVER_SILENT ? budget_ms : play.fetch_ms;

	(void)r;
	(void)fresh;
	w->name = *name;
	w->fn = fn;
	w->arg = arg;
	w->budget_at = play_timers()->now.mono_ns + budget_ms * CLOCK_MS;
	timer_init(&w->timer, on_fetch);
	if (play.link == MODE_OFFLINE) {
		on_fetch(&w->timer);
		return NULL;
	}
	timers_set(play_timers(), &w->timer,
	    (ms < budget_ms ? ms : budget_ms) * CLOCK_MS);
	return w;
}

void
resolver_cancel(struct waiter *w)
{
	if (w == NULL)
		return;
	timers_unset(play_timers(), &w->timer);
	free(w);
}

void
resolver_learn_login(struct resolver *r, struct user *u)
{
	struct person *p = person_find(u->name);

	(void)r;
	if (p != NULL)
		p->learned++;
	user_unref(u);
}

void
resolver_heard_login(struct resolver *r, const struct idp_result *res)
{
	(void)r;
	(void)res;
	play.heards++;
}

void
resolver_login_was_late(struct resolver *r)
{
	(void)r;
	play.lates++;
	if (play.link == MODE_ONLINE)
		play.link = MODE_SUSPECT;
}

enum link_mode
resolver_link_mode(const struct resolver *r)
{
	(void)r;
	return play.link;
}

struct waiter *
resolver_probe(struct resolver *r, int budget_ms, void (*fn)(void *arg), void *arg)
{
	(void)r;
	(void)budget_ms;
	play.probes++;
	fn(arg);
	return NULL;
}

const char *
resolver_own_domain(const struct resolver *r)
{
	(void)r;
	return "example.com";
}

bool
resolver_local_uid(const struct resolver *r, const char *name, uint32_t *ret_uid)
{
	(void)r;
	(void)name;
	(void)ret_uid;
	return false;
}

/* ---- tasks ---- */

bool
taskq_is_connected(const struct taskq *q)
{
	return q != NULL;
}

struct taskq_waiter *
taskq_home(struct taskq *q, const struct taskq_home *home, int budget_ms, taskq_fn fn,
    void *arg)
{
	(void)q;
	(void)home;
	(void)budget_ms;
	fn(arg, TASKQ_NO_TASKS, "");
	return NULL;
}

void
taskq_cancel(struct taskq_waiter *w)
{
	(void)w;
}
