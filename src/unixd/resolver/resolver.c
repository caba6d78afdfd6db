/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Putting it together: start from the store, stop, and the commands of the administrator.
 * The cache is complete and published before this returns, so the first question after a
 * start is answered like any other, with or without a server.
 */
#include "src/unixd/resolver/resolver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ku/paths.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"
#include "src/unixd/store/store.h"

#define TTL_MIN 60u
#define TTL_MAX 86400u
/* Older than that is simply old; keeps the arithmetic small. */
#define AGE_MAX_S INT64_C(10000000)

uint32_t
resolver_random(struct resolver *r)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (uint32_t)(r->random >> 32);
}

unsigned
resolver_ttl(const struct resolver *r)
{
	unsigned ttl = r->config->cache_timeout_s;

	if (ttl < TTL_MIN)
		return TTL_MIN;
	return ttl > TTL_MAX ? TTL_MAX : ttl;
}

int64_t
resolver_wall_s(struct resolver *r)
{
	int64_t now = r->ts->now.wall_ns / CLOCK_S;

	if (now > r->wall_seen_s)
		r->wall_seen_s = now;
	return r->wall_seen_s;
}

const char *
resolver_own_domain(const struct resolver *r)
{
	return r->cache.own_domain;
}

/* ---- own domain ---- */

static void
tell_domain(struct resolver *r)
{
	struct publish_settings s;

	if (r->ports.publish == NULL || r->ports.publish_settings == NULL)
		return;
	s = *r->ports.publish_settings;
	s.own_domain = r->cache.own_domain;
	publish_reconfigure(r->ports.publish, &s);
}

void
resolver_check_domain(struct resolver *r)
{
	const struct idp_identity *id = idp_identity(r->ports.idp);

	if (id->domain[0] == '\0' || streq(id->domain, r->cache.own_domain))
		return;
	cache_set_domain(&r->cache, id->domain);
	view_judge_anew(r);
	store_put_value(r->ports.store, STORE_VALUE_DOMAIN, id->domain,
	    strlen(id->domain), NULL, NULL);
	if (r->loading)
		return;
	tell_domain(r);
	show_local(r); /* names listed as SPN go by their short form from now on */
	sweep_rules_changed(r);
}

/* ---- loading ---- */

/* Which domain do most of them have? */
struct poll {
	struct {
		char domain[NAME_MAX_DOMAIN + 1];
		size_t n;
	} seen[6];
	size_t best;
};

static void
poll_add(struct poll *p, const char *spn)
{
	const char *at = strchr(spn, '@');
	size_t k;

	for (k = 0; at != NULL && k < ARRAY_SIZE(p->seen); k++) {
		char *domain = p->seen[k].domain;

		if (domain[0] != '\0' && !streq(domain, at + 1))
			continue;
		(void)snprintf(domain, sizeof(p->seen[k].domain), "%s", at + 1);
		p->seen[k].n++;
		if (p->seen[k].n > p->seen[p->best].n)
			p->best = k;
		return;
	}
}

static void
see_wall(struct resolver *r, const uint8_t blob[8])
{
	uint64_t seen = le32_get(blob) | (uint64_t)le32_get(blob + 4) << 32;

	if (seen < INT64_MAX && (int64_t)seen > r->wall_seen_s)
		r->wall_seen_s = (int64_t)seen;
}

/* What a session of an earlier start has told. */
static void
on_value(void *arg, const char *key, const void *blob, size_t len)
{
	struct resolver *r = arg;
	char probe[NAME_MAX_TEXT + 1] = "x@";
	struct name n;

	if (streq(key, STORE_VALUE_WALL) && len == 8)
		see_wall(r, blob);
	if (!streq(key, STORE_VALUE_DOMAIN) || len == 0 || len > NAME_MAX_DOMAIN)
		return;
	memcpy(probe + 2, blob, len);
	if (name_parse(probe, len + 2, &n) == 0 && n.kind == NAME_SPN)
		cache_set_domain(&r->cache, n.text + n.short_len + 1);
}

