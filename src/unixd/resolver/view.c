/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From a server record to the line that NSS shows: names by uid_attr_map and gid_attr_map
 * (people from another domain always by SPN), home, shell, and only those groups whose
 * numbers may be given away on this host.
 *
 * Assembled each time it is asked for: configuration, local files and other records all
 * have a say, and a line built from what was true earlier is how caches come to lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"

#define SORT_MAX 4096u
#define FEW      32u /* are sorted without a call for each comparison */

void
view_buf_done(struct view_buf *b)
{
	free(b->mem);
	b->mem = NULL;
}

static const char *
shown_name(const struct resolver *r, enum name_attr map, const char *name,
    const char *spn)
{
	if (map == NAME_ATTR_NAME && !cache_is_foreign(&r->cache, spn))
		return name;
	return spn;
}

const char *
view_person_name(const struct resolver *r, const struct cache_person *p)
{
	return r->config->uid_attr_map == NAME_ATTR_NAME && !p->foreign ? p->name
									: p->spn;
}

const char *
view_user_name(const struct resolver *r, const char *name, const char *spn)
{
	return shown_name(r, r->config->uid_attr_map, name, spn);
}

const char *
view_group_name(const struct resolver *r, const char *name, const char *spn)
{
	return shown_name(r, r->config->gid_attr_map, name, spn);
}

/* ---- may it be shown? ---- */

static struct subject
subject_of(const struct resolver *r, const char *name, const char *spn,
    const struct uuid *uuid)
{
	return (struct subject){ cache_key(&r->cache, name, spn), spn, uuid };
}

static struct subject
subject_of_user(const struct cache_user *cu)
{
	return (struct subject){ cache_user_key(cu), cu->u->spn, &cu->u->uuid };
}

void
view_judge_anew(struct resolver *r)
{
	struct cache_group *cg;
	struct cache_user *cu;
	size_t pos;

	if (++r->judge_epoch != 0)
		return;
	r->judge_epoch = 1;
	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos))
		cu->judged = 0;
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		cg->judged = 0;
}

/* Kept in the entry until the record or the rules change: a group with everybody in it
 * asks about everybody. */
enum verdict
view_judge_user(const struct resolver *r, const struct cache_user *asked)
{
	/* Remembering is no change of the entry. */
	struct cache_user *cu = (struct cache_user *)(uintptr_t)asked;
	struct subject s;

	if (cu->judged == r->judge_epoch)
		return (enum verdict)cu->verdict;
	s = subject_of_user(cu);
	cu->verdict = (uint8_t)(cu->held ? VERDICT_HELD
					 : filter_user(&r->filter, &s, cu->uid));
	cu->judged = r->judge_epoch;
	return (enum verdict)cu->verdict;
}

bool
view_is_overridden_user(const struct resolver *r, const struct cache_user *cu)
{
	const struct subject s = subject_of_user(cu);

	return filter_is_overridden(&r->filter, &s);
}

/* The server forbids a group with the name or number of a person's private group; should
 * it appear nevertheless, the person's stands. */
static bool
is_private_of_somebody(const struct resolver *r, const struct groupid *g)
{
	const struct cache_user *cu = cache_user_by_uid(&r->cache, g->gid);

	if (cu == NULL)
		cu = cache_user_by_key(&r->cache, cache_key(&r->cache, g->name, g->spn));
	return cu != NULL && !uuid_equal(&cu->u->uuid, &g->uuid) &&
	    cache_private_group(cu->u) != NULL;
}

static enum verdict
judge_groupid(const struct resolver *r, const struct groupid *g)
{
	const struct subject s = subject_of(r, g->name, g->spn, &g->uuid);
	enum verdict v = filter_group(&r->filter, &s, g->gid);

	if (v == VERDICT_SHOWN && is_private_of_somebody(r, g))
		return VERDICT_PRIVATE;
	return v;
}

enum verdict
view_judge_group(const struct resolver *r, const struct cache_group *asked)
{
	struct cache_group *cg = (struct cache_group *)(uintptr_t)asked;

	if (cg->judged != r->judge_epoch || cg->judged_users != r->cache.user_version) {
		cg->verdict = (uint8_t)judge_groupid(r, cg->g);
		cg->judged = r->judge_epoch;
		cg->judged_users = r->cache.user_version;
	}
	return (enum verdict)cg->verdict;
}

bool
view_is_overridden_group(const struct resolver *r, const struct cache_group *cg)
{
	const struct subject s = subject_of(r, cg->g->name, cg->g->spn, &cg->g->uuid);

	return filter_is_overridden(&r->filter, &s);
}

enum verdict
view_judge_private(const struct resolver *r, const struct cache_user *cu)
{
	const struct subject s = subject_of_user(cu);
	enum verdict v = view_judge_user(r, cu);

	return v != VERDICT_SHOWN ? v : filter_group(&r->filter, &s, cu->uid);
}

/* ---- passwd ---- */

static const char *
attr_value(const struct cache_user *cu, enum name_attr attr, char uuid[UUID_TEXT_LEN + 1])
{
	switch (attr) {
	case NAME_ATTR_NAME:
		return cache_user_key(cu);
	case NAME_ATTR_SPN:
		return cu->u->spn;
	case NAME_ATTR_UUID:
	case NAME_ATTR_NONE:
		break;
	}
	uuid_format(&cu->u->uuid, uuid);
	return uuid;
}

