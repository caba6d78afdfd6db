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
#include <stdio.h>
#include <stdlib.h>

#include "ku/wire.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/auth_internal.h"
#include "src/unixd/model/model.h"
#include "src/unixd/resolver/resolver.h"

static struct auth *
of_call(struct login_call *c)
{
	return container_of(c, struct auth, call);
}

/* ---- events ---- */

static enum moment
moment(const struct auth *a)
{
	if (auth_now(a) >= a->end_at)
		return MOMENT_END;
	return auth_now(a) >= a->late_at ? MOMENT_LATE : MOMENT_EARLY;
}

/* Something has changed: is there an answer? */
void
auth_settle(struct auth *a)
{
	struct ruling r;

	if (a->decided)
		return;
	a->cached = check_now(a->call.l, &a->uuid, a->cached, a->version);
	r = judge_login(a->heard, a->cached, moment(a));
	if (r.wait && r.by_cache) {
		auth_ask_cache(a);
		r = judge_login(a->heard, a->cached, moment(a));
	}
	if (!r.wait)
		auth_conclude(a, r);
}

static void
on_clock(struct timer *t)
{
	struct auth *a = container_of(t, struct auth, clock);

	if (auth_now(a) < a->end_at)
		timers_set(a->call.l->ts, &a->clock, a->end_at - auth_now(a));
	if (a->who != NULL) {
		resolver_cancel(TAKE_PTR(a->who));
		auth_refuse(a, KU_ST_UNAVAIL);
		return;
	}
	auth_settle(a);
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
	auth_ask_cache(a);
	auth_settle(a);
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

/* How long the server may be silent before the cached credential is verified: on a slow
 * host less, so that there is time for it and for what the lanes have begun before. */
static int64_t
silence_ns(const struct auth *a)
{
	int64_t spare = a->late_at - auth_now(a) -
	    2 * a->call.l->checks.took_ms * CLOCK_MS;

	if (spare > SILENCE_MS * CLOCK_MS)
		return SILENCE_MS * CLOCK_MS;
	return spare > 0 ? spare : 0;
}

static void
judge_password(struct auth *a)
{
	struct login *l = a->call.l;
	enum link_mode mode = resolver_link_mode(l->ports.resolver);

	a->pace_from = auth_now(a);
	if (a->hidden && (a->seconds = hidden_wait_s(a)) > 0) {
		auth_decide(a, (struct ruling){ .verdict = KU_AUTH_WAIT },
		    auth_paced_at(a, &l->pace_online, auth_now(a), false));
		return;
	}
	if (mode == MODE_OFFLINE) {
		nudge_link(l);
		auth_ask_cache(a);
	} else {
		auth_ask_server(a);
		if (mode != MODE_ONLINE)
			auth_ask_cache(a);
		timers_set(l->ts, &a->look, silence_ns(a));
	}
	auth_settle(a);
}

static void
take_view(struct auth *a, enum answer answer, const struct account_view *v)
{
	struct login *l = a->call.l;

	a->has_who = true;
	a->who_status = account_status(l, a->call.q.caller, answer, v);
	if (a->who_status == KU_ST_OK && (a->call.q.flags & KU_PAM_HOLD) != 0)
		a->who_status = KU_ST_UNAVAIL;
	if (a->who_status != KU_ST_OK)
		return;
	a->hidden = caller_judge(l, a->call.q.caller, v->uid) == CALLER_HIDDEN;
	a->valid = v->user->valid;
	a->uuid = v->user->uuid;
	a->record_age_s = v->age_s;
	a->record_at = auth_now(a);
	(void)snprintf(a->name, sizeof(a->name), "%s", v->user->spn);
}

static void
go_on(struct auth *a)
{
	if (a->who_status == KU_ST_OK)
		judge_password(a);
	else
		auth_refuse(a, a->who_status);
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
		    (int)((a->late_at - auth_now(a)) / CLOCK_MS), on_who, a);
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
	auth_unset(a);
	a->decided = true;
	if (!c->l->closing) {
		auth_learn(a);
		auth_finish(a);
		return;
	}
	check_leave(c->l, &a->check, false);
	login_call_end(c);
	c->l = NULL;
	a->password = secret_free(a->password);
	if (!a->out)
		auth_destroy(a);
}

static void
set_clock(struct auth *a)
{
	const struct login *l = a->call.l;
	int64_t deadline = l->config->auth_deadline_ms * CLOCK_MS;
	int64_t margin = LATE_MS * CLOCK_MS;

	timer_init(&a->clock, on_clock);
	timer_init(&a->look, on_look);
	timer_init(&a->again, auth_on_again);
	timer_init(&a->paced, auth_on_paced);
	a->end_at = auth_now(a) + deadline;
	a->late_at = a->end_at - (deadline > 2 * margin ? margin : deadline / 2);
	timers_set(l->ts, &a->clock, a->late_at - auth_now(a));
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
		auth_destroy(a);
		fn(arg, KU_ST_BUSY, KU_AUTH_DENIED, 0);
		return NULL;
	}
	set_clock(a);
	a->inside = true;
	find_out_who(a);
	a->inside = false;
	if (a->over) {
		auth_destroy(a);
		return NULL;
	}
	return a->fn != NULL ? &a->call : NULL;
}
