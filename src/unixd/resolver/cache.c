/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Four indexes for people and four for groups, over intrusive nodes, so that one record
 * costs one allocation beside the model's own. The links between people and groups are kept
 * on the group's side only (`carriers`): a person's groups are in the person's record.
 *
 * No policy here: who displaces whom, what is stale and what is shown is decided by
 * learn.c, policy.c and filter.c.
 */
#include "src/unixd/resolver/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define user_of(n, member)  container_of(n, struct cache_user, member)
#define group_of(n, member) container_of(n, struct cache_group, member)

static uint64_t
hash_text(const char *s)
{
	return hmap_hash(s, strlen(s));
}

static uint64_t
hash_uuid(const struct uuid *uuid)
{
	return hmap_hash(uuid->b, sizeof(uuid->b));
}

void
cache_init(struct cache *c)
{
	struct hmap *all[] = { &c->u_key, &c->u_uuid, &c->u_uid, &c->g_key, &c->g_uuid,
		&c->g_gid };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		hmap_init(all[i]);
	c->own_domain[0] = '\0';
	c->groups_removed = false;
}

static void
user_free(struct cache_user *cu)
{
	user_unref(cu->u);
	free(cu);
}

static void
group_free(struct cache_group *cg)
{
	list_remove(&cg->dirty);
	groupid_unref(cg->g);
	members_unref(cg->m);
	free(cg->carriers);
	free(cg);
}

static void
deinit_maps(struct cache *c)
{
	struct hmap *all[] = { &c->u_key, &c->u_uuid, &c->u_uid, &c->g_key, &c->g_uuid,
		&c->g_gid };
	struct cache_user *cu, *cu_next;
	struct cache_group *cg, *cg_next;
	size_t i, pos;

	for (cu = cache_user_any(c, &pos); cu != NULL; cu = cu_next) {
		cu_next = cache_user_any_next(c, cu, &pos);
		user_free(cu);
	}
	for (cg = cache_group_any(c, &pos); cg != NULL; cg = cg_next) {
		cg_next = cache_group_any_next(c, cg, &pos);
		group_free(cg);
	}
	for (i = 0; i < ARRAY_SIZE(all); i++)
		hmap_deinit(all[i]);
}

void
cache_deinit(struct cache *c)
{
	deinit_maps(c);
}

void
cache_clear(struct cache *c)
{
	char domain[sizeof(c->own_domain)];

	memcpy(domain, c->own_domain, sizeof(domain));
	deinit_maps(c);
	cache_init(c);
	memcpy(c->own_domain, domain, sizeof(domain));
}

bool
cache_is_foreign(const struct cache *c, const char *spn)
{
	const char *at = strchr(spn, '@');

	return at != NULL && c->own_domain[0] != '\0' && !streq(at + 1, c->own_domain);
}

const char *
cache_key(const struct cache *c, const char *name, const char *spn)
{
	return cache_is_foreign(c, spn) ? spn : name;
}

/* ---- walks ---- */

struct cache_user *
cache_user_any(const struct cache *c, size_t *pos)
{
	struct hmap_node *n;

	*pos = 0;
	n = hmap_any(&c->u_uuid, pos);
	return n == NULL ? NULL : user_of(n, by_uuid);
}

struct cache_user *
cache_user_any_next(const struct cache *c, const struct cache_user *cu, size_t *pos)
{
	struct hmap_node *n = hmap_any_next(&c->u_uuid, &cu->by_uuid, pos);

	return n == NULL ? NULL : user_of(n, by_uuid);
}

struct cache_group *
cache_group_any(const struct cache *c, size_t *pos)
{
	struct hmap_node *n;

	*pos = 0;
	n = hmap_any(&c->g_uuid, pos);
	return n == NULL ? NULL : group_of(n, by_uuid);
}

struct cache_group *
cache_group_any_next(const struct cache *c, const struct cache_group *cg, size_t *pos)
{
	struct hmap_node *n = hmap_any_next(&c->g_uuid, &cg->by_uuid, pos);

	return n == NULL ? NULL : group_of(n, by_uuid);
}

