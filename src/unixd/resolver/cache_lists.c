/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is in a group: the half of the cache that turns the server's lists into numbers and
 * numbers into names again. Whoever is on a list without being cached is a stranger, and is
 * kept for as long as a list has the name.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/cache.h"

#define AHEAD 8u
#define BLOCK 32u

static void
unlist_number(struct cache *c, uint32_t number)
{
	struct cache_user *cu = people_user(&c->people, number);

	if (cu != NULL)
		cu->listed--;
	else if (--people_stranger(&c->people, number)->listed == 0)
		people_remove(&c->people, number);
}

/* Nobody is listed by this group any more, on the other side. */
void
cache_lists_forget(struct cache *c, const struct cache_group *cg)
{
	for (uint32_t i = 0; i < cg->cast.n; i++) {
		if ((cg->cast.v[i] & CAST_LISTED) != 0)
			unlist_number(c, cast_number(cg->cast.v[i]));
	}
}

uint32_t
cache_person_number(const struct cache *c, const char *spn)
{
	char name[NAME_MAX_TEXT + 1];
	const struct cache_user *cu;

	size_t len = strcspn(spn, "@");

	if (len >= sizeof(name))
		return 0;
	memcpy(name, spn, len);
	name[len] = '\0';
	cu = cache_user_by_key(c, cache_key(c, name, spn));
	if (cu != NULL && streq(cu->u->spn, spn))
		return cu->number;
	return people_find_stranger(&c->people, NULL, spn);
}

static uint32_t
number_for(struct cache *c, const struct member *m, uint64_t hash)
{
	const struct cache_user *cu = NULL;
	uint32_t number;

	/* Lists are loaded before people are. */
	if (cache_n_users(c) > 0)
		cu = cache_user_by_key(c, cache_key(c, m->name, m->spn));
	if (cu != NULL && streq(cu->u->spn, m->spn) && streq(cu->u->name, m->name))
		return cu->number;
	number = people_find_hashed(&c->people, hash, m->name, m->spn);
	return number != 0 ? number : people_add_stranger(&c->people, m->name, m->spn);
}

static int
compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Their numbers, as far as they are strangers, are looked for together: a list of a thousand
 * is a thousand people who are anywhere in memory, and each is three reads after another. */
static void
hash_block(const struct cache *c, const struct member *m, uint32_t n, uint64_t *hash)
{
	uint32_t i;

	/* There are none, and nobody is on a list twice: any hash finds nobody. */
	memset(hash, 0, n * sizeof(*hash));
	if (c->people.strangers.n == 0)
		return;
	for (i = 0; i < n; i++) {
		hash[i] = people_hash(m[i].spn);
		people_prefetch_head(&c->people, hash[i]);
	}
	for (i = 0; i < n; i++)
		people_prefetch_slot(&c->people, hash[i]);
	for (i = 0; i < n; i++)
		people_prefetch_stranger(&c->people, hash[i]);
}

/* Numbers of these people, ascending. Often they are already: they were given out in the
 * order of the first list. */
static uint32_t *
numbers_of(struct cache *c, const struct members *m)
{
	uint32_t *v = xreallocarray(NULL, (size_t)m->n + 1, sizeof(*v));
	uint64_t hash[BLOCK];
	bool ordered = true;
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		if (i % BLOCK == 0)
			hash_block(c, m->v + i, m->n - i < BLOCK ? m->n - i : BLOCK,
			    hash);
		v[i] = number_for(c, &m->v[i], hash[i % BLOCK]);
		ordered = ordered && (i == 0 || v[i - 1] < v[i]);
	}
	if (!ordered)
		qsort(v, m->n, sizeof(*v), compare_u32);
	return v;
}

static bool
list_is(const struct cast *cast, const uint32_t *v, uint32_t n)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < cast->n; i++) {
		if ((cast->v[i] & CAST_LISTED) == 0)
			continue;
		if (k == n || cast_number(cast->v[i]) != v[k++])
			return false;
	}
	return k == n;
}

static void
count_listed(struct cache *c, const uint32_t *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cache_user *cu = people_user(&c->people, v[i]);

		if (cu != NULL)
			cu->listed++;
		else
			people_stranger(&c->people, v[i])->listed++;
	}
}

