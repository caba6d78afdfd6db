/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is to be fetched ahead, and who first? Everybody on the lists of the small groups,
 * each once, sorted; from that a queue of those who are due is made whenever the last one
 * has been worked off. What is due is not written down anywhere: it follows from when the
 * record was fetched, so that people who were looked up meanwhile, and records that a
 * restart has brought back, need no renewal.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"

/* A tenth earlier or later, always the same for one name within one run. */
int32_t
prefetch_spread(int32_t renewal, const char *who)
{
	uint64_t hash = hmap_hash(who, strlen(who));

	return renewal - renewal / 10 + (int32_t)(hash % (uint64_t)(renewal / 5 + 1));
}

/* A newer record of the person names none of the groups that list her. */
static bool
has_left(const struct resolver *r, const struct cache_user *cu)
{
	const struct prefetch *p = &r->prefetch;
	size_t i;

	for (i = 0; i < p->n_groups; i++) {
		const struct cache_group *cg;

		if (p->groups[i].list == NULL)
			continue;
		cg = cache_group_find(&r->cache, &p->groups[i].name);
		if (cg != NULL && members_is_in(cg, cu))
			return false;
	}
	return true;
}

enum prefetch_person
prefetch_person(const struct resolver *r, const struct prefetch_item *it,
    int32_t *ret_due)
{
	const char *key = cache_key(&r->cache, it->name, it->spn);
	const struct cache_user *cu = cache_user_by_key(&r->cache, key);

	*ret_due = it->not_before;
	if (cu == NULL)
		return members_stranger_is_shown(r, it->name, it->spn) ? PREFETCH_MISSING
								       : PREFETCH_NOT;
	if (!streq(cu->u->spn, it->spn) || has_left(r, cu) ||
	    (local_has_user(r->ports.local, key) && !view_is_overridden_user(r, cu)))
		return PREFETCH_NOT;
	if (cu->t.fetched + prefetch_spread(prefetch_renewal_s(r), it->spn) > *ret_due)
		*ret_due = cu->t.fetched +
		    prefetch_spread(prefetch_renewal_s(r), it->spn);
	return PREFETCH_KNOWN;
}

/* ---- lists ---- */

static int
compare_items(const void *a, const void *b)
{
	const struct prefetch_item *x = a, *y = b;

	return strcmp(x->spn, y->spn);
}

struct prefetch_item *
prefetch_find(const struct prefetch *p, const char *spn)
{
	const struct prefetch_item wanted = { .spn = spn };

	return p->n_items == 0
	    ? NULL
	    : bsearch(&wanted, p->items, p->n_items, sizeof(*p->items), compare_items);
}

/* The group when its people are to be fetched and their list is known. `left`: room. */
static const struct cache_group *
group_to_fetch(const struct resolver *r, struct prefetch_group *g, size_t *left)
{
	const struct cache_group *cg = cache_group_find(&r->cache, &g->name);

	g->too_large = cg != NULL && cg->has_list &&
	    (cg->n_listed > r->prefetch.max || cg->n_listed > *left);
	if (cg == NULL || !cg->has_list || g->too_large)
		return NULL;
	*left -= cg->n_listed;
	return cg;
}

/* Items of the lists in `lists`; what was put off stays put off. */
static void
make_items(struct prefetch *p, struct members *const *lists)
{
	struct prefetch_item *items;
	size_t i, n = 0;
	uint32_t k;

	for (i = 0; i < p->n_groups; i++)
		n += lists[i] != NULL ? lists[i]->n : 0;
	items = xcalloc(n + 1, sizeof(*items));
	n = 0;
	for (i = 0; i < p->n_groups; i++) {
		for (k = 0; lists[i] != NULL && k < lists[i]->n; k++) {
			items[n].name = lists[i]->v[k].name;
			items[n++].spn = lists[i]->v[k].spn;
		}
	}
	if (n > 0)
		qsort(items, n, sizeof(*items), compare_items);
	for (i = 0, k = 0; i < n; i++) {
		const struct prefetch_item *old;

		if (k > 0 && streq(items[k - 1].spn, items[i].spn))
			continue;
		items[k] = items[i];
		old = prefetch_find(p, items[k].spn);
		if (old != NULL)
			items[k].not_before = old->not_before;
		k++;
	}
	free(p->items);
	p->items = items;
	p->n_items = k;
	p->n_queue = 0;
	p->next = 0;
}

bool
prefetch_adopt_lists(struct resolver *r)
{
	struct prefetch *p = &r->prefetch;
	cleanup_(freep) struct members **lists = xcalloc(p->n_groups + 1, sizeof(*lists));
	size_t i, left = PREFETCH_PEOPLE;
	bool changed = false;

	for (i = 0; i < p->n_groups; i++) {
		struct prefetch_group *g = &p->groups[i];
		const struct cache_group *cg = group_to_fetch(r, g, &left);
		uint32_t version = cg != NULL ? cg->list_version : 0;

		if (version == g->list_version)
			lists[i] = members_ref(g->list);
		else if (cg != NULL)
			lists[i] = cache_group_copy_list(&r->cache, cg);
		changed = changed || version != g->list_version;
		g->list_version = version;
	}
	if (changed)
		make_items(p, lists);
	for (i = 0; i < p->n_groups; i++) {
		members_unref(p->groups[i].list);
		p->groups[i].list = lists[i];
	}
	return changed;
}

void
prefetch_forget_lists(struct prefetch *p)
{
	size_t i;

	for (i = 0; i < p->n_groups; i++) {
		members_unref(p->groups[i].list);
		p->groups[i].list = NULL;
		p->groups[i].list_version = 0;
	}
	free(p->items);
	free(p->queue);
	p->items = NULL;
	p->queue = NULL;
	p->n_items = p->n_queue = p->next = 0;
	p->n_people = p->n_missing = 0;
}

/* ---- the queue ---- */

static int
compare_due(const void *a, const void *b)
{
	const struct prefetch_due *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* Those never fetched go first, then the oldest. */
void
prefetch_survey(struct resolver *r)
{
	const int32_t now = resolver_boot_s(r);
	struct prefetch *p = &r->prefetch;
	size_t i;

	free(p->queue);
	p->queue = xcalloc(p->n_items + 1, sizeof(*p->queue));
	p->n_queue = p->next = 0;
	p->n_people = p->n_missing = 0;
	p->next_due = INT32_MAX;
	for (i = 0; i < p->n_items; i++) {
		enum prefetch_person what;
		int32_t due;

		what = prefetch_person(r, &p->items[i], &due);
		if (what == PREFETCH_NOT)
			continue;
		p->n_people++;
		p->n_missing += what == PREFETCH_MISSING;
		if (due <= now)
			p->queue[p->n_queue++] = (struct prefetch_due){
				what == PREFETCH_MISSING ? INT32_MIN : due, (uint32_t)i
			};
		else if (due < p->next_due)
			p->next_due = due;
	}
	if (p->n_queue > 0)
		qsort(p->queue, p->n_queue, sizeof(*p->queue), compare_due);
}