/* ---- finding ---- */

struct cache_user *
cache_user_by_key(const struct cache *c, const char *key)
{
	uint64_t hash = hash_text(key);
	struct hmap_node *n;

	for (n = hmap_first(&c->u_key, hash); n != NULL; n = hmap_same(n)) {
		struct cache_user *cu = user_of(n, by_key);

		if (streq(cache_key(c, cu->u->name, cu->u->spn), key))
			return cu;
	}
	return NULL;
}

struct cache_user *
cache_user_by_uuid(const struct cache *c, const struct uuid *uuid)
{
	struct hmap_node *n = hmap_first(&c->u_uuid, hash_uuid(uuid));

	for (; n != NULL; n = hmap_same(n)) {
		if (uuid_equal(&user_of(n, by_uuid)->u->uuid, uuid))
			return user_of(n, by_uuid);
	}
	return NULL;
}

struct cache_user *
cache_user_by_uid(const struct cache *c, uint32_t uid)
{
	struct hmap_node *n = hmap_first(&c->u_uid, hmap_hash_u32(uid));

	for (; n != NULL; n = hmap_same(n)) {
		if (user_of(n, by_uid)->uid == uid)
			return user_of(n, by_uid);
	}
	return NULL;
}

struct cache_group *
cache_group_by_key(const struct cache *c, const char *key)
{
	uint64_t hash = hash_text(key);
	struct hmap_node *n;

	for (n = hmap_first(&c->g_key, hash); n != NULL; n = hmap_same(n)) {
		struct cache_group *cg = group_of(n, by_key);

		if (streq(cache_key(c, cg->g->name, cg->g->spn), key))
			return cg;
	}
	return NULL;
}

struct cache_group *
cache_group_by_uuid(const struct cache *c, const struct uuid *uuid)
{
	struct hmap_node *n = hmap_first(&c->g_uuid, hash_uuid(uuid));

	for (; n != NULL; n = hmap_same(n)) {
		if (uuid_equal(&group_of(n, by_uuid)->g->uuid, uuid))
			return group_of(n, by_uuid);
	}
	return NULL;
}

struct cache_group *
cache_group_by_gid(const struct cache *c, uint32_t gid)
{
	struct hmap_node *n = hmap_first(&c->g_gid, hmap_hash_u32(gid));

	for (; n != NULL; n = hmap_same(n)) {
		if (group_of(n, by_gid)->g->gid == gid)
			return group_of(n, by_gid);
	}
	return NULL;
}

struct cache_user *
cache_user_find(const struct cache *c, const struct name *name)
{
	struct name key = *name;
	struct uuid uuid;

	if (name->kind == NAME_UUID)
		return uuid_parse(name->text, name->len, &uuid) == 0
		    ? cache_user_by_uuid(c, &uuid)
		    : NULL;
	name_strip_domain(&key, c->own_domain);
	return cache_user_by_key(c, key.text);
}

struct cache_group *
cache_group_find(const struct cache *c, const struct name *name)
{
	struct name key = *name;
	struct uuid uuid;

	if (name->kind == NAME_UUID)
		return uuid_parse(name->text, name->len, &uuid) == 0
		    ? cache_group_by_uuid(c, &uuid)
		    : NULL;
	name_strip_domain(&key, c->own_domain);
	return cache_group_by_key(c, key.text);
}

/* ---- filing ---- */

static void
file_user(struct cache *c, struct cache_user *cu)
{
	const struct user *u = cu->u;

	cu->foreign = cache_is_foreign(c, u->spn);
	hmap_insert(&c->u_key, &cu->by_key, hash_text(cache_key(c, u->name, u->spn)));
}

static void
unfile_user(struct cache *c, struct cache_user *cu)
{
	hmap_remove(&c->u_key, &cu->by_key);
}

