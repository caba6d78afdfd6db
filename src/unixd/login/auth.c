/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One password, one deadline, one answer.
 *
 * Who is it? Then, side by side: the server is asked, and when it stays silent for a moment
 * (or the link is not good) the cached credential is verified. judge.c says after every
 * event whether that makes an answer; time is an event like the others:
 *
 *	asked + 300 ms		the server is silent: verify the cached credential, too
 *	deadline - 100 ms	the server is not waited for any longer
 *	deadline		nothing is
 *
 * The conversation may be over for the person and not for us: what the server says later is
 * still learnt from, so the object lives until the server has spoken. A caller who leaves
 * changes nothing but that nobody is told.
 */
#include "src/unixd/login/auth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ku/wire.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/login/behind.h"
#include "src/unixd/login/check.h"
#include "src/unixd/login/credential.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/login/judge.h"
#include "src/unixd/login/pace.h"
#include "src/unixd/model/model.h"
#include "src/unixd/resolver/resolver.h"

struct auth {
	struct login_call call;
	login_auth_fn fn; /* NULL: answered, or nobody waits */
	void *arg;
	bool inside; /* login_auth() has not returned yet */
	bool over;   /* freed when it does */
	struct secret *password;

	/* mono ns */
	int64_t known_at;   /* we know who it is */
	int64_t asked_at;   /* the server */
	int64_t cache_from; /* the cached credential */
	int64_t late_at;
	int64_t end_at;
	struct timer clock; /* late_at, then end_at */
	struct timer look;  /* silence */
	struct timer again; /* the soft lock ends */
	struct timer paced; /* decided; the answer waits for its time */

	struct waiter *who;
	bool has_who; /* the resolver answered from inside */
	uint16_t who_status;
	bool hidden;
	bool valid;
	struct uuid uuid;
	int64_t record_age_s;
	int64_t record_at; /* mono ns */
	char name[NAME_MAX_TEXT + 1];

	enum heard heard;
	bool out; /* a request is at the server */
	bool asked_again;
	struct user *user;
	enum cached cached;
	unsigned seconds;
	struct check_user check;
	uint32_t version;
	struct ruling ruling;
	bool decided;
};

static void settle(struct auth *a);

static int64_t
now(const struct auth *a)
{
	return a->call.l->ts->now.mono_ns;
}

static struct auth *
of_call(struct login_call *c)
{
	return container_of(c, struct auth, call);
}

/* ---- the end ---- */

static void
unset_all(struct auth *a)
{
	struct timers *ts = a->call.l->ts;

	timers_unset(ts, &a->clock);
	timers_unset(ts, &a->look);
	timers_unset(ts, &a->again);
	timers_unset(ts, &a->paced);
}

static void
destroy(struct auth *a)
{
	if (a->user != NULL)
		user_unref(a->user);
	secret_free(a->password);
	free(a);
}

/* Unless something is still to come: our own answer, or the server's. */
static void
finish(struct auth *a)
{
	if (a->out || timer_is_set(&a->paced) || !a->decided)
		return;
	unset_all(a);
	check_leave(a->call.l, &a->check, false);
	login_call_end(&a->call);
	if (a->inside)
		a->over = true;
	else
		destroy(a);
}

static struct behind_hint
hint_of(const struct auth *a)
{
	return (struct behind_hint){ a->cached, a->version };
}

/* Behind the answer: what the server's verdict teaches. */
static void
learn(struct auth *a)
{
	struct login *l = a->call.l;

	switch (a->heard) {
	case HEARD_ACCEPTED:
		if (a->user != NULL)
			resolver_learn_login(l->ports.resolver, TAKE_PTR(a->user));
		behind_accepted(l, &a->uuid, a->name, TAKE_PTR(a->password), hint_of(a));
		return;
	case HEARD_DENIED:
	case HEARD_LOCKED:
	case HEARD_GONE:
		if (!a->out)
			behind_denied(l, &a->uuid, a->name, TAKE_PTR(a->password),
			    hint_of(a));
		return;
	case HEARD_NOT_ASKED:
	case HEARD_SILENT:
	case HEARD_TROUBLE:
	case HEARD_N:
		break;
	}
	if (!a->out)
		a->password = secret_free(a->password);
}

