/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A local account that comes or goes while the map is in use. The names go into the file
 * that readers have, so that useradd(8) costs a few entries and not another generation; what
 * a new local name or id hides is taken out in the same breath.
 */
#include <string.h>

#include "src/unixd/publish/state.h"

/* An entry with the name or the id of a local one is hidden, or (a group that extends it)
 * stands in front of it. */
static void
settle(struct publish *p, enum ku_map_kind kind, uint32_t id)
{
	const uint8_t *rec = entries_find(p, kind, id);

	if (rec != NULL && entries_is_hidden(p, rec))
		entries_drop(p, kind, id);
	else if (rec != NULL)
		entries_renew(p, rec);
}

static bool
add_item(struct publish *p, enum ku_map_kind kind, const struct local_item *l)
{
	bool fits = gen_put_local(&p->cur, kind, l->name, l->id);
	uint32_t off;

	/* Their order in a build under way is that of the list: anew, if it is at that. */
	if (p->build.phase == BUILD_LOCAL ||
	    (p->build.phase > BUILD_LOCAL &&
		!gen_put_local(&p->build.next, kind, l->name, l->id)))
		build_restart(p);
	settle(p, kind, l->id);
	off = gen_find_key(&p->cur, kind, l->name, strlen(l->name));
	if (off != 0 && gen_load(&p->cur, off, KU_MAP_E_ID) != l->id)
		settle(p, kind, gen_load(&p->cur, off, KU_MAP_E_ID));
	entries_drop_negative(p, kind, l->name, 0);
	return fits;
}

static void
drop_item(struct publish *p, enum ku_map_kind kind, const struct local_item *l)
{
	gen_drop_local(&p->cur, kind, l->name, l->id);
	if (p->build.phase == BUILD_LOCAL)
		build_restart(p);
	else if (p->build.phase > BUILD_LOCAL)
		gen_drop_local(&p->build.next, kind, l->name, l->id);
}

/*
 * Those of `a` that are not in `b`, both sorted, each as often as it is there. New ones come
 * first: a reader on its way through a chain that meets the old id of a name just as it is
 * marked looks a second time and finds the new one.
 */
static bool
apply(struct publish *p, enum ku_map_kind kind, const struct local_list *a,
    const struct local_list *b, bool add)
{
	bool fits = true;
	size_t k = 0;

	for (size_t i = 0; i < a->n; i++) {
		int r = 1;

		while (k < b->n &&
		    (r = local_item_compare(&b->by_name[k], &a->by_name[i])) < 0)
			k++;
		if (k < b->n && r == 0)
			k++;
		else if (add)
			fits = add_item(p, kind, &a->by_name[i]) && fits;
		else
			drop_item(p, kind, &a->by_name[i]);
	}
	return fits;
}

bool
local_apply(struct publish *p, const struct local_set *old)
{
	bool fits = true;

	if (p->cur.base == NULL) {
		if (p->build.phase >= BUILD_LOCAL)
			build_restart(p);
		return true;
	}
	for (unsigned group = 0; group < 2; group++) {
		enum ku_map_kind kind = group ? KU_MAP_GROUP : KU_MAP_USER;
		const struct local_list *was = LOCAL_SET_LIST(old, group),
					*is = LOCAL_SET_LIST(&p->local, group);

		fits = apply(p, kind, is, was, true) && fits;
		(void)apply(p, kind, was, is, false);
	}
	if (gen_is_crowded(&p->cur))
		build_want(p, false);
	return fits;
}
