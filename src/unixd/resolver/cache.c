/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Three indexes for people and three for groups. The links between people and groups are
 * kept on the group's side only (cast.h): a person's groups are in the person's record.
 * There may be a hundred thousand people with ten groups each, so people are chained by
 * their numbers and groups have four bytes for each.
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

/* Groups by a few bits of their UUID: thousands of people are in few hundred groups. */
#define RECENT_BITS 12u

/* ---- chains of people ---- */

static struct cache_user *
user_at(const void *owner, uint32_t number)
{
	const struct cache *c = owner;

	return people_user(&c->people, number);
}

static uint64_t
user_hash_key(const void *owner, uint32_t number)
{
	const struct cache_user *cu = user_at(owner, number);

	return hash_text(cache_user_key(cu));
}

static uint64_t
user_hash_uuid(const void *owner, uint32_t number)
{
	return hash_uuid(&user_at(owner, number)->u->uuid);
}

static uint64_t
user_hash_uid(const void *owner, uint32_t number)
{
	return hmap_hash_u32(user_at(owner, number)->uid);
}

static uint32_t *
user_next_key(const void *owner, uint32_t number)
{
	return &user_at(owner, number)->next_key;
}

static uint32_t *
user_next_uuid(const void *owner, uint32_t number)
{
	return &user_at(owner, number)->next_uuid;
}

static uint32_t *
user_next_uid(const void *owner, uint32_t number)
{
	return &user_at(owner, number)->next_uid;
}

static const struct chains_of of_key = { user_hash_key, user_next_key };
static const struct chains_of of_uuid = { user_hash_uuid, user_next_uuid };
static const struct chains_of of_uid = { user_hash_uid, user_next_uid };

/* ---- life ---- */

void
cache_init(struct cache *c)
{
	struct hmap *maps[] = { &c->g_key, &c->g_uuid, &c->g_gid };
	struct chains *chains[] = { &c->u_key, &c->u_uuid, &c->u_uid };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(maps); i++)
		hmap_init(maps[i]);
	for (i = 0; i < ARRAY_SIZE(chains); i++)
		chains_init(chains[i]);
	people_init(&c->people);
	c->recent = xcalloc((size_t)1 << RECENT_BITS, sizeof(struct cache_group *));
	c->own_domain[0] = '\0';
	c->groups_removed = false;
}

/* The members of groups are strangers until their own records come. */
void
cache_expect(struct cache *c, size_t n_users)
{
	chains_expect(&c->u_key, n_users);
	chains_expect(&c->u_uuid, n_users);
	chains_expect(&c->u_uid, n_users);
	chains_expect(&c->people.strangers, n_users);
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
	cast_deinit(&cg->cast);
	free(cg);
}

void
cache_deinit(struct cache *c)
{
	struct hmap *maps[] = { &c->g_key, &c->g_uuid, &c->g_gid };
	struct chains *chains[] = { &c->u_key, &c->u_uuid, &c->u_uid };
	struct cache_user *cu;
	struct cache_group *cg, *cg_next;
	size_t i, pos;

	for (cu = cache_user_any(c, &pos); cu != NULL;
	     cu = cache_user_any_next(c, cu, &pos))
		user_free(cu);
	for (cg = cache_group_any(c, &pos); cg != NULL; cg = cg_next) {
		cg_next = cache_group_any_next(c, cg, &pos);
		group_free(cg);
	}
	for (i = 0; i < ARRAY_SIZE(maps); i++)
		hmap_deinit(maps[i]);
	for (i = 0; i < ARRAY_SIZE(chains); i++)
		chains_deinit(chains[i]);
	people_deinit(&c->people);
	free(c->recent);
}

void
cache_clear(struct cache *c)
{
	char domain[sizeof(c->own_domain)];

	memcpy(domain, c->own_domain, sizeof(domain));
	cache_deinit(c);
	cache_init(c);
	memcpy(c->own_domain, domain, sizeof(domain));
}

/* ---- walks ---- */

