/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fetching ahead must never be noticed by anybody: not by people who wait here, not by the
 * server, for which a thousand hosts start in the same minute. So there is one request at
 * a time, only while nothing else is asked for, and a pace at which everybody would take
 * ten minutes, however many were missed and however often the link came back.
 *
 * A timer asks: is there room, is it time, who is next? Nothing else begins a request.
 */
#include "src/unixd/resolver/prefetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"

#define RENEWAL_TTLS  4
#define STORE_AGAIN_S 3600
#define SPREAD_S      INT32_C(600)
#define GROUP_GAP     (1 * CLOCK_S)
#define FIRST_DELAY   (10 * CLOCK_S)
#define BUSY_DELAY    (250 * CLOCK_MS)
/* Lists change without telling us, and a machine that slept wakes up late. */
#define LOOK_AGAIN (60 * CLOCK_S)
/* Beside so many requests of others there is no room for one of ours. */
#define OTHERS_MAX (FLIGHT_BEHIND / 2)

#define NEGATIVE_S   60
#define FAILED_S     60
#define FAILURES_MAX 5
#define PAUSE        (SPREAD_S * CLOCK_S)

int32_t
prefetch_renewal_s(const struct resolver *r)
{
	return (int32_t)resolver_ttl(r) * RENEWAL_TTLS;
}

static int32_t
store_again_s(const struct resolver *r)
{
	int32_t s = prefetch_renewal_s(r) / RENEWAL_TTLS;

	return s < STORE_AGAIN_S ? s : STORE_AGAIN_S;
}

int32_t
prefetch_store_again_s(const struct resolver *r, const char *spn)
{
	return prefetch_find(&r->prefetch, spn) != NULL ? store_again_s(r)
							: STORE_AGAIN_S;
}

int32_t
prefetch_store_group_again_s(const struct resolver *r, const struct cache_group *cg)
{
	size_t i;

	for (i = 0; i < r->prefetch.n_groups; i++) {
		if (cache_group_find(&r->cache, &r->prefetch.groups[i].name) == cg)
			return store_again_s(r);
	}
	return STORE_AGAIN_S;
}

/* Half to one and a half of it. */
static int64_t
jittered(struct resolver *r, int64_t ns)
{
	return ns / 2 + ns / 1024 * (int64_t)(resolver_random(r) % 1024);
}

/* Between two people: renewals of all of them must fit into half of their time. */
static int64_t
gap(const struct resolver *r)
{
	const struct prefetch *p = &r->prefetch;
	int32_t window = prefetch_renewal_s(r) / 2;

	if (p->n_missing > 0 || window > SPREAD_S)
		window = SPREAD_S;
	return window * CLOCK_S / (int64_t)(p->n_people > 0 ? p->n_people : 1);
}

static void
arm(struct resolver *r, int64_t delay)
{
	timers_set(r->ts, &r->prefetch.timer, delay);
}

/* ---- asking ---- */

static bool
is_busy(const struct resolver *r)
{
	const struct flights *fs = &r->flights;

	return r->prefetch.flying || !list_is_empty(&fs->front) ||
	    !list_is_empty(&fs->back) || fs->n_running >= OTHERS_MAX;
}

static bool
send(struct resolver *r, struct flight *f, const char *what, bool is_group)
{
	struct prefetch *p = &r->prefetch;

	if (f == NULL)
		return false;
	f->ahead = true;
	p->flying = true;
	p->out_is_group = is_group;
	(void)snprintf(p->out, sizeof(p->out), "%s", what);
	fetch_pump(r);
	return true;
}

/* The flight of a record, unless it is asked for already. */
static struct flight *
fly_record(struct resolver *r, enum kind kind, const struct uuid *uuid)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(uuid, id);
	if (flight_find(&r->flights, kind, id) != NULL)
		return NULL;
	return fetch_record(r, kind, uuid, false);
}

static struct flight *
fly_words(struct resolver *r, enum kind kind, const char *words)
{
	if (flight_find(&r->flights, kind, words) != NULL)
		return NULL;
	return fetch_id(r, kind, words, false);
}

static bool
send_group(struct resolver *r, struct prefetch_group *g)
{
	struct cache_group *cg = cache_group_find(&r->cache, &g->name);
	int32_t due = g->not_before, renewed;
	struct name words = g->name;

	if (cg != NULL && cg->members_at != CACHE_NEVER) {
		renewed = cg->t.fetched +
		    prefetch_spread(prefetch_renewal_s(r), g->name.text);
		due = renewed > due ? renewed : due;
	}
	if (due > resolver_boot_s(r))
		return false;
	if (cg != NULL)
		return send(r, fly_record(r, KIND_GROUP, &cg->g->uuid), g->name.text,
		    true);
	if (words.kind != NAME_UUID)
		name_strip_domain(&words, r->cache.own_domain);
	return send(r, fly_words(r, KIND_GROUP, words.text), g->name.text, true);
}

static bool
send_a_group(struct resolver *r)
{
	size_t i;

	for (i = 0; i < r->prefetch.n_groups; i++) {
		if (send_group(r, &r->prefetch.groups[i]))
			return true;
	}
	return false;
}

static bool
send_person(struct resolver *r, struct prefetch_item *it)
{
	const char *key = cache_key(&r->cache, it->name, it->spn);
	const struct cache_user *cu = cache_user_by_key(&r->cache, key);
	const int32_t now = resolver_boot_s(r);
	int32_t due;

	if (prefetch_person(r, it, &due) == PREFETCH_NOT || due > now)
		return false;
	if (cu != NULL)
		return now >= cu->t.retry_at &&
		    send(r, fly_record(r, KIND_USER, &cu->u->uuid), it->spn, false);
	if (negative_is_fresh(&r->negative, KIND_USER, key, now)) {
		it->not_before = now + NEGATIVE_S;
		return false;
	}
	return send(r, fly_words(r, KIND_USER, key), it->spn, false);
}