static void
new_version(struct cache *c, struct cache_group *cg)
{
	if (++c->list_versions == 0)
		c->list_versions = 1;
	cg->list_version = c->list_versions;
}

bool
cache_group_set_members(struct cache *c, struct cache_group *cg, const struct members *m)
{
	cleanup_(freep) uint32_t *v = numbers_of(c, m);
	bool same = cg->has_list && list_is(&cg->cast, v, m->n);

	if (same)
		return false;
	/* The new ones first: who is on both lists is not forgotten between. */
	count_listed(c, v, m->n);
	cache_lists_forget(c, cg);
	cast_set_all(&cg->cast, CAST_LISTED, v, m->n);
	cg->n_listed = m->n;
	cg->has_list = true;
	new_version(c, cg);
	return true;
}

bool
cache_group_unlist(struct cache *c, struct cache_group *cg, uint32_t number)
{
	if (!cast_unset(&cg->cast, number, CAST_LISTED))
		return false;
	unlist_number(c, number);
	cg->n_listed--;
	new_version(c, cg);
	return true;
}

/* Of the people that come after this one the memory is asked for: they may be a hundred
 * thousand, and anywhere. */
static void
ask_for_memory(const struct cache *c, const struct cast *cast, size_t pos)
{
	const struct cache_user *cu;

	if (cast->n - pos <= 2 * AHEAD)
		return;
	people_prefetch(&c->people, cast_number(cast->v[pos + 2 * AHEAD]));
	cu = people_user(&c->people, cast_number(cast->v[pos + AHEAD]));
	if (cu != NULL)
		__builtin_prefetch(cu->u);
}

bool
cache_group_person(const struct cache *c, const struct cache_group *cg, size_t *pos,
    struct cache_person *ret)
{
	const struct stranger *s;
	uint32_t entry;

	if (*pos >= cg->cast.n)
		return false;
	ask_for_memory(c, &cg->cast, *pos);
	entry = cg->cast.v[(*pos)++];
	ret->cu = people_user(&c->people, cast_number(entry));
	ret->carries = (entry & CAST_CARRIES) != 0;
	ret->listed = (entry & CAST_LISTED) != 0;
	if (ret->cu != NULL) {
		ret->name = ret->cu->u->name;
		ret->spn = ret->cu->u->spn;
		ret->foreign = ret->cu->foreign;
		return true;
	}
	s = people_stranger(&c->people, cast_number(entry));
	ret->name = s->text;
	ret->spn = s->text + s->spn_at;
	ret->foreign = cache_is_foreign(c, ret->spn);
	return true;
}

struct cache_user *
cache_carrier(const struct cache *c, const struct cache_group *cg, size_t *pos)
{
	while (*pos < cg->cast.n) {
		uint32_t entry = cg->cast.v[(*pos)++];

		if ((entry & CAST_CARRIES) != 0)
			return people_user(&c->people, cast_number(entry));
	}
	return NULL;
}

void
cache_group_members(const struct cache *c, const struct cache_group *cg,
    struct members *m, struct member **ret_v)
{
	struct member *v = xcalloc((size_t)cg->cast.n + 1, sizeof(*v));
	struct cache_person person;
	uint32_t n = 0;
	size_t pos = 0;

	while (cache_group_person(c, cg, &pos, &person)) {
		if (person.listed)
			v[n++] = (struct member){ person.name, person.spn };
	}
	*m = (struct members){ .refs = 1, .n = n, .v = v };
	*ret_v = v;
}

struct members *
cache_group_copy_list(const struct cache *c, const struct cache_group *cg)
{
	cleanup_(freep) struct member *v = NULL;
	struct members m;

	if (!cg->has_list)
		return NULL;
	cache_group_members(c, cg, &m, &v);
	return members_new(v, m.n);
}

void
cache_fit(struct cache *c)
{
	struct cache_group *cg;
	size_t pos;

	for (cg = cache_group_any(c, &pos); cg != NULL;
	     cg = cache_group_any_next(c, cg, &pos))
		cast_fit(&cg->cast);
	if (c->people.strangers.n == 0)
		chains_deinit(&c->people.strangers);
}
