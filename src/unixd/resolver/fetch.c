/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between flights and the provider. A record we hold is asked for by its UUID, so that a
 * person who was renamed is found and one who was made anew is not taken for the old one;
 * what we do not know is asked for by the words of the question.
 *
 * A failed refresh is not repeated for five seconds: trouble of one entry must not become
 * a request per lookup.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/resolver/internal.h"

#define RETRY_S    5
#define PUMP_DELAY (100 * CLOCK_MS)

struct request *
request_new(struct resolver *r, struct flight *f)
{
	struct request *q = xcalloc(1, sizeof(*q));

	q->r = r;
	q->f = f;
	list_append(&r->requests, &q->link);
	return q;
}

bool
request_end(struct request *q, struct resolver **ret_r, struct flight **ret_f)
{
	*ret_r = q->r;
	*ret_f = q->f;
	list_remove(&q->link);
	free(q);
	return *ret_r != NULL;
}

/* ---- what came back ---- */

static struct cache_times *
times_of(struct resolver *r, const struct flight *f)
{
	struct cache_user *cu;
	struct cache_group *cg;

	if (!f->of_record)
		return NULL;
	if (f->kind == KIND_USER) {
		cu = cache_user_by_uuid(&r->cache, &f->uuid);
		return cu != NULL ? &cu->t : NULL;
	}
	cg = cache_group_by_uuid(&r->cache, &f->uuid);
	return cg != NULL ? &cg->t : NULL;
}

static void
failed(struct resolver *r, struct flight *f, const struct idp_result *res)
{
	struct cache_times *t = times_of(r, f);

	if (t != NULL)
		t->retry_at = resolver_boot_s(r) + RETRY_S;
	fetch_land(r, f, LANDED_NOT);
	if (res->reason == IDP_CANCELLED) {
		timers_set(r->ts, &r->pump_timer, PUMP_DELAY);
		return;
	}
	if (res->class == IDP_ERROR) {
		r->fault = res->reason;
		(void)snprintf(r->fault_detail, sizeof(r->fault_detail), "%s",
		    res->detail);
	} else {
		linkctl_do(r, link_trouble(&r->link, r->ts->now.mono_ns, res));
	}
	fetch_pump(r);
}

static bool
is_found(const struct resolver *r, const struct flight *f)
{
	uint32_t id;

	if (f->id[strspn(f->id, "0123456789")] == '\0') {
		id = (uint32_t)strtoul(f->id, NULL, 10);
		return cache_user_by_uid(&r->cache, id) != NULL ||
		    (f->kind == KIND_GROUP && cache_group_by_gid(&r->cache, id) != NULL);
	}
	return cache_user_by_key(&r->cache, f->id) != NULL ||
	    (f->kind == KIND_GROUP && cache_group_by_key(&r->cache, f->id) != NULL);
}

/* The server has an answer, but on this host it goes by another number (accept-id) or by
 * its SPN only (another domain): what was asked for does not exist here. */
static void
check_words(struct resolver *r, const struct flight *f)
{
	struct uuid uuid;

	if (f->of_record || uuid_parse(f->id, strlen(f->id), &uuid) == 0 ||
	    is_found(r, f))
		return;
	forget_negative(r, f->kind, f->id, f->quiet);
}

static void
arrived(struct resolver *r, struct flight *f)
{
	check_words(r, f);
	r->fault = IDP_OK;
	fetch_land(r, f, LANDED);
	fetch_pump(r);
}

static void
prepare_to_learn(struct resolver *r)
{
	r->rights_at = r->ts->now.mono_ns;
	resolver_check_domain(r);
	linkctl_heard(r);
}

/* An answer without a record: "no such entry", which has to be judged, or trouble. */
static void
brought_nothing(struct resolver *r, struct flight *f, const struct idp_result *res)
{
	if (res->class != IDP_NOTFOUND) {
		failed(r, f, res);
		return;
	}
	linkctl_heard(r);
	forget_judge(r, f);
	fetch_pump(r);
}