static void
file_group(struct cache *c, struct cache_group *cg)
{
	const struct groupid *g = cg->g;

	cg->foreign = cache_is_foreign(c, g->spn);
	hmap_insert(&c->g_key, &cg->by_key, hash_text(cache_key(c, g->name, g->spn)));
}

static void
unfile_group(struct cache *c, struct cache_group *cg)
{
	hmap_remove(&c->g_key, &cg->by_key);
}

void
cache_set_domain(struct cache *c, const char *domain)
{
	struct cache_user *cu;
	struct cache_group *cg;
	size_t pos;

	for (cu = cache_user_any(c, &pos); cu != NULL;
	     cu = cache_user_any_next(c, cu, &pos))
		unfile_user(c, cu);
	for (cg = cache_group_any(c, &pos); cg != NULL;
	     cg = cache_group_any_next(c, cg, &pos))
		unfile_group(c, cg);
	snprintf(c->own_domain, sizeof(c->own_domain), "%s", domain);
	for (cu = cache_user_any(c, &pos); cu != NULL;
	     cu = cache_user_any_next(c, cu, &pos))
		file_user(c, cu);
	for (cg = cache_group_any(c, &pos); cg != NULL;
	     cg = cache_group_any_next(c, cg, &pos))
		file_group(c, cg);
}

/* ---- people in groups ---- */

bool
cache_is_private(const struct user *u, const struct groupid *g)
{
	return uuid_equal(&g->uuid, &u->uuid) ||
	    (g->gid == u->id && streq(g->name, u->name));
}

struct groupid *
cache_private_group(const struct user *u)
{
	if (u->n_groups == 0 || !cache_is_private(u, u->groups[0]))
		return NULL;
	return u->groups[0];
}

static void
carrier_add(struct cache_group *cg, struct cache_user *cu)
{
	if (cg->n_carriers == cg->cap_carriers) {
		/* By a quarter: these lists are most of what a large site costs. */
		cg->cap_carriers += cg->cap_carriers / 4 + 4;
		cg->carriers = xreallocarray(cg->carriers, cg->cap_carriers,
		    sizeof(struct cache_user *));
	}
	cg->carriers[cg->n_carriers++] = cu;
}

static bool
carrier_has(const struct cache_group *cg, const struct cache_user *cu, bool is_new)
{
	size_t i;

	/* Nobody knew a new person yet: if on the list, then as the last, because the
	 * record names the group twice. */
	if (is_new)
		return cg->n_carriers > 0 && cg->carriers[cg->n_carriers - 1] == cu;
	for (i = 0; i < cg->n_carriers; i++) {
		if (cg->carriers[i] == cu)
			return true;
	}
	return false;
}

static bool
carrier_remove(struct cache_group *cg, const struct cache_user *cu)
{
	size_t i;

	for (i = 0; i < cg->n_carriers; i++) {
		if (cg->carriers[i] != cu)
			continue;
		cg->carriers[i] = cg->carriers[--cg->n_carriers];
		return true;
	}
	return false;
}

static bool
names_group(const struct user *u, const struct uuid *uuid)
{
	uint32_t i;

	for (i = 0; u != NULL && i < u->n_groups; i++) {
		if (uuid_equal(&u->groups[i]->uuid, uuid))
			return true;
	}
	return false;
}

static void
join_groups(struct cache *c, struct cache_user *cu, bool is_new, cache_touched_fn touched,
    void *arg)
{
	struct cache_group *cg;
	uint32_t i;

	for (i = 0; i < cu->u->n_groups; i++) {
		const struct groupid *g = cu->u->groups[i];

		if (cache_is_private(cu->u, g))
			continue;
		cg = cache_group_by_uuid(c, &g->uuid);
		if (cg == NULL || carrier_has(cg, cu, is_new))
			continue;
		carrier_add(cg, cu);
		if (touched != NULL)
			touched(arg, cg);
	}
}

