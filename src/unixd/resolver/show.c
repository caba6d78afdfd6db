/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The map shows what NSS would be told, so that most lookups never reach the daemon. Every
 * change of a record, of the configuration or of the local files comes through here; what
 * may not be shown is taken out. Groups are gathered for a second: a hundred people who are
 * looked up one after another change one list a hundred times. One that is answered does
 * not wait for the others: it is in the map before its asker hears of it.
 */
#include <string.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"

#define GROUPS_DELAY (1 * CLOCK_S)
#define SLICE_NS     (1 * CLOCK_MS)
/* Members; what a small site has is shown at once. */
#define SLICE_LEAST 1024u
#define BETWEEN_NS  (1 * CLOCK_MS)

static uint32_t
fresh_until(const struct cache_times *t)
{
	return t->soft_at > 0 ? (uint32_t)t->soft_at : 0;
}

static void
take_out(struct resolver *r, enum publish_kind kind, uint32_t *published)
{
	if (*published != 0 && r->ports.publish != NULL)
		publish_remove(r->ports.publish, kind, *published);
	*published = 0;
}

void
show_hide_user(struct resolver *r, struct cache_user *cu)
{
	uint32_t uid = cu->published;

	take_out(r, PUBLISH_USER, &cu->published);
	if (uid != 0 && r->ports.publish != NULL)
		publish_remove(r->ports.publish, PUBLISH_GROUP, uid);
}

void
show_hide_group(struct resolver *r, struct cache_group *cg)
{
	take_out(r, PUBLISH_GROUP, &cg->published);
}

static void
show_private(struct resolver *r, struct cache_user *cu)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	const char *key = cache_user_key(cu);

	if (cache_private_group(cu->u) == NULL ||
	    view_judge_private(r, cu) != VERDICT_SHOWN) {
		publish_remove(r->ports.publish, PUBLISH_GROUP, cu->uid);
		return;
	}
	view_private_group(r, cu, &b);
	publish_group(r->ports.publish, &b.gr, &key, 1, fresh_until(&cu->t));
}

void
show_user(struct resolver *r, struct cache_user *cu)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	const char *key;

	if (r->ports.publish == NULL || r->loading)
		return;
	if (view_judge_user(r, cu) != VERDICT_SHOWN) {
		show_hide_user(r, cu);
		return;
	}
	if (cu->published != cu->uid)
		show_hide_user(r, cu);
	view_passwd(r, cu, &b);
	key = cache_user_key(cu);
	publish_user(r->ports.publish, &b.pw, &key, 1, fresh_until(&cu->t));
	cu->published = cu->uid;
	show_private(r, cu);
}

/* A refresh is under way: readers need not ask again for the next seconds. */
void
show_user_asked(struct resolver *r, struct cache_user *cu)
{
	if (r->ports.publish == NULL || cu->published == 0)
		return;
	publish_touch(r->ports.publish, PUBLISH_USER, cu->published,
	    (uint32_t)cu->t.retry_at);
	publish_touch(r->ports.publish, PUBLISH_GROUP, cu->published,
	    (uint32_t)cu->t.retry_at);
}

void
show_group_asked(struct resolver *r, struct cache_group *cg)
{
	if (r->ports.publish != NULL && cg->published != 0)
		publish_touch(r->ports.publish, PUBLISH_GROUP, cg->published,
		    (uint32_t)cg->t.retry_at);
}

static void
show_group(struct resolver *r, struct cache_group *cg)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	const char *key;

	if (view_judge_group(r, cg) != VERDICT_SHOWN) {
		show_hide_group(r, cg);
		return;
	}
	if (cg->published != cg->g->gid)
		show_hide_group(r, cg);
	view_group(r, cg, &b);
	key = cache_key(&r->cache, cg->g->name, cg->g->spn);
	/* Members never learnt: readers ask the socket, which asks the server. */
	publish_group(r->ports.publish, &b.gr, &key, 1,
	    cg->members_at == CACHE_NEVER ? 0 : fresh_until(&cg->t));
	cg->published = cg->g->gid;
}

/* As long as the groups that extend it. */
static uint32_t
mapped_fresh_until(const struct resolver *r, const char *local)
{
	uint32_t until = UINT32_MAX;
	const struct cache_group *cg;
	struct name with;
	size_t i = 0;

	while (mapgroup_with(r, local, &i, &with)) {
		cg = cache_group_find(&r->cache, &with);
		if (cg == NULL || cg->members_at == CACHE_NEVER)
			return 0;
		if (fresh_until(&cg->t) < until)
			until = fresh_until(&cg->t);
	}
	return until;
}

void
show_mapped_now(struct resolver *r, const char *local)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	struct local_group lg;
	const char *key;
	struct name name;

	if (r->ports.publish == NULL || !local_get_group(r->ports.local, local, &lg) ||
	    name_parse(local, strlen(local), &name) != 0)
		return;
	key = name.text;
	if (mapgroup_view(r, name.text, &b))
		publish_group(r->ports.publish, &b.gr, &key, 1,
		    mapped_fresh_until(r, name.text));
	else
		publish_remove(r->ports.publish, PUBLISH_GROUP, lg.gid);
}

