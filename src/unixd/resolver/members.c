/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is in a group? Two sources that are never of the same moment: the group's own list,
 * as the server gave it, and the records of people, each of which names its groups. They
 * are joined so that a person who has just been looked up is in his groups at once, and one
 * whose newer record no longer names the group is out of it.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"

void
strings_add(struct strings *s, const char *text)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : s->cap * 2;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n++] = text;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void
strings_sort_unique(struct strings *s)
{
	size_t i, n = 0;

	if (s->n == 0)
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare_text);
	for (i = 0; i < s->n; i++) {
		if (n == 0 || !streq(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

static bool
carries(const struct cache_user *cu, const struct groupid *g)
{
	uint32_t i;

	for (i = 0; i < cu->u->n_groups; i++) {
		if (uuid_equal(&cu->u->groups[i]->uuid, &g->uuid))
			return true;
	}
	return false;
}

bool
members_stranger_is_shown(const struct resolver *r, const char *name, const char *spn)
{
	const struct subject s = { cache_key(&r->cache, name, spn), spn, NULL };

	return filter_is_overridden(&r->filter, &s) ||
	    !local_has_user(r->ports.local, s.key);
}

static void
add_listed(struct resolver *r, const struct cache_group *cg, struct strings *out)
{
	const struct cache_user *cu;
	uint32_t i;

	for (i = 0; cg->m != NULL && i < cg->m->n; i++) {
		const struct member *m = &cg->m->v[i];

		cu = cache_user_by_key(&r->cache, cache_key(&r->cache, m->name, m->spn));
		if (cu == NULL || !streq(cu->u->spn, m->spn)) {
			if (members_stranger_is_shown(r, m->name, m->spn))
				strings_add(out, view_user_name(r, m->name, m->spn));
			continue;
		}
		if (cu->t.fetched > cg->members_at && !carries(cu, cg->g))
			continue;
		if (view_judge_user(r, cu) == VERDICT_SHOWN)
			strings_add(out, view_user_name(r, cu->u->name, cu->u->spn));
	}
}

void
members_collect(struct resolver *r, const struct cache_group *cg, struct strings *out)
{
	size_t i;

	add_listed(r, cg, out);
	for (i = 0; i < cg->n_carriers; i++) {
		const struct cache_user *cu = cg->carriers[i];

		if (view_judge_user(r, cu) == VERDICT_SHOWN)
			strings_add(out, view_user_name(r, cu->u->name, cu->u->spn));
	}
}

/* `m` is sorted by spn. */
static bool
lists(const struct members *m, const char *spn)
{
	uint32_t low = 0, high = m != NULL ? m->n : 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = strcmp(m->v[mid].spn, spn);

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static struct members *
without(const struct members *m, const char *spn)
{
	cleanup_(freep) struct member *v = xcalloc(m->n, sizeof(*v));
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		if (!streq(m->v[i].spn, spn))
			v[n++] = m->v[i];
	}
	return members_new(v, n);
}

static void
drop(struct resolver *r, const char *spn, bool for_good)
{
	struct cache_group *cg;
	size_t pos;

	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		if (!lists(cg->m, spn))
			continue;
		if (for_good)
			leftout_add(&r->leftouts, &cg->g->uuid, cg->m, spn);
		cache_group_set_members(cg, without(cg->m, spn));
		learn_store_group(r, cg);
		show_group_later(r, cg);
	}
}

void
members_drop(struct resolver *r, const char *spn)
{
	drop(r, spn, false);
}

void
members_leave_out(struct resolver *r, const char *id)
{
	cleanup_(freep) char *spn = NULL;

	if (strchr(id, '@') != NULL) {
		drop(r, id, true);
	} else if (r->cache.own_domain[0] != '\0') {
		spn = xasprintf("%s@%s", id, r->cache.own_domain);
		drop(r, spn, true);
	}
}

bool
members_is_in(const struct cache_group *cg, const struct cache_user *cu)
{
	if (carries(cu, cg->g))
		return true;
	return cu->t.fetched <= cg->members_at && lists(cg->m, cu->u->spn);
}

bool
members_looks_the_same(const struct resolver *r, const struct cache_group *cg,
    const struct cache_user *cu)
{
	size_t len = strlen(cu->u->name);

	return strncmp(cu->u->spn, cu->u->name, len) == 0 && cu->u->spn[len] == '@' &&
	    lists(cg->m, cu->u->spn) && carries(cu, cg->g) &&
	    members_stranger_is_shown(r, cu->u->name, cu->u->spn) &&
	    view_judge_user(r, cu) == VERDICT_SHOWN;
}

void
members_recheck(struct resolver *r, const struct cache_user *cu)
{
	struct cache_group *cg;
	size_t pos;

	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		if (lists(cg->m, cu->u->spn) && !carries(cu, cg->g))
			show_group_later(r, cg);
	}
}
