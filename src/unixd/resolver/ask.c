/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting. A question that memory cannot answer becomes a waiter on a flight, with its own
 * deadline. Whatever ends the wait (the answer, a failure, the deadline), the question is
 * put again to what is known then; there is no second way to an answer.
 */
#include <stdlib.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"
#include "src/unixd/store/store.h"

#define MAX_FLOWN  3
#define LATE_AFTER (250 * CLOCK_MS)

static int
budget_left_ms(const struct waiter *w)
{
	int64_t left = (w->budget_at - w->r->ts->now.mono_ns) / CLOCK_MS;

	return left > 0 ? (int)left : 0;
}

static void
attach(struct waiter *w, const struct step *s)
{
	w->flight = s->flight;
	w->waits_for_link = s->for_link && s->flight->state == FLIGHT_QUEUED;
	list_append(&s->flight->waiters, &w->link);
	timers_set(w->r->ts, &w->timer, s->wait_ms * CLOCK_MS);
}

static void
detach(struct waiter *w)
{
	list_remove(&w->link);
	timers_unset(w->r->ts, &w->timer);
	w->flight = NULL;
}

/* Leaves the flight. One that has not begun and that nobody waits for any more is given up:
 * a guesser's thousand names must not stand in the queue of a server that hangs, and of old
 * records only so many. */
static void
leave(struct waiter *w)
{
	struct flight *f = w->flight;
	struct resolver *r = w->r;

	detach(w);
	if (f == NULL || f->state != FLIGHT_QUEUED || f->wanted ||
	    !list_is_empty(&f->waiters) ||
	    (f->of_record && r->flights.n <= FLIGHT_UNASKED))
		return;
	flight_land(&r->flights, f);
	flight_free(f);
}

static void
finish(struct waiter *w, const struct step *s)
{
	struct question q = w->q;
	struct resolver *r = w->r;

	leave(w);
	r->flights.n_waiters--;
	free(w);
	answer_question(r, &q, s);
}

static void
give_up(struct waiter *w)
{
	struct name buf;
	struct step s = { .answer = ANSWER_UNAVAIL };

	if (w->q.kind < ASK_PROBE)
		lookup_settle(w->r, &w->q, &s, &buf);
	finish(w, &s);
}

static void
on_deadline(struct timer *t)
{
	struct waiter *w = container_of(t, struct waiter, timer);
	const struct flight *f = w->flight;
	struct resolver *r = w->r;
	bool late;

	late = f != NULL && f->state == FLIGHT_ASKED &&
	    r->ts->now.mono_ns - f->begun >= LATE_AFTER;
	give_up(w);
	if (late)
		linkctl_do(r, link_trouble(&r->link, r->ts->now.mono_ns, NULL));
}

void
ask_landed(struct resolver *r, struct list *waiters, enum landing how)
{
	uid_t before = r->flights.asker;

	while (!list_is_empty(waiters)) {
		struct waiter *w = container_of(waiters->next, struct waiter, link);
		struct name buf;
		struct step s;

		if (how == LANDED_NOT || w->q.kind >= ASK_PROBE ||
		    ++w->flown >= MAX_FLOWN) {
			give_up(w);
			continue;
		}
		r->flights.asker = w->asker;
		lookup_consider(r, &w->q, budget_left_ms(w), &s, &buf);
		r->flights.asker = before;
		if (s.flight != NULL && s.wait_ms > 0) {
			detach(w);
			attach(w, &s);
		} else if (s.flight != NULL) {
			give_up(w);
		} else {
			finish(w, &s);
		}
	}
}

void
ask_link_is_back(struct resolver *r, struct flight *f)
{
	struct list *it;

	list_for_each(it, &f->waiters) {
		struct waiter *w = container_of(it, struct waiter, link);

		if (!w->waits_for_link)
			continue;
		w->waits_for_link = false;
		timers_set(r->ts, &w->timer, budget_left_ms(w) * CLOCK_MS);
	}
}

static struct waiter *
waiter_new(struct resolver *r, const struct question *q, int budget_ms)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->r = r;
	w->q = *q;
	w->asker = r->flights.asker;
	w->budget_at = r->ts->now.mono_ns + budget_ms * CLOCK_MS;
	list_init(&w->link);
	timer_init(&w->timer, on_deadline);
	r->flights.n_waiters++;
	return w;
}

