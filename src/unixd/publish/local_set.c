/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which local names are published as "not ours", and a last look at every record for the
 * rule that local wins. The resolver has applied that rule already; it is cheap to apply it
 * once more where records become visible to the whole host.
 */
#include "src/unixd/publish/local_set.h"

#include <stdlib.h>
#include <string.h>

#include "src/prog/xalloc.h"
#include "src/unixd/publish/record.h"

int
local_item_compare(const void *a, const void *b)
{
	const struct local_item *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r != 0 ? r : (x->id > y->id) - (x->id < y->id);
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct fill {
	const struct local_set *set;
	struct local_list *list;
};

static void
add(void *arg, const char *name, uint32_t id)
{
	struct fill *f = arg;
	struct local_list *l = f->list;

	if (local_set_is_excepted(f->set, name))
		return;
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 64 : l->cap * 2;
		l->by_name = xreallocarray(l->by_name, l->cap, sizeof(l->by_name[0]));
	}
	l->by_name[l->n++] = (struct local_item){ xstrdup(name), id };
	l->bytes += record_text_entry_size(strlen(name));
}

static void
sort(struct local_list *l)
{
	if (l->n == 0)
		return;
	qsort(l->by_name, l->n, sizeof(l->by_name[0]), local_item_compare);
	l->ids = xcalloc(l->n, sizeof(l->ids[0]));
	for (size_t i = 0; i < l->n; i++)
		l->ids[i] = l->by_name[i].id;
	qsort(l->ids, l->n, sizeof(l->ids[0]), compare_ids);
}

void
local_set_fill(struct local_set *s, const struct local *l, const char *const *except)
{
	struct fill users = { s, &s->users }, groups = { s, &s->groups };

	*s = (struct local_set){ 0 };
	while (except != NULL && except[s->n_except] != NULL)
		s->n_except++;
	if (s->n_except > 0) {
		s->except = xcalloc(s->n_except, sizeof(s->except[0]));
		for (size_t i = 0; i < s->n_except; i++)
			s->except[i] = xstrdup(except[i]);
		qsort(s->except, s->n_except, sizeof(s->except[0]), compare_names);
	}
	if (l == NULL)
		return;
	local_each_user(l, add, &users);
	local_each_group(l, add, &groups);
	sort(&s->users);
	sort(&s->groups);
	s->passwd = local_passwd_ident(l);
	s->group = local_group_ident(l);
}

static void
clear_list(struct local_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->by_name[i].name);
	free(l->by_name);
	free(l->ids);
}

void
local_set_clear(struct local_set *s)
{
	clear_list(&s->users);
	clear_list(&s->groups);
	for (size_t i = 0; i < s->n_except; i++)
		free(s->except[i]);
	free(s->except);
	*s = (struct local_set){ 0 };
}

static bool
lists_equal(const struct local_list *a, const struct local_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (local_item_compare(&a->by_name[i], &b->by_name[i]) != 0)
			return false;
	return true;
}

bool
local_set_equal(const struct local_set *a, const struct local_set *b)
{
	if (a->n_except != b->n_except || !lists_equal(&a->users, &b->users) ||
	    !lists_equal(&a->groups, &b->groups))
		return false;
	for (size_t i = 0; i < a->n_except; i++)
		if (strcmp(a->except[i], b->except[i]) != 0)
			return false;
	return true;
}

/* The first item of this name; its id in *ret_id. */
static bool
has_name(const struct local_list *l, const char *name, uint32_t *ret_id)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(l->by_name[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == l->n || strcmp(l->by_name[low].name, name) != 0)
		return false;
	*ret_id = l->by_name[low].id;
	return true;
}

static bool
has_id(const struct local_list *l, uint32_t id)
{
	return l->n > 0 &&
	    bsearch(&id, l->ids, l->n, sizeof(l->ids[0]), compare_ids) != NULL;
}

bool
local_set_is_excepted(const struct local_set *s, const char *name)
{
	return s->n_except > 0 &&
	    bsearch(&name, s->except, s->n_except, sizeof(s->except[0]), compare_names) !=
	    NULL;
}

bool
local_set_hides_user(const struct local_set *s, const char *name, uint32_t id)
{
	uint32_t there;

	return has_name(&s->users, name, &there) || has_id(&s->users, id);
}

bool
local_set_hides_group(const struct local_set *s, const char *name, uint32_t id)
{
	uint32_t there;

	if (has_name(&s->groups, name, &there))
		return there != id;
	return has_id(&s->groups, id);
}
