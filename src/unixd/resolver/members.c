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

static bool
is_sorted_unique(const struct strings *s)
{
	for (size_t i = 1; i < s->n; i++) {
		if (strcmp(s->v[i - 1], s->v[i]) >= 0)
			return false;
	}
	return true;
}

void
strings_sort_unique(struct strings *s)
{
	size_t i, n = 0;

	if (s->n == 0 || is_sorted_unique(s))
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare_text);
	for (i = 0; i < s->n; i++) {
		if (n == 0 || !streq(s->v[n - 1], s->v[i]))
			s->v[n++] = s->v[i];
	}
	s->n = n;
}

bool
members_stranger_is_shown(const struct resolver *r, const char *name, const char *spn)
{
	const struct subject s = { cache_key(&r->cache, name, spn), spn, NULL };

	return filter_is_overridden(&r->filter, &s) ||
	    !local_has_user(r->ports.local, s.key);
}

/* Is this one in the group for all we know? */
static bool
is_in(const struct resolver *r, const struct cache_group *cg,
    const struct cache_person *p)
{
	if (p->cu == NULL)
		return members_stranger_is_shown(r, p->name, p->spn);
	if (!p->carries && p->cu->t.fetched > cg->members_at)
		return false;
	return view_judge_user(r, p->cu) == VERDICT_SHOWN;
}

void
members_collect(struct resolver *r, const struct cache_group *cg, struct strings *out)
{
	struct cache_person p;
	size_t pos = 0;

	while (cache_group_person(&r->cache, cg, &pos, &p)) {
		if (is_in(r, cg, &p))
			strings_add(out, view_person_name(r, &p));
	}
}

/* She is on the list; that she is nobody holds for as long as the server sends this list. */
static void
leave_out(struct resolver *r, const struct cache_group *cg, const char *spn)
{
	struct leftout_print print = { 0 };
	struct cache_person p;
	size_t pos = 0;

	if (leftout_more(&r->leftouts, &cg->g->uuid, spn))
		return;
	while (cache_group_person(&r->cache, cg, &pos, &p)) {
		if (p.listed)
			leftout_print_add(&print, p.spn);
	}
	leftout_add(&r->leftouts, &cg->g->uuid, &print, spn);
}

static void
drop(struct resolver *r, const char *spn, bool for_good)
{
	uint32_t number = cache_person_number(&r->cache, spn);
	struct cache_group *cg;
	size_t pos;

	if (number == 0)
		return;
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		if ((cast_get(&cg->cast, number) & CAST_LISTED) == 0)
			continue;
		if (for_good)
			leave_out(r, cg, spn);
		cache_group_unlist(&r->cache, cg, number);
		/* Anybody can ask for thousands who are nobody, one after another. */
		if (for_good)
			cg->to_store = true;
		else
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
	uint32_t flags = cast_get(&cg->cast, cu->number);

	return (flags & CAST_CARRIES) != 0 ||
	    ((flags & CAST_LISTED) != 0 && cu->t.fetched <= cg->members_at);
}

bool
members_looks_the_same(const struct resolver *r, const struct cache_group *cg,
    const struct cache_user *cu)
{
	return cast_get(&cg->cast, cu->number) == (CAST_LISTED | CAST_CARRIES) &&
	    members_stranger_is_shown(r, cu->u->name, cu->u->spn) &&
	    view_judge_user(r, cu) == VERDICT_SHOWN;
}

void
members_recheck(struct resolver *r, const struct cache_user *cu)
{
	struct cache_group *cg;
	size_t pos;

	if (cu->listed == 0)
		return;
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos)) {
		if (cast_get(&cg->cast, cu->number) == CAST_LISTED)
			show_group_later(r, cg);
	}
}

void
members_of_user_changed(struct resolver *r, const struct cache_user *cu)
{
	for (uint32_t i = 0; i < cu->u->n_groups; i++) {
		struct cache_group *cg = cache_group_of(&r->cache, cu->u->groups[i]);

		if (cg != NULL)
			show_group_later(r, cg);
	}
}