static struct waiter *
ask(struct resolver *r, const struct question *q, int budget_ms)
{
	struct name buf;
	struct waiter *w;
	struct step s;

	linkctl_look_at_clock(r);
	lookup_consider(r, q, budget_ms, &s, &buf);
	if (s.flight != NULL && s.wait_ms > 0 && r->flights.n_waiters < FLIGHT_WAITERS) {
		w = waiter_new(r, q, budget_ms);
		attach(w, &s);
		return w;
	}
	if (s.flight != NULL) {
		bool busy = s.wait_ms > 0;

		lookup_settle(r, q, &s, &buf);
		if (busy && s.answer == ANSWER_UNAVAIL)
			s.answer = ANSWER_BUSY;
	}
	answer_question(r, q, &s);
	return NULL;
}

void
resolver_cancel(struct waiter *w)
{
	if (w == NULL)
		return;
	leave(w);
	w->r->flights.n_waiters--;
	free(w);
}

/* ---- the questions ---- */

void
resolver_asked_by(struct resolver *r, uid_t uid)
{
	r->flights.asker = uid;
}

struct waiter *
resolver_passwd_by_name(struct resolver *r, const struct name *name, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_PASSWD,
		.name = *name,
		.fn.passwd = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

struct waiter *
resolver_passwd_by_uid(struct resolver *r, uint32_t uid, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_PASSWD,
		.by_id = true,
		.id = uid,
		.fn.passwd = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

struct waiter *
resolver_initgroups(struct resolver *r, const struct name *name, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	return resolver_passwd_by_name(r, name, budget_ms, fn, arg);
}

struct waiter *
resolver_group_by_name(struct resolver *r, const struct name *name, int budget_ms,
    resolver_group_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_GROUP,
		.name = *name,
		.fn.group = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

struct waiter *
resolver_group_by_gid(struct resolver *r, uint32_t gid, int budget_ms,
    resolver_group_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_GROUP,
		.by_id = true,
		.id = gid,
		.fn.group = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

struct waiter *
resolver_ssh_keys(struct resolver *r, const struct name *name, int budget_ms,
    resolver_keys_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_KEYS,
		.fresh = true,
		.name = *name,
		.fn.keys = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

struct waiter *
resolver_account(struct resolver *r, const struct name *name, bool fresh, int budget_ms,
    resolver_account_fn fn, void *arg)
{
	const struct question q = { .kind = ASK_ACCOUNT,
		.fresh = fresh,
		.name = *name,
		.fn.account = fn,
		.arg = arg };

	return ask(r, &q, budget_ms);
}

void
resolver_account_now(struct resolver *r, const struct name *name, resolver_account_fn fn,
    void *arg)
{
	const struct question q = { .kind = ASK_ACCOUNT,
		.name = *name,
		.fn.account = fn,
		.arg = arg };
	struct name buf;
	struct step s;

	lookup_settle(r, &q, &s, &buf);
	answer_question(r, &q, &s);
}

struct waiter *
resolver_probe(struct resolver *r, int budget_ms, void (*fn)(void *arg), void *arg)
{
	const struct question q = { .kind = ASK_PROBE, .fn.probe = fn, .arg = arg };
	struct waiter *w;

	linkctl_look_at_clock(r);
	linkctl_proof(r);
	if (budget_ms <= 0 || r->flights.n_waiters >= FLIGHT_WAITERS) {
		fn(arg);
		return NULL;
	}
	w = waiter_new(r, &q, budget_ms);
	list_append(&r->probes, &w->link);
	timers_set(r->ts, &w->timer, budget_ms * CLOCK_MS);
	return w;
}

/* All that was changed before the so-maniest flush is on the disk, where there is one. */
static void
on_flushed(void *arg)
{
	struct step s = { .answer = ANSWER_FOUND };
	struct resolver *r;
	struct flight *none;

	/* A store that closes tells late, perhaps after the resolver has gone. */
	if (!request_end(arg, &r, &none))
		return;
	r->n_flushed++;
	if (!store_keeps(r->ports.store))
		s.answer = ANSWER_UNAVAIL;
	while (!list_is_empty(&r->stored)) {
		struct waiter *w = container_of(r->stored.next, struct waiter, link);

		if ((int32_t)(w->q.id - r->n_flushed) > 0)
			return;
		finish(w, &s);
	}
}

struct waiter *
resolver_stored(struct resolver *r, int budget_ms, void (*fn)(void *arg, bool stored),
    void *arg)
{
	const struct question q = { .kind = ASK_STORED,
		.id = ++r->n_flushes,
		.fn.stored = fn,
		.arg = arg };
	struct waiter *w = waiter_new(r, &q, budget_ms);

	list_append(&r->stored, &w->link);
	timers_set(r->ts, &w->timer, budget_ms * CLOCK_MS);
	store_flush(r->ports.store, on_flushed, request_new(r, NULL));
	return w;
}