/* True when the own domain is among them. */
static bool
load_values(struct resolver *r)
{
	const struct store_secrets sink = { .arg = r, .value = on_value };

	return store_load_secrets(r->ports.store, &sink) == 0 &&
	    r->cache.own_domain[0] != '\0';
}

/* Groups tell, our own and those that people are in: all people of a host may be guests
 * from another domain, their groups here are ours. */
struct polls {
	struct poll groups, people;
};

static void
poll_user(void *arg, struct user *u, int64_t wall_s)
{
	struct polls *p = arg;

	(void)wall_s;
	poll_add(&p->people, u->spn);
	for (uint32_t k = 0; k < u->n_groups; k++) {
		if (!streq(u->groups[k]->spn, u->spn))
			poll_add(&p->groups, u->groups[k]->spn);
	}
	(void)user_unref(u);
}

static void
poll_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	struct polls *p = arg;

	(void)wall_s;
	poll_add(&p->groups, g->spn);
	(void)groupid_unref(g);
	(void)members_unref(m);
}

static void
poll_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	(void)arg, (void)uuid, (void)id, (void)pending;
}

/* Before any session has told us: one more walk through everything, once in the life of
 * a database. */
static void
guess_domain(struct resolver *r)
{
	struct polls p = { 0 };
	const struct store_sink sink = { &p, poll_user, poll_group, poll_id, NULL };
	const char *domain;

	if (store_load(r->ports.store, &sink) < 0)
		return;
	domain = p.groups.seen[p.groups.best].domain;
	if (domain[0] == '\0')
		domain = p.people.seen[p.people.best].domain;
	if (domain[0] != '\0')
		cache_set_domain(&r->cache, domain);
}

/* The clock on the wall may have been anything when the record was written: a time in the
 * future counts as now. Age decides when to ask again, never whether to keep. */
static int32_t
boot_of(struct resolver *r, int64_t wall_s)
{
	int64_t age = resolver_wall_s(r) - wall_s;

	if (age < 0)
		age = 0;
	if (age > AGE_MAX_S)
		age = AGE_MAX_S;
	return resolver_boot_s(r) - (int32_t)age;
}

/* Each of them has an accepted id, and those were first. */
static void
people_come(struct resolver *r)
{
	idtable_loaded(&r->ids);
	cache_expect(&r->cache, r->ids.n);
}

static void
on_load_user(void *arg, struct user *u, int64_t wall_s)
{
	struct resolver *r = arg;

	people_come(r);
	learn_user(r, u, boot_of(r, wall_s));
}

static void
on_load_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	struct resolver *r = arg;

	people_come(r);
	learn_group(r, g, m, boot_of(r, wall_s));
}

static void
on_load_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	struct resolver *r = arg;

	idtable_load(&r->ids, uuid, id, pending);
}

static struct groupid *
find_loaded(void *arg, const struct uuid *uuid)
{
	const struct resolver *r = arg;
	const struct cache_group *cg = cache_group_by_uuid(&r->cache, uuid);

	return cg != NULL ? cg->g : NULL;
}

/*
 * Straight from the disk into the cache, one record at a time: at a hundred thousand people
 * a second copy of everything would be most of what this process ever needs. Accepted ids
 * come first, because they decide what uids people get.
 */
static void
load(struct resolver *r)
{
	const struct model_share share = { find_loaded, r };
	const struct store_sink sink = { r, on_load_user, on_load_group, on_load_id,
		&share };
	int rc;

	r->loading = true;
	if (!load_values(r))
		guess_domain(r);
	resolver_check_domain(r);
	rc = store_load(r->ports.store, &sink);
	if (rc < 0)
		log_warn("store: cannot be read: %s", strerror(-rc));
	idtable_loaded(&r->ids);
	cache_fit(&r->cache);
	r->loading = false;
}

/* ---- life ---- */

static void
on_dirty(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, dirty_timer);

	show_flush_groups(r);
	if (!r->status_dirty)
		return;
	r->status_dirty = false;
	if (r->told_users != cache_n_users(&r->cache))
		resolver_tell(r);
}

