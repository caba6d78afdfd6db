/* SPDX-License-Identifier: MPL-2.0 */
/*
 * For each group concerned: a fingerprint of the list as the server sends it, and of
 * everybody on it who was not to be had. A list that differs says that something has
 * changed, and then everybody on it deserves a new chance. Both are keyed hashes: a list may
 * have a hundred thousand names, and each of them may turn out to be nobody.
 */
#include "src/unixd/resolver/leftout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/model/model.h"

struct leftout {
	struct list link; /* the oldest first */
	struct uuid group;
	struct leftout_print list;
	uint64_t *out; /* ascending */
	uint32_t n_out, cap;
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
	free(g->out);
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

static uint64_t
hash_of(const char *spn)
{
	return hmap_hash(spn, strlen(spn));
}

void
leftout_print_add(struct leftout_print *p, const char *spn)
{
	p->sum += hash_of(spn);
	p->n++;
}

/* The first one that is not below. */
static uint32_t
place_of(const struct leftout *g, uint64_t hash)
{
	uint32_t low = 0, high = g->n_out;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (g->out[mid] < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_out(const struct leftout *g, uint64_t hash)
{
	uint32_t at = place_of(g, hash);

	return at < g->n_out && g->out[at] == hash;
}

static void
put_out(struct leftout *g, uint64_t hash)
{
	uint32_t at = place_of(g, hash);

	if (is_out(g, hash))
		return;
	if (g->n_out == g->cap) {
		g->cap += g->cap / 2 + 4;
		g->out = xreallocarray(g->out, g->cap, sizeof(*g->out));
	}
	memmove(g->out + at + 1, g->out + at, (g->n_out - at) * sizeof(*g->out));
	g->out[at] = hash;
	g->n_out++;
}

bool
leftout_more(struct leftouts *l, const struct uuid *group, const char *spn)
{
	struct leftout *g = find(l, group);

	if (g != NULL)
		put_out(g, hash_of(spn));
	return g != NULL;
}

void
leftout_add(struct leftouts *l, const struct uuid *group,
    const struct leftout_print *shown, const char *spn)
{
	struct leftout *g;

	if (leftout_more(l, group, spn))
		return;
	if (l->n >= LEFTOUT_GROUPS)
		drop(l, container_of(l->groups.next, struct leftout, link));
	g = xcalloc(1, sizeof(*g));
	g->group = *group;
	g->list = *shown;
	list_append(&l->groups, &g->link);
	l->n++;
	put_out(g, hash_of(spn));
}

void
leftout_readmit(struct leftouts *l, const char *spn)
{
	uint64_t hash = hash_of(spn);
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &l->groups) {
		struct leftout *g = container_of(it, struct leftout, link);
		uint32_t at = place_of(g, hash);

		if (!is_out(g, hash))
			continue;
		g->n_out--;
		memmove(g->out + at, g->out + at + 1, (g->n_out - at) * sizeof(*g->out));
		if (g->n_out == 0)
			drop(l, g);
	}
}

struct members *
leftout_apply(struct leftouts *l, const struct uuid *group, struct members *list)
{
	struct leftout *g = find(l, group);
	cleanup_(freep) struct member *v = NULL;
	struct leftout_print print = { 0 };
	size_t n = 0;
	uint32_t i;

	if (g == NULL)
		return members_ref(list);
	v = xcalloc(list->n + 1, sizeof(*v));
	for (i = 0; i < list->n; i++) {
		uint64_t hash = hash_of(list->v[i].spn);

		print.sum += hash;
		print.n++;
		if (!is_out(g, hash))
			v[n++] = list->v[i];
	}
	if (print.sum != g->list.sum || print.n != g->list.n) {
		drop(l, g);
		return members_ref(list);
	}
	return members_new(v, n);
}
