/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The end of a conversation, in this order: it is decided, the answer waits for its time
 * when it is a failure, the answer is given, what it teaches is learnt behind it, and the
 * object goes when the server has spoken, too.
 */
#include <stdlib.h>

#include "ku/wire.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/unixd/login/auth_internal.h"
#include "src/unixd/login/behind.h"
#include "src/unixd/model/model.h"

/* ---- the end ---- */

void
auth_unset(struct auth *a)
{
	struct timers *ts = a->call.l->ts;

	timers_unset(ts, &a->clock);
	timers_unset(ts, &a->look);
	timers_unset(ts, &a->again);
	timers_unset(ts, &a->paced);
}

void
auth_destroy(struct auth *a)
{
	if (a->user != NULL)
		user_unref(a->user);
	secret_free(a->password);
	free(a);
}

/* Unless something is still to come: our own answer, or the server's. */
void
auth_finish(struct auth *a)
{
	if (a->out || timer_is_set(&a->paced) || !a->decided)
		return;
	auth_unset(a);
	check_leave(a->call.l, &a->check, false);
	login_call_end(&a->call);
	if (a->inside)
		a->over = true;
	else
		auth_destroy(a);
}

static struct behind_hint
hint_of(const struct auth *a)
{
	return (struct behind_hint){ a->cached, a->version };
}

/* Behind the answer: what the server's verdict teaches. */
void
auth_learn(struct auth *a)
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
		.record_age_s = a->record_age_s + (auth_now(a) - a->record_at) / CLOCK_S,
		.uuid = &a->uuid });
	if (fn != NULL)
		fn(a->arg, a->ruling.status, a->ruling.verdict,
		    a->ruling.verdict == KU_AUTH_WAIT ? a->seconds : 0);
	auth_learn(a);
	auth_finish(a);
}

void
auth_on_paced(struct timer *t)
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
int64_t
auth_paced_at(struct auth *a, const struct pace *ring, int64_t from, bool worked)
{
	int64_t spent = worked ? (auth_now(a) - from) / CLOCK_MS : PACE_NO_WORK, at;

	at = from +
	    pace_hold(ring, spent, login_random(a->call.l), auth_now(a) / CLOCK_S) *
		CLOCK_MS;
	return at < a->end_at ? at : a->end_at;
}

void
auth_decide(struct auth *a, struct ruling r, int64_t at)
{
	a->ruling = r;
	a->decided = true;
	auth_unset(a);
	if (at > auth_now(a))
		timers_set(a->call.l->ts, &a->paced, at - auth_now(a));
	else
		answer(a);
}

static int64_t
time_of(struct auth *a, const struct ruling *r)
{
	struct login *l = a->call.l;

	if (is_success(r) || (r->status == KU_ST_BUSY && auth_now(a) >= a->end_at))
		return 0;
	if (r->by_cache)
		return auth_paced_at(a, &l->pace_offline, a->cache_from,
		    a->cached == CACHED_REJECTS);
	return auth_paced_at(a, &l->pace_online, a->pace_from, !a->no_work);
}

void
auth_conclude(struct auth *a, struct ruling r)
{
	struct login *l = a->call.l;
	bool late = a->heard == HEARD_SILENT && a->out;

	check_leave(l, &a->check,
	    r.by_cache && (a->cached == CACHED_ACCEPTS || a->cached == CACHED_REJECTS));
	auth_decide(a, r, time_of(a, &r));
	if (late)
		resolver_login_was_late(l->ports.resolver);
}

/* What was never there is refused like what is: after the lock, too, that two quick tries
 * at somebody bring. */
static int64_t
ghost_at(struct auth *a)
{
	struct login *l = a->call.l;
	int64_t from = auth_now(a), wall_s = l->ts->now.wall_ns / CLOCK_S, at;
	struct name name = a->call.q.name;
	struct refused *r;

	name_strip_domain(&name, resolver_own_domain(l->ports.resolver));
	r = refused_ghost(l->ghosts, &name);
	at = refused_again_at(r, wall_s, from, a->late_at);
	if (at > from)
		from = at;
	at = auth_paced_at(a, &l->pace_online, from, false);
	refused_note(r, wall_s, from, at);
	return at;
}

void
auth_refuse(struct auth *a, uint16_t status)
{
	struct login *l = a->call.l;
	bool offline = resolver_link_mode(l->ports.resolver) == MODE_OFFLINE;
	int64_t at = 0;

	if (status == KU_ST_NOTFOUND && !offline)
		at = ghost_at(a);
	else if (status != KU_ST_LOCAL && status != KU_ST_DENIED)
		at = auth_paced_at(a, offline ? &l->pace_offline : &l->pace_online,
		    auth_now(a), false);
	auth_decide(a, (struct ruling){ .status = status }, at);
}