void
resolver_tell(struct resolver *r)
{
	r->told_users = cache_n_users(&r->cache);
	if (r->changed != NULL)
		r->changed(r->changed_arg);
}

void
resolver_status_changed(struct resolver *r)
{
	r->status_dirty = true;
	if (!r->loading && !timer_is_set(&r->dirty_timer))
		timers_set(r->ts, &r->dirty_timer, 1 * CLOCK_S);
}

static void
make_filter(struct resolver *r)
{
	const struct resolver_ports *p = &r->ports;

	view_judge_anew(r);
	filter_init(&r->filter, p->local, r->config, r->cache.own_domain,
	    p->uid_map_path != NULL ? p->uid_map_path : "/proc/self/uid_map",
	    p->gid_map_path != NULL ? p->gid_map_path : "/proc/self/gid_map");
}

struct resolver *
resolver_new(const struct resolver_ports *ports, const struct config *config)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	r->ports = *ports;
	r->ts = ports->timers;
	r->config = config;
	cache_init(&r->cache);
	negative_init(&r->negative);
	idtable_init(&r->ids);
	flights_init(&r->flights);
	list_init(&r->requests);
	list_init(&r->probes);
	list_init(&r->stored);
	list_init(&r->dirty_groups);
	list_init(&r->due_groups);
	sweep_init(r);
	leftout_init(&r->leftouts);
	timer_init(&r->dirty_timer, on_dirty);
	shells_init(&r->shells,
	    ports->shells_path != NULL ? ports->shells_path : KU_PATH_ETC_SHELLS);
	if (getrandom(&r->random, sizeof(r->random), GRND_NONBLOCK) < 0 || r->random == 0)
		r->random = (uint64_t)r->ts->now.boot_ns | 1;
	make_filter(r);
	load(r);
	tell_domain(r);
	show_local(r);
	sweep_begin(r, true);
	prefetch_init(r);
	linkctl_start(r);
	return r;
}

struct resolver *
resolver_free(struct resolver *r)
{
	struct flights *fs;

	if (r == NULL)
		return NULL;
	fs = &r->flights;
	linkctl_stop(r);
	/* Answers that are still out find nobody. */
	while (!list_is_empty(&r->requests)) {
		struct request *q = container_of(r->requests.next, struct request, link);

		list_remove(&q->link);
		q->r = NULL;
	}
	fetch_flush(r);
	forget_verdict(r, false);
	while (!list_is_empty(&fs->running))
		fetch_land(r, container_of(fs->running.next, struct flight, place),
		    LANDED_NOT);
	ask_landed(r, &r->probes, LANDED_NOT);
	ask_landed(r, &r->stored, LANDED_NOT);
	timers_unset(r->ts, &r->dirty_timer);
	sweep_deinit(r);
	linkctl_stop(r);
	prefetch_deinit(r);
	leftout_clear(&r->leftouts);
	flights_deinit(fs);
	cache_deinit(&r->cache);
	negative_deinit(&r->negative);
	idtable_deinit(&r->ids);
	filter_deinit(&r->filter);
	shells_deinit(&r->shells);
	free(r->users_order.v);
	free(r->groups_order.v);
	free(r);
	return NULL;
}

/* ---- what changes around us ---- */

static void
forget_published(struct resolver *r)
{
	struct cache_user *cu;
	struct cache_group *cg;
	size_t pos;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos))
		cu->published = 0;
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		cg->published = 0;
}

static void
set_all_times(struct resolver *r)
{
	struct cache_user *cu;
	struct cache_group *cg;
	size_t pos;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos))
		times_set(r, &cu->t, cu->t.fetched);
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		times_set(r, &cg->t, cg->t.fetched);
}

static void
forget_negatives(struct resolver *r)
{
	negative_clear(&r->negative);
	if (r->ports.publish != NULL)
		publish_negatives_clear(r->ports.publish);
}

void
resolver_reconfigure(struct resolver *r, const struct config *config,
    struct publish *publish)
{
	bool another = publish != r->ports.publish;
	unsigned ttl = resolver_ttl(r);