static void
answer(struct auth *a)
{
	login_auth_fn fn = TAKE_PTR(a->fn);

	auth_log(a->call.l, &a->call.q,
	    &(struct auth_line){ .name = a->name,
		.ruling = &a->ruling,
		.seconds = a->seconds,
		.record_age_s = a->record_age_s + (now(a) - a->record_at) / CLOCK_S,
		.uuid = &a->uuid });
	if (fn != NULL)
		fn(a->arg, a->ruling.status, a->ruling.verdict,
		    a->ruling.verdict == KU_AUTH_WAIT ? a->seconds : 0);
	learn(a);
	finish(a);
}

static void
on_paced(struct timer *t)
{
	answer(container_of(t, struct auth, paced));
}

static bool
is_success(const struct ruling *r)
{
	return r->status == KU_ST_OK &&
	    (r->verdict == KU_AUTH_OK || r->verdict == KU_AUTH_OK_CACHED);
}

/* When this failure is to be known. Nothing is held up that has waited for the deadline. */
static int64_t
paced_at(struct auth *a, const struct pace *ring, int64_t from, bool worked)
{
	int64_t spent = worked ? (now(a) - from) / CLOCK_MS : PACE_NO_WORK, at;

	at = from +
	    pace_hold(ring, spent, login_random(a->call.l), now(a) / CLOCK_S) * CLOCK_MS;
	return at < a->end_at ? at : a->end_at;
}

static void
decide(struct auth *a, struct ruling r, int64_t at)
{
	a->ruling = r;
	a->decided = true;
	unset_all(a);
	if (at > now(a))
		timers_set(a->call.l->ts, &a->paced, at - now(a));
	else
		answer(a);
}

static int64_t
time_of(struct auth *a, const struct ruling *r)
{
	struct login *l = a->call.l;

	if (is_success(r) || (r->status == KU_ST_BUSY && now(a) >= a->end_at))
		return 0;
	if (r->by_cache)
		return paced_at(a, &l->pace_offline, a->cache_from,
		    a->cached == CACHED_REJECTS);
	return paced_at(a, &l->pace_online, a->known_at, true);
}

static void
conclude(struct auth *a, struct ruling r)
{
	struct login *l = a->call.l;
	bool late = a->heard == HEARD_SILENT && a->out;

	check_leave(l, &a->check,
	    r.by_cache && (a->cached == CACHED_ACCEPTS || a->cached == CACHED_REJECTS));
	decide(a, r, time_of(a, &r));
	if (late)
		resolver_login_was_late(l->ports.resolver);
}

/* Nobody is known by that name, or not now, or it is none of the caller's business. */
static void
refuse(struct auth *a, uint16_t status)
{
	struct login *l = a->call.l;
	const struct pace *ring = resolver_link_mode(l->ports.resolver) == MODE_OFFLINE
	    ? &l->pace_offline
	    : &l->pace_online;
	bool at_once = status == KU_ST_LOCAL || status == KU_ST_DENIED;

	decide(a, (struct ruling){ .status = status },
	    at_once ? 0 : paced_at(a, ring, now(a), false));
}

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
		    (uint32_t)((now(a) - a->cache_from) / CLOCK_MS), now(a) / CLOCK_S);
	settle(a);
}

static void
ask_cache(struct auth *a)
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
	a->cache_from = now(a);
	a->check.fn = on_checked;
	a->cached = check_want(a->call.l, &want, &a->check, &a->seconds);
}

/* ---- the server ---- */

static void ask_server(struct auth *a);

static void
on_again(struct timer *t)
{
	struct auth *a = container_of(t, struct auth, again);

	a->asked_again = true;
	ask_server(a);
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
	int64_t until;
	unsigned n;

	n = c != NULL ? cred_denied_today(c, l->ts->now.wall_ns / CLOCK_S) : 0;
	if (!a->valid || a->asked_again || n == 0)
		return false;
	until = c->denied_at + guess_soft_lock_s(n) * CLOCK_S;
	if (a->asked_at >= until)
		return false;
	until += LOCK_MARGIN_MS * CLOCK_MS;
	if (until + LOCK_ANSWER_MS * CLOCK_MS > a->late_at)
		return false;
	timers_set(l->ts, &a->again, until > now(a) ? until - now(a) : 0);
	return true;
}

