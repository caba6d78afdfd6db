/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Records in one block each.
 *
 * A host may know 100,000 people, so what counts here is bytes per person: a record is one
 * allocation (struct, then its arrays, then its strings, in the order of falling
 * alignment), and a group that a thousand people are in exists once, because people hold
 * references to it. Nothing is ever changed in place except who shares what, so a pointer
 * into a record is good for as long as the reference is.
 */
#include "src/unixd/model/model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

/* Copies a string to *at and moves *at behind it. */
static const char *
place(char **at, const char *s)
{
	size_t size = strlen(s) + 1;
	char *p = *at;

	memcpy(p, s, size);
	*at += size;
	return p;
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return streq(a, b);
}

struct groupid *
groupid_new(const struct uuid *uuid, uint32_t gid, const char *name, const char *spn)
{
	struct groupid *g = xmalloc(sizeof(*g) + strlen(name) + 1 + strlen(spn) + 1);
	char *at = (char *)(g + 1);

	g->refs = 1;
	g->gid = gid;
	g->uuid = *uuid;
	g->name = place(&at, name);
	g->spn = place(&at, spn);
	return g;
}

struct groupid *
groupid_ref(struct groupid *g)
{
	if (g == NULL)
		return NULL;
	if (g->refs == 0)
		return groupid_new(&g->uuid, g->gid, g->name, g->spn);
	g->refs++;
	return g;
}

struct groupid *
groupid_unref(struct groupid *g)
{
	if (g != NULL && g->refs != 0 && --g->refs == 0)
		free(g);
	return NULL;
}

bool
groupid_equal(const struct groupid *a, const struct groupid *b)
{
	if (a == b)
		return true;
	return a->gid == b->gid && uuid_equal(&a->uuid, &b->uuid) &&
	    streq(a->name, b->name) && streq(a->spn, b->spn);
}

static size_t
user_text_size(const struct user *u)
{
	size_t size = strlen(u->name) + 1 + strlen(u->spn) + 1 + strlen(u->displayname) +
	    1;

	if (u->shell != NULL)
		size += strlen(u->shell) + 1;
	for (uint32_t i = 0; i < u->n_keys; i++)
		size += strlen(u->sshkeys[i]) + 1;
	return size;
}

/* Every person has one like this, and nobody else is in it. */
static bool
is_private(const struct user *u, const struct groupid *g)
{
	return g->gid == u->id && uuid_equal(&g->uuid, &u->uuid) &&
	    streq(g->name, u->name) && streq(g->spn, u->spn);
}

struct user *
user_new(const struct user *tmpl)
{
	bool has_private = tmpl->n_groups > 0 && is_private(tmpl, tmpl->groups[0]);
	size_t groups_size = tmpl->n_groups * sizeof(tmpl->groups[0]);
	size_t keys_size = tmpl->n_keys * sizeof(tmpl->sshkeys[0]);
	size_t private_size = has_private ? sizeof(struct groupid) : 0;
	struct user *u = xmalloc(
	    sizeof(*u) + private_size + groups_size + keys_size + user_text_size(tmpl));
	struct groupid *private = (struct groupid *)(u + 1);
	struct groupid **groups = (void *)((char *)private + private_size);
	const char **keys = (void *)(groups + tmpl->n_groups);
	char *at = (char *)(keys + tmpl->n_keys);

	*u = *tmpl;
	u->refs = 1;
	u->groups = groups;
	u->name = place(&at, tmpl->name);
	u->spn = place(&at, tmpl->spn);
	if (has_private)
		*private = (struct groupid){ 0, u->id, u->uuid, u->name, u->spn };
	for (uint32_t i = 0; i < tmpl->n_groups; i++)
		groups[i] = i == 0 && has_private ? private
						  : groupid_ref(tmpl->groups[i]);
	u->displayname = place(&at, tmpl->displayname);
	u->shell = tmpl->shell == NULL ? NULL : place(&at, tmpl->shell);
	for (uint32_t i = 0; i < tmpl->n_keys; i++)
		keys[i] = place(&at, tmpl->sshkeys[i]);
	u->sshkeys = keys;
	return u;
}

struct user *
user_ref(struct user *u)
{
	if (u != NULL)
		u->refs++;
	return u;
}

