/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For each group concerned: the list as the server sends it, and a mark for everybody on
 * it who was not to be had. A list that differs says that something has changed, and then
 * everybody on it deserves a new chance.
 */
#include "src/unixd/resolver/leftout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/model/model.h"

struct leftout {
	struct list link; /* the oldest first */
	struct uuid group;
	struct members *list;
	uint32_t n_out;
	bool out[];
};

void
leftout_init(struct leftouts *l)
{
	list_init(&l->groups);
	l->n = 0;
}

static void
drop(struct leftouts *l, struct leftout *g)
{
	list_remove(&g->link);
	members_unref(g->list);
	free(g);
	l->n--;
}

void
leftout_clear(struct leftouts *l)
{
	while (!list_is_empty(&l->groups))
		drop(l, container_of(l->groups.next, struct leftout, link));
}

static struct leftout *
find(const struct leftouts *l, const struct uuid *group)
{
	struct list *it;

	list_for_each(it, &l->groups) {
		struct leftout *g = container_of(it, struct leftout, link);

		if (uuid_equal(&g->group, group))
			return g;
	}
	return NULL;
}

static int
compare_spn(const void *key, const void *element)
{
	const struct member *m = element;

	return strcmp(key, m->spn);
}

/* Her mark, or NULL. */
static bool *
mark_of(struct leftout *g, const char *spn)
{
	const struct member *m = bsearch(spn, g->list->v, g->list->n, sizeof(*m),
	    compare_spn);

	return m != NULL ? &g->out[m - g->list->v] : NULL;
}

void
leftout_add(struct leftouts *l, const struct uuid *group, struct members *shown,
    const char *spn)
{
	struct leftout *g = find(l, group);
	bool *mark;

	if (g == NULL || mark_of(g, spn) == NULL) {
		if (g != NULL)
			drop(l, g);
		else if (l->n >= LEFTOUT_GROUPS)
			drop(l, container_of(l->groups.next, struct leftout, link));
		g = xcalloc(1, sizeof(*g) + shown->n);
		g->group = *group;
		g->list = members_ref(shown);
		list_append(&l->groups, &g->link);
		l->n++;
	}
	mark = mark_of(g, spn);
	if (mark == NULL || *mark)
		return;
	*mark = true;
	g->n_out++;
}

void
leftout_readmit(struct leftouts *l, const char *spn)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &l->groups) {
		struct leftout *g = container_of(it, struct leftout, link);
		bool *mark = mark_of(g, spn);

		if (mark == NULL || !*mark)
			continue;
		*mark = false;
		if (--g->n_out == 0)
			drop(l, g);
	}
}

struct members *
leftout_apply(struct leftouts *l, const struct uuid *group, struct members *list)
{
	struct leftout *g = find(l, group);
	cleanup_(freep) struct member *v = NULL;
	size_t n = 0;
	uint32_t i;

	if (g == NULL)
		return members_ref(list);
	if (!members_equal(g->list, list)) {
		drop(l, g);
		return members_ref(list);
	}
	v = xcalloc(list->n + 1, sizeof(*v));
	for (i = 0; i < list->n; i++) {
		if (!g->out[i])
			v[n++] = list->v[i];
	}
	return members_new(v, n);
}
