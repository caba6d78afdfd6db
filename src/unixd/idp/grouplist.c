/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The closure over nested groups. A member is an SPN and nothing says whether it is a
 * person or a group, except that a group is in this list: so a member that the list knows
 * is opened, each group once (groups may contain one another), and the others are people.
 *
 * Texts lie one after another in one block and are referred to by offset: a domain may
 * have a million memberships.
 */
#include "src/unixd/idp/grouplist.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/model/model.h"

#define TEXT_MAX ((size_t)256 * 1024 * 1024)

struct group {
	struct hmap_node by_spn;
	struct uuid uuid;
	size_t spn;
	size_t first; /* its members in `member` */
	size_t n;
};

struct grouplist {
	struct memberset text; /* SPNs of groups and members */
	struct group *group;
	size_t n_groups, room_groups;
	size_t *member; /* offsets of SPNs */
	size_t n_members, room_members;
	struct hmap by_spn;
};

/* Room for one more of an array that doubles. */
static void *
grow(void *v, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return v;
	*room = *room == 0 ? 64 : *room * 2;
	return xreallocarray(v, *room, size);
}

static int
text_add(struct memberset *set, const char *spn, size_t *ret_at)
{
	size_t size = strlen(spn) + 1;

	if (set->n >= 2 * (size_t)MODEL_MAX_MEMBERS || set->len + size > TEXT_MAX)
		return -E2BIG;
	if (set->len + size > set->room) {
		set->room = set->room == 0 ? 4096 : set->room * 2;
		set->text = xreallocarray(set->text, set->room, 1);
	}
	memcpy(set->text + set->len, spn, size);
	*ret_at = set->len;
	set->len += size;
	set->n++;
	return 0;
}

int
memberset_add(struct memberset *set, const char *spn)
{
	size_t ignored;

	return set->n >= MODEL_MAX_MEMBERS ? -E2BIG : text_add(set, spn, &ignored);
}

void
memberset_clear(struct memberset *set)
{
	free(set->text);
	*set = (struct memberset){ 0 };
}

struct members *
memberset_make(const struct memberset *set)
{
	cleanup_(freep) struct member *v = xcalloc(set->n + 1, sizeof(*v));
	cleanup_(freep) char *names = xmalloc(set->len + 1);
	size_t at = 0, name_at = 0;

	for (size_t i = 0; i < set->n; i++) {
		const char *spn = set->text + at;
		size_t len = strlen(spn);
		size_t short_len = strcspn(spn, "@");

		memcpy(names + name_at, spn, short_len);
		names[name_at + short_len] = '\0';
		v[i] = (struct member){ .name = names + name_at, .spn = spn };
		name_at += short_len + 1;
		at += len + 1;
	}
	return members_new(v, set->n);
}

struct grouplist *
grouplist_new(void)
{
	struct grouplist *l = xcalloc(1, sizeof(*l));

	hmap_init(&l->by_spn);
	return l;
}

struct grouplist *
grouplist_free(struct grouplist *l)
{
	if (l == NULL)
		return NULL;
	hmap_deinit(&l->by_spn);
	memberset_clear(&l->text);
	free(l->group);
	free(l->member);
	free(l);
	return NULL;
}

int
grouplist_add(struct grouplist *l, const struct uuid *uuid, const char *spn)
{
	struct group *g;
	size_t at;

	if (text_add(&l->text, spn, &at) < 0)
		return -E2BIG;
	l->group = grow(l->group, l->n_groups, &l->room_groups, sizeof(*l->group));
	g = &l->group[l->n_groups++];
	*g = (struct group){ .uuid = *uuid, .spn = at, .first = l->n_members };
	return 0;
}

int
grouplist_add_member(struct grouplist *l, const char *spn)
{
	size_t at;

	if (l->n_groups == 0 || text_add(&l->text, spn, &at) < 0)
		return -E2BIG;
	l->member = grow(l->member, l->n_members, &l->room_members, sizeof(*l->member));
	l->member[l->n_members++] = at;
	l->group[l->n_groups - 1].n++;
	return 0;
}

void
grouplist_seal(struct grouplist *l)
{
	for (size_t i = 0; i < l->n_groups; i++) {
		const char *spn = l->text.text + l->group[i].spn;

		hmap_insert(&l->by_spn, &l->group[i].by_spn, hmap_hash(spn, strlen(spn)));
	}
}

static const struct group *
find_spn(const struct grouplist *l, const char *spn)
{
	struct hmap_node *n;

	for (n = hmap_first(&l->by_spn, hmap_hash(spn, strlen(spn))); n != NULL;
	     n = hmap_same(n)) {
		const struct group *g = container_of(n, struct group, by_spn);

		if (streq(l->text.text + g->spn, spn))
			return g;
	}
	return NULL;
}

static const struct group *
find_uuid(const struct grouplist *l, const struct uuid *uuid)
{
	for (size_t i = 0; i < l->n_groups; i++) {
		if (uuid_equal(&l->group[i].uuid, uuid))
			return &l->group[i];
	}
	return NULL;
}

int
grouplist_members(const struct grouplist *l, const struct uuid *uuid,
    struct members **ret_members)
{
	cleanup_(memberset_clear) struct memberset set = { 0 };
	cleanup_(freep) const struct group **pending = NULL;
	cleanup_(freep) bool *seen = NULL;
	const struct group *g = find_uuid(l, uuid);
	size_t n_pending = 0;

	if (g == NULL)
		return -ENOENT;
	pending = xcalloc(l->n_groups, sizeof(*pending));
	seen = xcalloc(l->n_groups, sizeof(*seen));
	pending[n_pending++] = g;
	seen[g - l->group] = true;
	while (n_pending > 0) {
		g = pending[--n_pending];
		for (size_t i = 0; i < g->n; i++) {
			const char *spn = l->text.text + l->member[g->first + i];
			const struct group *inner = find_spn(l, spn);

			if (inner == NULL) {
				if (memberset_add(&set, spn) < 0)
					return -E2BIG;
			} else if (!seen[inner - l->group]) {
				seen[inner - l->group] = true;
				pending[n_pending++] = inner;
			}
		}
	}
	*ret_members = memberset_make(&set);
	return 0;
}