static void
on_user(void *arg, const struct idp_result *res, struct user *u)
{
	struct resolver *r;
	struct flight *f;

	if (!request_end(arg, &r, &f)) {
		user_unref(u);
		return;
	}
	if (res->class != IDP_FOUND) {
		brought_nothing(r, f, res);
		return;
	}
	prepare_to_learn(r);
	r->sample = u->uuid;
	r->has_sample = true;
	learn_user(r, u, resolver_boot_s(r));
	arrived(r, f);
}

static void
on_group(void *arg, const struct idp_result *res, struct groupid *g, struct members *m)
{
	struct resolver *r;
	struct flight *f;

	if (!request_end(arg, &r, &f)) {
		groupid_unref(g);
		members_unref(m);
		return;
	}
	if (res->class != IDP_FOUND) {
		brought_nothing(r, f, res);
		return;
	}
	prepare_to_learn(r);
	learn_group(r, g, m, resolver_boot_s(r));
	arrived(r, f);
}

/* ---- asking ---- */

void
fetch_pump(struct resolver *r)
{
	struct request *q;
	struct flight *f;
	int64_t room_in;

	if (!link_is_online(&r->link))
		return;
	while ((f = flight_launch(&r->flights, r->ts->now.mono_ns)) != NULL) {
		ask_link_is_back(r, f);
		q = request_new(r, f);
		if (f->kind == KIND_USER)
			idp_get_user(r->ports.idp, f->id, on_user, q);
		else
			idp_get_group(r->ports.idp, f->id, on_group, q);
	}
	room_in = flight_room_in(&r->flights, r->ts->now.mono_ns);
	if (room_in >= 0)
		timers_set(r->ts, &r->pump_timer, room_in);
}

struct flight *
fetch_id(struct resolver *r, enum kind kind, const char *id, bool foreground)
{
	struct flight *f = flight_find(&r->flights, kind, id);

	if (f == NULL)
		f = flight_new(&r->flights, kind, id, foreground);
	else if (foreground)
		flight_promote(&r->flights, f);
	return f;
}

struct flight *
fetch_record(struct resolver *r, enum kind kind, const struct uuid *uuid, bool foreground)
{
	struct cache_times *t;
	char id[UUID_TEXT_LEN + 1];
	struct flight *f;

	uuid_format(uuid, id);
	f = fetch_id(r, kind, id, foreground);
	if (f == NULL)
		return NULL;
	f->of_record = true;
	f->uuid = *uuid;
	t = times_of(r, f);
	if (t != NULL)
		t->retry_at = resolver_boot_s(r) + RETRY_S;
	return f;
}

void
fetch_user_behind(struct resolver *r, struct cache_user *cu)
{
	if (!link_is_online(&r->link) || resolver_boot_s(r) < cu->t.retry_at)
		return;
	if (fetch_record(r, KIND_USER, &cu->u->uuid, false) == NULL)
		return;
	show_user_asked(r, cu);
	fetch_pump(r);
}

void
fetch_group_behind(struct resolver *r, struct cache_group *cg)
{
	if (!link_is_online(&r->link) || resolver_boot_s(r) < cg->t.retry_at)
		return;
	if (fetch_record(r, KIND_GROUP, &cg->g->uuid, false) == NULL)
		return;
	show_group_asked(r, cg);
	fetch_pump(r);
}

void
fetch_id_behind(struct resolver *r, enum kind kind, const char *id)
{
	if (!link_is_online(&r->link))
		return;
	if (fetch_id(r, kind, id, false) != NULL)
		fetch_pump(r);
}

/* ---- ends ---- */

void
fetch_land(struct resolver *r, struct flight *f, enum landing how)
{
	struct list waiters;

	list_init(&waiters);
	if (f->ahead)
		prefetch_landed(r, f, how);
	flight_land(&r->flights, f);
	while (!list_is_empty(&f->waiters)) {
		struct waiter *w = container_of(f->waiters.next, struct waiter, link);

		list_remove(&w->link);
		list_append(&waiters, &w->link);
		w->flight = NULL;
	}
	flight_free(f);
	ask_landed(r, &waiters, how);
}

void
fetch_flush(struct resolver *r)
{
	struct list queued;

	list_init(&queued);
	list_move_all(&queued, &r->flights.front);
	list_move_all(&queued, &r->flights.back);
	while (!list_is_empty(&queued))
		fetch_land(r, container_of(queued.next, struct flight, place),
		    LANDED_NOT);
}