	r->config = config;
	filter_deinit(&r->filter);
	make_filter(r);
	if (another)
		forget_published(r);
	r->ports.publish = publish;
	if (resolver_ttl(r) != ttl)
		set_all_times(r);
	tell_domain(r);
	show_local(r);
	/* As after a start: a new file is complete when it appears. */
	if (another)
		sweep_begin(r, false);
	else
		sweep_rules_changed(r);
	linkctl_lease(r);
	/* Perhaps another server, other certificates, another token: what was denied is
	 * open again, what was proved is not, and the link must show what it is worth. */
	forget_negatives(r);
	r->rights_at = 0;
	leftout_clear(&r->leftouts);
	prefetch_reconfigure(r);
	linkctl_do(r, link_resumed(&r->link, r->ts->now.mono_ns));
	linkctl_fetch_overridden(r);
	resolver_tell(r);
}

void
resolver_local_changed(struct resolver *r)
{
	view_judge_anew(r);
	show_local(r);
	sweep_rules_changed(r);
}

void
resolver_network_changed(struct resolver *r)
{
	linkctl_look_at_clock(r);
	linkctl_do(r, link_network_changed(&r->link, r->ts->now.mono_ns));
}

/* ---- commands ---- */

void
resolver_invalidate(struct resolver *r)
{
	const int32_t now = resolver_boot_s(r);
	struct cache_user *cu;
	struct cache_group *cg;
	size_t pos;

	forget_negatives(r);
	leftout_clear(&r->leftouts);
	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos)) {
		cu->t.soft_at = cu->t.hard_at = cu->t.retry_at = now;
		cu->t.login_ms = 0;
	}
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		cg->t.soft_at = cg->t.hard_at = cg->t.retry_at = now;
	if (r->ports.publish != NULL)
		publish_all_stale(r->ports.publish);
	linkctl_do(r, link_network_changed(&r->link, r->ts->now.mono_ns));
}

void
resolver_clear(struct resolver *r)
{
	forget_negatives(r);
	leftout_clear(&r->leftouts);
	cache_clear(&r->cache);
	r->has_sample = false;
	store_clear(r->ports.store);
	if (r->ports.publish != NULL)
		publish_clear(r->ports.publish);
	show_local(r);
	show_all(r);
	linkctl_lease(r);
	linkctl_do(r, link_network_changed(&r->link, r->ts->now.mono_ns));
	resolver_tell(r);
}

int
resolver_accept_id(struct resolver *r, const struct name *name, uint32_t *ret_old,
    uint32_t *ret_new)
{
	struct cache_user *cu = cache_user_find(&r->cache, name);
	const struct cache_user *other;
	uint32_t before, now;
	struct idrow *row;

	if (cu == NULL)
		return -ENOENT;
	row = idtable_find(&r->ids, &cu->u->uuid);
	if (row == NULL || !idrow_is_pending(row))
		return -EALREADY;
	if (!store_keeps(r->ports.store))
		return -EIO;
	before = row->id;
	now = row->pending;
	idtable_set(&r->ids, &cu->u->uuid, now, now);
	store_put_id(r->ports.store, &cu->u->uuid, now, now);
	store_hurry(r->ports.store);
	log_info("user: uid accepted name=%s old=%" PRIu32 " new=%" PRIu32, cu->u->spn,
	    before, now);
	show_hide_user(r, cu);
	other = cache_user_by_uid(&r->cache, now);
	cache_user_replace(&r->cache, cu, user_ref(cu->u), now,
	    other != NULL && other != cu, show_group_touched, r);
	learn_release_held(r, before);
	show_user(r, cu);
	*ret_old = before;
	*ret_new = now;
	return 0;
}

void
resolver_on_status_change(struct resolver *r, void (*changed)(void *arg), void *arg)
{
	r->changed = changed;
	r->changed_arg = arg;
}

void
resolver_on_forget(struct resolver *r,
    void (*forgotten)(void *arg, const struct uuid *uuid), void *arg)
{
	r->forgotten = forgotten;
	r->forgotten_arg = arg;
}