static struct cache_user *
user_from(const struct cache *c, size_t *pos)
{
	struct cache_user *cu = NULL;

	while (cu == NULL && *pos < c->people.n)
		cu = people_user(&c->people, (uint32_t)(*pos)++);
	return cu;
}

struct cache_user *
cache_user_any(const struct cache *c, size_t *pos)
{
	*pos = 1;
	return user_from(c, pos);
}

struct cache_user *
cache_user_any_next(const struct cache *c, const struct cache_user *cu, size_t *pos)
{
	(void)cu;
	return user_from(c, pos);
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
	uint32_t i = chains_first(&c->u_key, hash_text(key));
	struct cache_user *cu;

	for (; i != 0; i = cu->next_key) {
		cu = user_at(c, i);
		if (streq(cache_user_key(cu), key))
			return cu;
	}
	return NULL;
}

struct cache_user *
cache_user_by_uuid(const struct cache *c, const struct uuid *uuid)
{
	uint32_t i = chains_first(&c->u_uuid, hash_uuid(uuid));
	struct cache_user *cu;

	for (; i != 0; i = cu->next_uuid) {
		cu = user_at(c, i);
		if (uuid_equal(&cu->u->uuid, uuid))
			return cu;
	}
	return NULL;
}

struct cache_user *
cache_user_by_uid(const struct cache *c, uint32_t uid)
{
	uint32_t i = chains_first(&c->u_uid, hmap_hash_u32(uid));
	struct cache_user *cu;

	for (; i != 0; i = cu->next_uid) {
		cu = user_at(c, i);
		if (cu->uid == uid)
			return cu;
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

static struct cache_group **
recent_place(const struct cache *c, const struct uuid *uuid)
{
	uint32_t last;

	memcpy(&last, uuid->b + sizeof(uuid->b) - sizeof(last), sizeof(last));
	return &c->recent[last * UINT32_C(0x9e3779b1) >> (32 - RECENT_BITS)];
}

static struct cache_group *
group_in_table(const struct cache *c, const struct uuid *uuid)
{
	struct hmap_node *n = hmap_first(&c->g_uuid, hash_uuid(uuid));

	for (; n != NULL; n = hmap_same(n)) {
		if (uuid_equal(&group_of(n, by_uuid)->g->uuid, uuid))
			return group_of(n, by_uuid);
	}
	return NULL;
}

struct cache_group *
cache_group_by_uuid(const struct cache *c, const struct uuid *uuid)
{
	struct cache_group **recent = recent_place(c, uuid), *cg = *recent;

	if (cg != NULL && uuid_equal(&cg->g->uuid, uuid))
		return cg;
	cg = group_in_table(c, uuid);
	if (cg != NULL)
		*recent = cg;
	return cg;
}

static void
forget_recent(struct cache *c, const struct cache_group *cg)
{
	struct cache_group **recent = recent_place(c, &cg->g->uuid);

	if (*recent == cg)
		*recent = NULL;
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

/* ---- filing ---- */

static void
file_user(struct cache *c, struct cache_user *cu)
{
	const struct user *u = cu->u;

	cu->foreign = cache_is_foreign(c, u->spn);
	chains_insert(&c->u_key, &of_key, c, cu->number);
}

static void
unfile_user(struct cache *c, struct cache_user *cu)
{
	chains_remove(&c->u_key, &of_key, c, cu->number);
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
	(void)snprintf(c->own_domain, sizeof(c->own_domain), "%s", domain);
	for (cu = cache_user_any(c, &pos); cu != NULL;
	     cu = cache_user_any_next(c, cu, &pos))
		file_user(c, cu);
	for (cg = cache_group_any(c, &pos); cg != NULL;
	     cg = cache_group_any_next(c, cg, &pos))
		file_group(c, cg);
}

/* ---- people in groups ---- */

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
join_groups(struct cache *c, struct cache_user *cu, cache_touched_fn touched, void *arg)
{
	struct cache_group *cg;
	uint32_t i;

	for (i = 0; i < cu->u->n_groups; i++) {
		const struct groupid *g = cu->u->groups[i];

		if (cache_is_private(cu->u, g))
			continue;
		cg = cache_group_of(c, g);
		if (cg == NULL || !cast_set(&cg->cast, cu->number, CAST_CARRIES))
			continue;
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
		cg = cache_group_of(c, cu->u->groups[i]);
		if (cg != NULL && cast_unset(&cg->cast, cu->number, CAST_CARRIES) &&
		    touched != NULL)
			touched(arg, cg);
	}
}

static void
file_uid(struct cache *c, struct cache_user *cu, uint32_t uid, bool held)
{
	cu->uid = uid;
	cu->held = held;
	cu->judged = 0;
	c->user_version++;
	if (!held)
		chains_insert(&c->u_uid, &of_uid, c, cu->number);
}

static void
unfile_uid(struct cache *c, struct cache_user *cu)
{
	c->user_version++;
	if (!cu->held)
		chains_remove(&c->u_uid, &of_uid, c, cu->number);
}

/* Somebody who has been on lists keeps the number. */
static void
give_number(struct cache *c, struct cache_user *cu)
{
	uint32_t number = people_find_stranger(&c->people, cu->u->name, cu->u->spn);

	cu->listed = number != 0 ? people_make_user(&c->people, number, cu) : 0;
	cu->number = number != 0 ? number : people_add(&c->people, cu);
}

static void
take_number(struct cache *c, struct cache_user *cu, const struct user *u)
{
	if (cu->listed > 0)
		people_make_stranger(&c->people, cu->number, u->name, u->spn, cu->listed);
	else
		people_remove(&c->people, cu->number);
}

struct cache_user *
cache_user_add(struct cache *c, struct user *u, uint32_t uid, bool held,
    cache_touched_fn touched, void *arg)
{
	struct cache_user *cu = xcalloc(1, sizeof(*cu));

	cu->u = u;
	cu->stored_at = CACHE_NEVER;
	give_number(c, cu);
	chains_insert(&c->u_uuid, &of_uuid, c, cu->number);
	file_user(c, cu);
	file_uid(c, cu, uid, held);
	join_groups(c, cu, touched, arg);
	return cu;
}

/* Another person by name: another number. */
static void
rename_user(struct cache *c, struct cache_user *cu, struct user *u)
{
	struct user *before = cu->u;

	chains_remove(&c->u_uuid, &of_uuid, c, cu->number);
	take_number(c, cu, before);
	cu->u = u;
	give_number(c, cu);
	chains_insert(&c->u_uuid, &of_uuid, c, cu->number);
}

void
cache_user_replace(struct cache *c, struct cache_user *cu, struct user *u, uint32_t uid,
    bool held, cache_touched_fn touched, void *arg)
{
	struct user *before = cu->u;
	bool same = streq(before->spn, u->spn) && streq(before->name, u->name);

	leave_groups(c, cu, same ? u : NULL, touched, arg);
	unfile_user(c, cu);
	unfile_uid(c, cu);
	if (same)
		cu->u = u;
	else
		rename_user(c, cu, u);
	file_user(c, cu);
	file_uid(c, cu, uid, held);
	join_groups(c, cu, touched, arg);
	user_unref(before);
}

void
cache_user_remove(struct cache *c, struct cache_user *cu, cache_touched_fn touched,
    void *arg)
{
	leave_groups(c, cu, NULL, touched, arg);
	unfile_user(c, cu);
	unfile_uid(c, cu);
	chains_remove(&c->u_uuid, &of_uuid, c, cu->number);
	take_number(c, cu, cu->u);
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
			(void)cast_set(&cg->cast, cu->number, CAST_CARRIES);
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
	cg->judged = 0;
	hmap_insert(&c->g_gid, &cg->by_gid, hmap_hash_u32(g->gid));
	file_group(c, cg);
}

void
cache_group_remove(struct cache *c, struct cache_group *cg)
{
	cache_lists_forget(c, cg);
	unfile_group(c, cg);
	hmap_remove(&c->g_gid, &cg->by_gid);
	hmap_remove(&c->g_uuid, &cg->by_uuid);
	forget_recent(c, cg);
	c->groups_removed = true;
	group_free(cg);
}