static void
leave_groups(struct cache *c, struct cache_user *cu, const struct user *after,
    cache_touched_fn touched, void *arg)
{
	struct cache_group *cg;
	uint32_t i;

	for (i = 0; i < cu->u->n_groups; i++) {
		if (names_group(after, &cu->u->groups[i]->uuid))
			continue;
		cg = cache_group_by_uuid(c, &cu->u->groups[i]->uuid);
		if (cg != NULL && carrier_remove(cg, cu) && touched != NULL)
			touched(arg, cg);
	}
}

static void
file_uid(struct cache *c, struct cache_user *cu, uint32_t uid, bool held)
{
	cu->uid = uid;
	cu->held = held;
	if (!held)
		hmap_insert(&c->u_uid, &cu->by_uid, hmap_hash_u32(uid));
}

struct cache_user *
cache_user_add(struct cache *c, struct user *u, uint32_t uid, bool held,
    cache_touched_fn touched, void *arg)
{
	struct cache_user *cu = xcalloc(1, sizeof(*cu));

	cu->u = u;
	cu->stored_at = CACHE_NEVER;
	hmap_insert(&c->u_uuid, &cu->by_uuid, hash_uuid(&u->uuid));
	file_user(c, cu);
	file_uid(c, cu, uid, held);
	join_groups(c, cu, true, touched, arg);
	return cu;
}

void
cache_user_replace(struct cache *c, struct cache_user *cu, struct user *u, uint32_t uid,
    bool held, cache_touched_fn touched, void *arg)
{
	struct user *before = cu->u;

	leave_groups(c, cu, u, touched, arg);
	unfile_user(c, cu);
	if (!cu->held)
		hmap_remove(&c->u_uid, &cu->by_uid);
	cu->u = u;
	file_user(c, cu);
	file_uid(c, cu, uid, held);
	join_groups(c, cu, false, touched, arg);
	user_unref(before);
}

void
cache_user_remove(struct cache *c, struct cache_user *cu, cache_touched_fn touched,
    void *arg)
{
	leave_groups(c, cu, NULL, touched, arg);
	unfile_user(c, cu);
	if (!cu->held)
		hmap_remove(&c->u_uid, &cu->by_uid);
	hmap_remove(&c->u_uuid, &cu->by_uuid);
	user_free(cu);
}

/* A group that was here before comes back: people may still name it. */
static void
adopt(struct cache *c, struct cache_group *cg)
{
	struct cache_user *cu;
	size_t pos;

	for (cu = cache_user_any(c, &pos); cu != NULL;
	     cu = cache_user_any_next(c, cu, &pos)) {
		if (names_group(cu->u, &cg->g->uuid))
			carrier_add(cg, cu);
	}
}

struct cache_group *
cache_group_add(struct cache *c, struct groupid *g)
{
	struct cache_group *cg = xcalloc(1, sizeof(*cg));

	cg->g = g;
	cg->members_at = CACHE_NEVER;
	cg->stored_at = CACHE_NEVER;
	list_init(&cg->dirty);
	hmap_insert(&c->g_uuid, &cg->by_uuid, hash_uuid(&g->uuid));
	hmap_insert(&c->g_gid, &cg->by_gid, hmap_hash_u32(g->gid));
	file_group(c, cg);
	if (c->groups_removed)
		adopt(c, cg);
	return cg;
}

void
cache_group_replace(struct cache *c, struct cache_group *cg, struct groupid *g)
{
	unfile_group(c, cg);
	hmap_remove(&c->g_gid, &cg->by_gid);
	groupid_unref(cg->g);
	cg->g = g;
	hmap_insert(&c->g_gid, &cg->by_gid, hmap_hash_u32(g->gid));
	file_group(c, cg);
}

void
cache_group_remove(struct cache *c, struct cache_group *cg)
{
	unfile_group(c, cg);
	hmap_remove(&c->g_gid, &cg->by_gid);
	hmap_remove(&c->g_uuid, &cg->by_uuid);
	c->groups_removed = true;
	group_free(cg);
}

void
cache_group_set_members(struct cache_group *cg, struct members *m)
{
	members_unref(cg->m);
	cg->m = m;
}