struct user *
user_unref(struct user *u)
{
	if (u == NULL || --u->refs != 0)
		return NULL;
	for (uint32_t i = 0; i < u->n_groups; i++)
		groupid_unref(u->groups[i]);
	free(u);
	return NULL;
}

bool
user_equal(const struct user *a, const struct user *b)
{
	if (a == b)
		return true;
	if (a->id != b->id || !uuid_equal(&a->uuid, &b->uuid) || a->valid != b->valid ||
	    a->n_groups != b->n_groups || a->n_keys != b->n_keys)
		return false;
	if (!streq(a->name, b->name) || !streq(a->spn, b->spn) ||
	    !streq(a->displayname, b->displayname) || !same_text(a->shell, b->shell))
		return false;
	for (uint32_t i = 0; i < a->n_groups; i++)
		if (!groupid_equal(a->groups[i], b->groups[i]))
			return false;
	for (uint32_t i = 0; i < a->n_keys; i++)
		if (!streq(a->sshkeys[i], b->sshkeys[i]))
			return false;
	return true;
}

void
user_share_group(struct user *u, uint32_t index, struct groupid *g)
{
	assert(index < u->n_groups);
	if (u->groups[index] == g)
		return;
	g = groupid_ref(g);
	groupid_unref(u->groups[index]);
	u->groups[index] = g;
}

static int
member_cmp(const void *a, const void *b)
{
	const struct member *x = a;
	const struct member *y = b;

	return strcmp(x->spn, y->spn);
}

static bool
is_sorted(const struct member *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (member_cmp(&v[i - 1], &v[i]) > 0)
			return false;
	}
	return true;
}

struct members *
members_new(const struct member *v, size_t n)
{
	struct member *sorted cleanup_(freep) = NULL;
	struct member *out;
	struct members *m;
	size_t text = 0;
	size_t kept = 0;
	char *at;

	assert(n <= MODEL_MAX_MEMBERS);
	sorted = xreallocarray(NULL, n + 1, sizeof(*sorted));
	if (n > 0) {
		memcpy(sorted, v, n * sizeof(*v));
		if (!is_sorted(sorted, n))
			qsort(sorted, n, sizeof(*sorted), member_cmp);
	}
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && streq(sorted[kept - 1].spn, sorted[i].spn))
			continue;
		sorted[kept++] = sorted[i];
		text += strlen(sorted[i].name) + 1 + strlen(sorted[i].spn) + 1;
	}
	m = xmalloc(sizeof(*m) + kept * sizeof(*out) + text);
	out = (struct member *)(m + 1);
	at = (char *)(out + kept);
	for (size_t i = 0; i < kept; i++) {
		out[i].name = place(&at, sorted[i].name);
		out[i].spn = place(&at, sorted[i].spn);
	}
	m->refs = 1;
	m->n = (uint32_t)kept;
	m->v = out;
	return m;
}

/* ... and each of them once. */
static bool
is_ascending(const struct member *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (member_cmp(&v[i - 1], &v[i]) >= 0)
			return false;
	}
	return true;
}

struct members *
members_of_text(const struct member *v, size_t n, const char *text, size_t size)
{
	struct member *out;
	struct members *m;
	char *copy;

	assert(n <= MODEL_MAX_MEMBERS);
	if (n == 0 || !is_ascending(v, n))
		return members_new(v, n);
	m = xmalloc(sizeof(*m) + n * sizeof(*out) + size);
	out = (struct member *)(m + 1);
	copy = memcpy(out + n, text, size);
	for (size_t i = 0; i < n; i++) {
		out[i].name = copy + (v[i].name - text);
		out[i].spn = copy + (v[i].spn - text);
	}
	m->refs = 1;
	m->n = (uint32_t)n;
	m->v = out;
	return m;
}

struct members *
members_ref(struct members *m)
{
	if (m != NULL)
		m->refs++;
	return m;
}

struct members *
members_unref(struct members *m)
{
	if (m != NULL && --m->refs == 0)
		free(m);
	return NULL;
}

bool
members_equal(const struct members *a, const struct members *b)
{
	if (a == b)
		return true;
	if (a == NULL || b == NULL || a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!streq(a->v[i].spn, b->v[i].spn) ||
		    !streq(a->v[i].name, b->v[i].name))
			return false;
	return true;
}