/* One more that the server counts, unless it was locked anyhow. */
static void
note_denied(struct auth *a)
{
	struct login *l = a->call.l;
	struct cred *c = creds_get(&l->creds, &a->uuid);
	int64_t wall_s = l->ts->now.wall_ns / CLOCK_S;
	unsigned n = cred_denied_today(c, wall_s);

	c->refused = true;
	if (a->hidden) {
		(void)guess_count(&c->hidden, l->ts->now.boot_ns);
		keep_cred(l, c);
	}
	if (n > 0 && a->asked_at < c->denied_at + guess_soft_lock_s(n) * CLOCK_S)
		return;
	c->denied = n + 1;
	c->denied_day = wall_s / 86400;
	c->denied_at = now(a);
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
		learn(a);
	finish(a);
}

static void
hear(struct auth *a, enum heard h)
{
	struct login *l = a->call.l;
	uint32_t took_ms = (uint32_t)((now(a) - a->asked_at) / CLOCK_MS);

	if (h == HEARD_TROUBLE && a->heard == HEARD_LOCKED)
		h = HEARD_DENIED;
	if (h == HEARD_ACCEPTED) {
		pace_note(&l->pace_online, took_ms, now(a) / CLOCK_S);
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
	settle(a);
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
		destroy(a);
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

static void
ask_server(struct auth *a)
{
	struct login *l = a->call.l;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&a->uuid, id);
	a->asked_at = now(a);
	a->out = true;
	if (a->heard != HEARD_LOCKED)
		a->heard = HEARD_SILENT;
	idp_auth(l->ports.idp, id, a->password,
	    (int)((a->end_at - now(a)) / CLOCK_MS) + LEARN_MS, on_answer, a);
}

/* ---- events ---- */

static enum moment
moment(const struct auth *a)
{
	if (now(a) >= a->end_at)
		return MOMENT_END;
	return now(a) >= a->late_at ? MOMENT_LATE : MOMENT_EARLY;
}

/* Something has changed: is there an answer? */
static void
settle(struct auth *a)
{
	struct ruling r;

	if (a->decided)
		return;
	a->cached = check_now(a->call.l, &a->uuid, a->cached, a->version);
	r = judge_login(a->heard, a->cached, moment(a));
	if (r.wait && r.by_cache) {
		ask_cache(a);
		r = judge_login(a->heard, a->cached, moment(a));
	}
	if (!r.wait)
		conclude(a, r);
}

static void
on_clock(struct timer *t)
{
	struct auth *a = container_of(t, struct auth, clock);

	if (now(a) < a->end_at)
		timers_set(a->call.l->ts, &a->clock, a->end_at - now(a));
	if (a->who != NULL) {
		resolver_cancel(TAKE_PTR(a->who));
		refuse(a, KU_ST_UNAVAIL);
		return;
	}
	settle(a);
}

/* Silence. The link may have been given up meanwhile: then nobody waits for it. */
static void
on_look(struct timer *t)
{
	struct auth *a = container_of(t, struct auth, look);
	struct login *l = a->call.l;

	timers_set(l->ts, &a->look, LOOK_MS * CLOCK_MS);
	if (a->heard == HEARD_SILENT &&
	    resolver_link_mode(l->ports.resolver) == MODE_OFFLINE)
		a->heard = HEARD_TROUBLE;
	ask_cache(a);
	settle(a);
}

static void
on_nudged(void *arg)
{
	(void)arg;
}

/* As a lookup of an unknown name does: perhaps it is back. */
static void
nudge_link(struct login *l)
{
	if (l->nudged_at != 0 && l->ts->now.mono_ns - l->nudged_at < NUDGE_S * CLOCK_S)
		return;
	l->nudged_at = l->ts->now.mono_ns;
	(void)resolver_probe(l->ports.resolver, 0, on_nudged, NULL);
}

/* ---- who ---- */

/* 0, or the seconds this caller, of whom nothing is known, has to wait. */
static unsigned
hidden_wait_s(struct auth *a)
{
	struct login *l = a->call.l;
	struct cred *c = creds_get(&l->creds, &a->uuid);
	int64_t boot = l->ts->now.boot_ns, left;
	unsigned wait = guess_left_s(&c->hidden, boot);

	left = c->hidden_at != 0 ? c->hidden_at + HIDDEN_S * CLOCK_S - boot : 0;
	if (wait == 0 && left > 0)
		wait = (unsigned)((left + CLOCK_S - 1) / CLOCK_S);
	if (wait == 0)
		c->hidden_at = boot;
	return wait;
}

static void
judge_password(struct auth *a)
{
	struct login *l = a->call.l;
	enum link_mode mode = resolver_link_mode(l->ports.resolver);

	a->known_at = now(a);
	if (a->hidden && (a->seconds = hidden_wait_s(a)) > 0) {
		decide(a, (struct ruling){ .verdict = KU_AUTH_WAIT },
		    paced_at(a, &l->pace_online, now(a), false));
		return;
	}
	if (mode == MODE_OFFLINE) {
		nudge_link(l);
		ask_cache(a);
	} else {
		ask_server(a);
		if (mode != MODE_ONLINE)
			ask_cache(a);
		timers_set(l->ts, &a->look, SILENCE_MS * CLOCK_MS);
	}
	settle(a);
}

static void
take_view(struct auth *a, enum answer answer, const struct account_view *v)
{
	struct login *l = a->call.l;

	a->has_who = true;
	a->who_status = account_status(l, a->call.q.caller, answer, v);
	if (a->who_status != KU_ST_OK)
		return;
	a->hidden = caller_judge(l, a->call.q.caller, v->uid) == CALLER_HIDDEN;
	a->valid = v->user->valid;
	a->uuid = v->user->uuid;
	a->record_age_s = v->age_s;
	a->record_at = now(a);
	snprintf(a->name, sizeof(a->name), "%s", v->user->spn);
}

static void
go_on(struct auth *a)
{
	if (a->who_status == KU_ST_OK)
		judge_password(a);
	else
		refuse(a, a->who_status);
}

static void
on_now(void *arg, enum answer answer, const struct account_view *v)
{
	take_view(arg, answer, v);
}

static void
on_who(void *arg, enum answer answer, const struct account_view *v)
{
	struct auth *a = arg;

	take_view(a, answer, v);
	if (a->who == NULL)
		return; /* from inside */
	a->who = NULL;
	go_on(a);
}

static void
find_out_who(struct auth *a)
{
	struct resolver *r = a->call.l->ports.resolver;

	resolver_account_now(r, &a->call.q.name, on_now, a);
	if (a->who_status == KU_ST_UNAVAIL) {
		a->has_who = false;
		a->who = resolver_account(r, &a->call.q.name, false,
		    (int)((a->late_at - now(a)) / CLOCK_MS), on_who, a);
		if (!a->has_who)
			return;
	}
	go_on(a);
}

/* ---- calls ---- */

static void
drop(struct login_call *c)
{
	struct auth *a = of_call(c);

	a->fn = NULL;
	if (!c->l->closing && a->who == NULL && !timer_is_set(&a->paced))
		return; /* it goes on by itself */
	resolver_cancel(TAKE_PTR(a->who));
	unset_all(a);
	a->decided = true;
	if (!c->l->closing) {
		learn(a);
		finish(a);
		return;
	}
	check_leave(c->l, &a->check, false);
	login_call_end(c);
	c->l = NULL;
	a->password = secret_free(a->password);
	if (!a->out)
		destroy(a);
}

static void
set_clock(struct auth *a)
{
	const struct login *l = a->call.l;
	int64_t deadline = l->config->auth_deadline_ms * CLOCK_MS;
	int64_t margin = LATE_MS * CLOCK_MS;

	timer_init(&a->clock, on_clock);
	timer_init(&a->look, on_look);
	timer_init(&a->again, on_again);
	timer_init(&a->paced, on_paced);
	a->end_at = now(a) + deadline;
	a->late_at = a->end_at - (deadline > 2 * margin ? margin : deadline / 2);
	timers_set(l->ts, &a->clock, a->late_at - now(a));
}

struct login_call *
login_auth(struct login *l, const struct login_request *q, struct secret *password,
    login_auth_fn fn, void *arg)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	a->fn = fn;
	a->arg = arg;
	a->password = password;
	if (password == NULL || !login_call_begin(l, &a->call, LOGIN_AUTH, q, drop)) {
		destroy(a);
		fn(arg, KU_ST_BUSY, 0, 0);
		return NULL;
	}
	set_clock(a);
	a->inside = true;
	find_out_who(a);
	a->inside = false;
	if (a->over) {
		destroy(a);
		return NULL;
	}
	return a->fn != NULL ? &a->call : NULL;
}
