/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Enumeration without state in the caller: "the one after uid 2001". A sorted list of
 * numbers is made when a walk begins and kept while it goes on, so that a hundred thousand
 * steps are a hundred thousand binary searches and not as many walks over everything.
 * Records are looked up fresh at each step; who has gone meanwhile is skipped.
 */
#include <stdlib.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"

#define KEPT (60 * CLOCK_S)

static int
compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
order_users(struct resolver *r, struct ids_order *o)
{
	struct cache_user *cu;
	size_t pos;

	o->v = xreallocarray(o->v, cache_n_users(&r->cache) + 1, sizeof(*o->v));
	o->n = 0;
	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos)) {
		if (!cu->held)
			o->v[o->n++] = cu->uid;
	}
}

static void
order_groups(struct resolver *r, struct ids_order *o)
{
	struct local_group lg;
	struct cache_group *cg;
	struct cache_user *cu;
	size_t pos, i;

	o->v = xreallocarray(o->v,
	    cache_n_users(&r->cache) + cache_n_groups(&r->cache) +
		r->config->n_map_group + 1,
	    sizeof(*o->v));
	o->n = 0;
	for (i = 0; i < r->config->n_map_group; i++) {
		if (local_get_group(r->ports.local, r->config->map_group[i].local, &lg))
			o->v[o->n++] = lg.gid;
	}
	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos)) {
		if (!cu->held && cache_private_group(cu->u) != NULL)
			o->v[o->n++] = cu->uid;
	}
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		o->v[o->n++] = cg->g->gid;
}

static void
prepare(struct resolver *r, struct ids_order *o, bool started,
    void (*order)(struct resolver *r, struct ids_order *o))
{
	if (!started || o->v == NULL) {
		order(r, o);
		qsort(o->v, o->n, sizeof(*o->v), compare_u32);
	}
	o->used_at = r->ts->now.mono_ns;
}

/* Index of the first number above `after`. */
static size_t
above(const struct ids_order *o, bool started, uint32_t after)
{
	size_t low = 0, high = o->n;

	while (started && low < high) {
		size_t mid = low + (high - low) / 2;

		if (o->v[mid] <= after)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
resolver_passwd_next(struct resolver *r, bool started, uint32_t after,
    resolver_passwd_fn fn, void *arg)
{
	struct ids_order *o = &r->users_order;
	size_t i;

	prepare(r, o, started, order_users);
	for (i = above(o, started, after); i < o->n; i++) {
		cleanup_(view_buf_done) struct view_buf b = { 0 };
		const struct cache_user *cu = cache_user_by_uid(&r->cache, o->v[i]);

		if (cu == NULL || view_judge_user(r, cu) != VERDICT_SHOWN)
			continue;
		view_passwd(r, cu, &b);
		fn(arg, ANSWER_FOUND, &b.pw);
		return;
	}
	fn(arg, ANSWER_NOTFOUND, NULL);
}

static bool
view_gid(struct resolver *r, uint32_t gid, struct view_buf *b)
{
	const struct cache_user *cu = cache_user_by_uid(&r->cache, gid);
	const char *mapped = mapgroup_of_gid(r, gid);
	const struct cache_group *cg;

	if (mapped != NULL)
		return mapgroup_view(r, mapped, b);
	if (cu != NULL && cache_private_group(cu->u) != NULL) {
		if (view_judge_private(r, cu) != VERDICT_SHOWN)
			return false;
		view_private_group(r, cu, b);
		return true;
	}
	cg = cache_group_by_gid(&r->cache, gid);
	if (cg == NULL || view_judge_group(r, cg) != VERDICT_SHOWN)
		return false;
	view_group(r, cg, b);
	return true;
}

void
resolver_group_next(struct resolver *r, bool started, uint32_t after,
    resolver_group_fn fn, void *arg)
{
	struct ids_order *o = &r->groups_order;
	size_t i;

	prepare(r, o, started, order_groups);
	for (i = above(o, started, after); i < o->n; i++) {
		cleanup_(view_buf_done) struct view_buf b = { 0 };

		if (!view_gid(r, o->v[i], &b))
			continue;
		fn(arg, ANSWER_FOUND, &b.gr);
		return;
	}
	fn(arg, ANSWER_NOTFOUND, NULL);
}

static void
rest(struct ids_order *o, int64_t now)
{
	if (o->v == NULL || now - o->used_at < KEPT)
		return;
	free(o->v);
	o->v = NULL;
	o->n = 0;
}

void
enumerate_rest(struct resolver *r)
{
	rest(&r->users_order, r->ts->now.mono_ns);
	rest(&r->groups_order, r->ts->now.mono_ns);
}