char *
view_home(const struct resolver *r, const struct cache_user *cu)
{
	const struct config *c = r->config;
	char uuid[UUID_TEXT_LEN + 1], *home;
	size_t prefix_len, size;
	enum name_attr attr;
	const char *value;

	attr = c->home_alias != NAME_ATTR_NONE ? c->home_alias : c->home_attr;
	value = attr_value(cu, attr, uuid);
	prefix_len = strlen(c->home_prefix);
	size = strlen(value) + 1;
	home = xmalloc(prefix_len + size);
	memcpy(home, c->home_prefix, prefix_len);
	memcpy(home + prefix_len, value, size);
	return home;
}

/* Copies a display name into a field: what would break the line becomes a space. */
static char *
put_gecos(char *to, const char *text)
{
	char *start = to;

	for (; *text != '\0'; text++) {
		unsigned char ch = (unsigned char)*text;

		*to++ = ch < 0x20 || ch == 0x7f || ch == ':' ? ' ' : *text;
	}
	*to = '\0';
	if (!name_field_is_clean(start)) {
		for (to = start; *to != '\0'; to++) {
			if ((unsigned char)*to >= 0x80)
				*to = '?';
		}
	}
	return to + 1;
}

struct gids {
	uint32_t *v;
	size_t n;
	size_t cap;
};

static void
gids_add(void *arg, uint32_t gid)
{
	struct gids *g = arg;

	if (g->n == g->cap) {
		g->cap = g->cap == 0 ? 32 : g->cap * 2;
		g->v = xreallocarray(g->v, g->cap, sizeof(*g->v));
	}
	g->v[g->n++] = gid;
}

static int
compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
sort_u32(uint32_t *v, size_t n)
{
	if (n > FEW) {
		qsort(v, n, sizeof(*v), compare_u32);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		uint32_t x = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1] > x; k--)
			v[k] = v[k - 1];
		v[k] = x;
	}
}

static void
gids_sort_unique(struct gids *g)
{
	size_t i, n = 0;

	if (g->n == 0)
		return;
	sort_u32(g->v, g->n);
	for (i = 0; i < g->n; i++) {
		if (n == 0 || g->v[n - 1] != g->v[i])
			g->v[n++] = g->v[i];
	}
	g->n = n;
}

/* Its number, which the record says is this group's, is another group's by now. */
static bool
is_taken_over(const struct resolver *r, const struct groupid *g)
{
	const struct cache_group *cg = cache_group_by_gid(&r->cache, g->gid);

	return cg != NULL && !streq(cg->g->spn, g->spn);
}

/* A group that has been renumbered since the person's record came counts as it is now. One
 * that was made anew under its name keeps its people until they have been asked about. */
static void
collect_gids(struct resolver *r, const struct cache_user *cu, struct gids *gids)
{
	const struct user *u = cu->u;
	uint32_t i;

	for (i = 0; i < u->n_groups; i++) {
		const struct groupid *g = u->groups[i];
		struct cache_group *cg;
		enum verdict v;

		if (cache_is_private(u, g))
			continue;
		cg = cache_group_of(&r->cache, g);
		if (cg != NULL)
			g = cg->g;
		else if (is_taken_over(r, g))
			continue;
		v = cg != NULL ? view_judge_group(r, cg) : judge_groupid(r, g);
		if (g->gid == cu->uid || v != VERDICT_SHOWN)
			continue;
		gids_add(gids, g->gid);
		if (cg != NULL)
			cg->given = true;
	}
	mapgroup_gids(r, u, gids_add, gids);
	gids_sort_unique(gids);
}

void
view_passwd(struct resolver *r, const struct cache_user *cu, struct view_buf *b)
{
	cleanup_(freep) char *home = view_home(r, cu);
	const struct user *u = cu->u;
	const char *gecos = u->displayname != NULL ? u->displayname : "";
	struct gids gids = { 0 };
	char *text;

	collect_gids(r, cu, &gids);
	b->mem = xmalloc(
	    gids.n * sizeof(uint32_t) + strlen(gecos) + 1 + strlen(home) + 1);
	text = (char *)b->mem + gids.n * sizeof(uint32_t);
	if (gids.n > 0)
		memcpy(b->mem, gids.v, gids.n * sizeof(uint32_t));
	free(gids.v);
	b->pw.uid = cu->uid;
	b->pw.gid = cu->uid;
	b->pw.name = view_user_name(r, u->name, u->spn);
	b->pw.n_gids = gids.n;
	b->pw.gids = b->mem;
	b->pw.overrides = view_is_overridden_user(r, cu);
	b->pw.gecos = text;
	text = put_gecos(text, gecos);
	memcpy(text, home, strlen(home) + 1);
	b->pw.dir = text;
	b->pw.shell = r->config->default_shell;
	if (shell_is_taken(shells_judge(&r->shells, u->shell, clock_boot_s(&r->ts->now))))
		b->pw.shell = u->shell;
}

/* ---- group ---- */

void
view_group(struct resolver *r, const struct cache_group *cg, struct view_buf *b)
{
	struct strings names = { 0 };

	/* Each is there once. Order is for those who read it; nobody reads thousands. */
	members_collect(r, cg, &names);
	if (names.n <= SORT_MAX)
		strings_sort_unique(&names);
	b->mem = names.v;
	b->gr.gid = cg->g->gid;
	b->gr.name = view_group_name(r, cg->g->name, cg->g->spn);
	b->gr.members = names.v;
	b->gr.n_members = names.n;
}

void
view_private_group(struct resolver *r, const struct cache_user *cu, struct view_buf *b)
{
	struct strings names = { 0 };

	strings_add(&names, view_user_name(r, cu->u->name, cu->u->spn));
	b->mem = names.v;
	b->gr.gid = cu->uid;
	b->gr.name = view_group_name(r, cu->u->name, cu->u->spn);
	b->gr.members = names.v;
	b->gr.n_members = names.n;
}