static bool
send_next_person(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;

	if (p->next >= p->n_queue)
		prefetch_survey(r);
	while (p->next < p->n_queue) {
		if (send_person(r, &p->items[p->queue[p->next++].item]))
			return true;
	}
	return false;
}

/* ---- when ---- */

static int64_t
until_next(const struct resolver *r)
{
	const struct prefetch *p = &r->prefetch;
	int64_t delay = p->person_at - r->ts->now.mono_ns;
	int64_t due;

	if (p->next >= p->n_queue) {
		due = (p->next_due - (int64_t)resolver_boot_s(r)) * CLOCK_S;
		delay = due > delay ? due : delay;
	}
	if (delay > LOOK_AGAIN)
		return LOOK_AGAIN;
	return delay > BUSY_DELAY ? delay : BUSY_DELAY;
}

/* Somewhere within the first gap, so that hosts that start together do not ask together. */
static void
begin_pace(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;

	p->person_at = r->ts->now.mono_ns +
	    gap(r) / 1024 * (int64_t)(resolver_random(r) % 1024);
}

static void
look(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;

	if (prefetch_adopt_lists(r)) {
		prefetch_survey(r);
		if (p->person_at == 0 && p->n_people > 0)
			begin_pace(r);
	}
	if (send_a_group(r)) {
		arm(r, jittered(r, GROUP_GAP));
		return;
	}
	if (r->ts->now.mono_ns >= p->person_at && send_next_person(r))
		p->person_at = r->ts->now.mono_ns + jittered(r, gap(r));
	arm(r, until_next(r));
}

static void
on_timer(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, prefetch.timer);
	int64_t pause = r->prefetch.pause_until - r->ts->now.mono_ns;

	if (!link_is_online(&r->link))
		return; /* prefetch_link_is_up() */
	if (r->link.state != LINK_ONLINE)
		arm(r, GROUP_GAP);
	else if (pause > 0)
		arm(r, pause);
	else if (is_busy(r))
		arm(r, BUSY_DELAY);
	else
		look(r);
}

void
prefetch_link_is_up(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;

	if (p->n_groups == 0)
		return;
	p->failures = 0;
	p->pause_until = 0;
	if (p->person_at != 0 && p->person_at < r->ts->now.mono_ns)
		begin_pace(r);
	arm(r, jittered(r, FIRST_DELAY / 2));
}

/* ---- what came of it ---- */

static void
count_failure(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;

	p->failures++;
	if (p->failures < FAILURES_MAX)
		return;
	if (p->failures == FAILURES_MAX)
		log_warn("prefetch: stopped after %u failures in a row, tried again "
			 "every %" PRIi32 " s",
		    p->failures, SPREAD_S);
	p->pause_until = r->ts->now.mono_ns + PAUSE;
}

static void
group_landed(struct resolver *r, enum landing how)
{
	const int32_t now = resolver_boot_s(r);
	struct prefetch *p = &r->prefetch;
	size_t i;

	for (i = 0; i < p->n_groups; i++) {
		struct prefetch_group *g = &p->groups[i];

		if (!streq(g->name.text, p->out))
			continue;
		if (how == LANDED_NOT) {
			g->not_before = now + FAILED_S;
			continue;
		}
		g->absent = cache_group_find(&r->cache, &g->name) == NULL;
		g->not_before = g->absent ? now + prefetch_renewal_s(r) : now;
	}
}

void
prefetch_landed(struct resolver *r, const struct flight *f, enum landing how)
{
	const int32_t now = resolver_boot_s(r);
	struct prefetch *p = &r->prefetch;
	struct prefetch_item *it;
	int32_t due;

	(void)f;
	p->flying = false;
	if (how == LANDED)
		p->failures = 0;
	else
		count_failure(r);
	if (p->out_is_group) {
		group_landed(r, how);
		return;
	}
	it = prefetch_find(p, p->out);
	if (it == NULL)
		return;
	if (how == LANDED_NOT)
		it->not_before = now + FAILED_S;
	else if (prefetch_person(r, it, &due) == PREFETCH_MISSING)
		it->not_before = now + prefetch_renewal_s(r);
}

/* ---- life ---- */

static void
take_groups(struct resolver *r)
{
	const struct config *c = r->config;
	char *const *names = c->prefetch_groups != NULL ? c->prefetch_groups
							: c->pam_allowed_login_groups;
	struct prefetch *p = &r->prefetch;
	size_t n = 0;

	p->max = c->prefetch_max < PREFETCH_PEOPLE ? c->prefetch_max : PREFETCH_PEOPLE;
	while (names != NULL && names[n] != NULL)
		n++;
	p->groups = xcalloc(n + 1, sizeof(*p->groups));
	p->n_groups = 0;
	for (; n > 0; n--, names++) {
		struct prefetch_group *g = &p->groups[p->n_groups];

		if (name_parse(*names, strlen(*names), &g->name) == 0)
			p->n_groups++;
	}
}

void
prefetch_init(struct resolver *r)
{
	timer_init(&r->prefetch.timer, on_timer);
	take_groups(r);
}

void
prefetch_deinit(struct resolver *r)
{
	timers_unset(r->ts, &r->prefetch.timer);
	prefetch_forget_lists(&r->prefetch);
	free(r->prefetch.groups);
	r->prefetch.groups = NULL;
	r->prefetch.n_groups = 0;
}

void
prefetch_reconfigure(struct resolver *r)
{
	prefetch_deinit(r);
	take_groups(r);
	if (r->prefetch.n_groups > 0 && link_is_online(&r->link))
		arm(r, jittered(r, GROUP_GAP));
}
