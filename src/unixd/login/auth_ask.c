/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two who may judge a password, and what becomes of what they say. The server's word
 * comes with two complications: a refusal may mean a soft lock that is over in a moment,
 * and an answer may come when the person has long been let in by the other judge.
 */
#include <stdlib.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/login/auth_internal.h"
#include "src/unixd/model/model.h"

/* ---- the cached credential ---- */

static void
on_checked(struct check_user *u, enum cached result, unsigned seconds)
{
	struct auth *a = container_of(u, struct auth, check);
	struct login *l = a->call.l;

	a->cached = result;
	a->seconds = seconds;
	a->version = u->version;
	if (result == CACHED_ACCEPTS || result == CACHED_REJECTS)
		pace_note(&l->pace_offline,
		    (uint32_t)((auth_now(a) - a->cache_from) / CLOCK_MS),
		    auth_now(a) / CLOCK_S);
	auth_settle(a);
}

void
auth_ask_cache(struct auth *a)
{
	const struct check_want want = {
		.uuid = &a->uuid,
		.password = a->password,
		.valid = a->valid,
		.hidden = a->hidden,
		.deadline_ns = a->end_at,
	};

	if (a->cached != CACHED_NOT_ASKED)
		return;
	a->cache_from = auth_now(a);
	a->check.fn = on_checked;
	a->cached = check_want(a->call.l, &want, &a->check, &a->seconds);
}

/* ---- the server ---- */

/* One that is not valid is not worth asking again; it only waits as long as others. */
void
auth_on_again(struct timer *t)
{
	struct auth *a = container_of(t, struct auth, again);

	a->asked_again = true;
	a->pace_from = auth_now(a);
	if (a->valid) {
		auth_ask_server(a);
		return;
	}
	a->no_work = true;
	a->heard = HEARD_DENIED;
	auth_settle(a);
}

/*
 * A soft-locked account is refused its right password, too, and anybody can bring that
 * about by guessing. When the refusal came while we know of such a lock, and the lock ends
 * in time, the person need not type again.
 */
static bool
is_locked(struct auth *a)
{
	struct login *l = a->call.l;
	const struct cred *c = creds_find(&l->creds, &a->uuid);
	int64_t at;

	if (c == NULL || a->asked_again)
		return false;
	at = refused_again_at(&c->refused, l->ts->now.wall_ns / CLOCK_S, a->asked_at,
	    a->late_at);
	if (at == 0)
		return false;
	timers_set(l->ts, &a->again, at > auth_now(a) ? at - auth_now(a) : 0);
	return true;
}

/* As a guess of this caller's, by the verification that has answered it. */
static bool
is_counted(const struct auth *a)
{
	return a->decided && a->ruling.by_cache && a->cached == CACHED_REJECTS;
}

static void
note_denied(struct auth *a)
{
	struct login *l = a->call.l;
	struct cred *c = creds_get(&l->creds, &a->uuid);

	c->was_refused = true;
	refused_note(&c->refused, l->ts->now.wall_ns / CLOCK_S, a->asked_at, auth_now(a));
	if (!a->hidden || is_counted(a))
		return;
	(void)guess_count(&c->hidden, l->ts->now.boot_ns);
	keep_cred(l, c);
}

static enum heard
heard_of(const struct auth *a, const struct idp_result *res, const struct user *u)
{
	switch (res->class) {
	case IDP_FOUND:
		if (u == NULL)
			return HEARD_DENIED;
		return uuid_equal(&u->uuid, &a->uuid) ? HEARD_ACCEPTED : HEARD_TROUBLE;
	case IDP_NOTFOUND:
		return HEARD_GONE;
	case IDP_UNREACHABLE:
	case IDP_REFUSED:
	case IDP_ERROR:
		break;
	}
	return HEARD_TROUBLE;
}

/* The person has her answer, or is about to get it: this is for us. */
static void
hear_late(struct auth *a, enum heard h)
{
	if (h == HEARD_DENIED)
		note_denied(a);
	if (h != HEARD_TROUBLE)
		a->heard = h;
	if (!timer_is_set(&a->paced))
		auth_learn(a);
	auth_finish(a);
}

static void
hear(struct auth *a, enum heard h)
{
	struct login *l = a->call.l;
	uint32_t took_ms = (uint32_t)((auth_now(a) - a->asked_at) / CLOCK_MS);

	if (h == HEARD_TROUBLE && a->heard == HEARD_LOCKED)
		h = HEARD_DENIED;
	if (h == HEARD_ACCEPTED) {
		pace_note(&l->pace_online, took_ms, auth_now(a) / CLOCK_S);
	} else if (h == HEARD_DENIED) {
		pace_hint(&l->pace_online, took_ms);
		if (is_locked(a))
			h = HEARD_LOCKED;
		else
			note_denied(a);
	}
	if (h == HEARD_LOCKED) {
		check_leave(l, &a->check, false);
		a->cached = CACHED_NOT_ASKED;
		timers_unset(l->ts, &a->look);
	}
	a->heard = h;
	auth_settle(a);
}

static void
on_answer(void *arg, const struct idp_result *res, struct user *u)
{
	struct auth *a = arg;
	struct login *l = a->call.l;
	enum heard h;

	if (l == NULL) {
		if (u != NULL)
			user_unref(u);
		auth_destroy(a);
		return;
	}
	a->out = false;
	h = heard_of(a, res, u);
	if (h == HEARD_ACCEPTED)
		a->user = u;
	else if (u != NULL)
		user_unref(u);
	if (a->decided)
		hear_late(a, h);
	else
		hear(a, h);
	resolver_heard_login(l->ports.resolver, res);
}

void
auth_ask_server(struct auth *a)
{
	struct login *l = a->call.l;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&a->uuid, id);
	a->asked_at = auth_now(a);
	a->out = true;
	if (a->heard != HEARD_LOCKED)
		a->heard = HEARD_SILENT;
	idp_auth(l->ports.idp, id, a->password,
	    (int)((a->end_at - auth_now(a)) / CLOCK_MS) + LEARN_MS, on_answer, a);
}