/* Local groups that map_group extends. */
static void
show_mapped(struct resolver *r)
{
	size_t i;

	for (i = 0; i < r->config->n_map_group; i++)
		show_mapped_now(r, r->config->map_group[i].local);
}

void
show_group_now(struct resolver *r, struct cache_group *cg)
{
	if (r->ports.publish == NULL || list_is_empty(&cg->dirty))
		return;
	list_remove(&cg->dirty);
	show_group(r, cg);
	show_mapped(r);
	if (cg->to_store)
		show_group_later(r, cg);
}

/* The next group that is due is shown; false: there is none. */
static bool
show_a_due_group(struct resolver *r, size_t *work)
{
	struct cache_group *cg;

	if (list_is_empty(&r->due_groups))
		return false;
	cg = container_of(r->due_groups.next, struct cache_group, dirty);
	list_remove(&cg->dirty);
	*work += 1 + cg->cast.n;
	if (cg->to_store)
		learn_store_group(r, cg);
	if (r->ports.publish != NULL)
		show_group(r, cg);
	return true;
}

static void
show_due_groups(struct resolver *r, int64_t until_ns)
{
	bool any = !list_is_empty(&r->due_groups);
	size_t work = 0;

	while (show_a_due_group(r, &work)) {
		if (work >= SLICE_LEAST && clock_mono_ns() >= until_ns)
			break;
	}
	if (!list_is_empty(&r->due_groups))
		timers_set(r->ts, &r->dirty_timer, BETWEEN_NS);
	else if (any && r->ports.publish != NULL)
		show_mapped(r);
	if (list_is_empty(&r->due_groups))
		sweep_shown(r);
}

void
show_flush_groups(struct resolver *r)
{
	if (list_is_empty(&r->due_groups))
		list_move_all(&r->due_groups, &r->dirty_groups);
	show_due_groups(r, clock_mono_ns() + SLICE_NS);
	if (!list_is_empty(&r->dirty_groups) && !timer_is_set(&r->dirty_timer))
		timers_set(r->ts, &r->dirty_timer, GROUPS_DELAY);
}

void
show_user_stale(struct resolver *r, struct cache_user *cu)
{
	if (r->ports.publish == NULL || cu->published == 0)
		return;
	publish_touch(r->ports.publish, PUBLISH_USER, cu->published, 0);
	publish_touch(r->ports.publish, PUBLISH_GROUP, cu->published, 0);
}

void
show_group_later(struct resolver *r, struct cache_group *cg)
{
	/* One that is due already is made from what is true then. */
	if (list_is_empty(&cg->dirty))
		list_append(&r->dirty_groups, &cg->dirty);
	if (!r->loading && !timer_is_set(&r->dirty_timer))
		timers_set(r->ts, &r->dirty_timer, GROUPS_DELAY);
}

void
show_group_touched(void *r, struct cache_group *cg)
{
	show_group_later(r, cg);
}

/* The canonical name of a configured one; a UUID is what its record is called. */
static bool
except_name(const struct resolver *r, struct name *name)
{
	const struct cache_user *cu;
	const struct cache_group *cg;
	const char *key;

	if (name->kind != NAME_UUID) {
		name_strip_domain(name, r->cache.own_domain);
		return true;
	}
	if ((cu = cache_user_find(&r->cache, name)) != NULL)
		key = cache_user_key(cu);
	else if ((cg = cache_group_find(&r->cache, name)) != NULL)
		key = cache_key(&r->cache, cg->g->name, cg->g->spn);
	else
		return false;
	return name_parse(key, strlen(key), name) == 0;
}

/* Names this host has given to us: listed in allow_local_account_override, or extended. */
void
show_local(struct resolver *r)
{
	size_t n_max = r->filter.n_override + r->config->n_map_group, n = 0, i;
	cleanup_(freep) struct name *names = NULL;
	cleanup_(freep) const char **except = NULL;

	if (r->ports.publish == NULL)
		return;
	names = xcalloc(n_max + 1, sizeof(*names));
	except = xcalloc(n_max + 1, sizeof(*except));
	for (i = 0; i < r->filter.n_override; i++) {
		names[n] = r->filter.override[i];
		n += except_name(r, &names[n]);
	}
	for (i = 0; i < r->config->n_map_group; i++) {
		const char *local = r->config->map_group[i].local;

		n += name_parse(local, strlen(local), &names[n]) == 0;
	}
	for (i = 0; i < n; i++)
		except[i] = names[i].text;
	publish_local(r->ports.publish, r->ports.local, except);
}

static void
all_groups_are_due(struct resolver *r)
{
	struct cache_group *cg;
	size_t pos;

	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		list_remove(&cg->dirty);
		list_append(&r->due_groups, &cg->dirty);
	}
}

void
show_large_groups(struct resolver *r, size_t least)
{
	struct cache_group *cg;
	size_t pos;

	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		if (cg->cast.n < least)
			continue;
		list_remove(&cg->dirty);
		show_group(r, cg);
	}
}

void
show_all_groups(struct resolver *r)
{
	all_groups_are_due(r);
	show_flush_groups(r);
}

void
show_all(struct resolver *r)
{
	struct cache_user *cu;
	size_t pos;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos))
		show_user(r, cu);
	all_groups_are_due(r);
	show_due_groups(r, INT64_MAX);
}
