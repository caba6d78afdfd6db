/* SPDX-License-Identifier: MPL-2.0 */
/*
 * map_group: the administrator says that the people of a Kanidm group also belong to a
 * local one ("sudo", "video"). It is the one sanctioned way for a local gid to leave this
 * daemon, and it extends groups, it never makes any: without a line in /etc/group the
 * mapping does nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/unixd/resolver/internal.h"

/* The canonical form of the configured local name; false when it cannot be one. */
static bool
local_name_is(const struct config_map_group *m, const char *key)
{
	struct name name;

	return name_parse(m->local, strlen(m->local), &name) == 0 &&
	    streq(name.text, key);
}

bool
mapgroup_is_local_name(const struct resolver *r, const char *key)
{
	size_t i;

	for (i = 0; i < r->config->n_map_group; i++) {
		if (local_name_is(&r->config->map_group[i], key))
			return local_has_group(r->ports.local, key);
	}
	return false;
}

const char *
mapgroup_of_gid(const struct resolver *r, uint32_t gid)
{
	struct local_group lg;
	size_t i;

	for (i = 0; i < r->config->n_map_group; i++) {
		const char *local = r->config->map_group[i].local;

		if (local_get_group(r->ports.local, local, &lg) && lg.gid == gid)
			return local;
	}
	return NULL;
}

bool
mapgroup_with(const struct resolver *r, const char *name, size_t *i,
    struct name *ret_with)
{
	const struct config *c = r->config;

	for (; *i < c->n_map_group; (*i)++) {
		const struct config_map_group *m = &c->map_group[*i];

		if (!local_name_is(m, name))
			continue;
		if (name_parse(m->with, strlen(m->with), ret_with) != 0)
			continue;
		(*i)++;
		return true;
	}
	return false;
}

static bool
is_in(const struct resolver *r, const struct user *u, const struct name *with)
{
	const struct cache_group *cg = cache_group_find(&r->cache, with);
	struct name key = *with;
	char uuid[UUID_TEXT_LEN + 1];
	uint32_t i;

	name_strip_domain(&key, r->cache.own_domain);
	for (i = 0; i < u->n_groups; i++) {
		const struct groupid *g = u->groups[i];

		/* A person may be called what no group is called. */
		if (cache_is_private(u, g))
			continue;
		if (cg != NULL) {
			if (uuid_equal(&cg->g->uuid, &g->uuid))
				return true;
			continue;
		}
		uuid_format(&g->uuid, uuid);
		if (streq(cache_key(&r->cache, g->name, g->spn), key.text) ||
		    streq(uuid, key.text))
			return true;
	}
	return false;
}

void
mapgroup_gids(const struct resolver *r, const struct user *u,
    void (*fn)(void *arg, uint32_t gid), void *arg)
{
	const struct config *c = r->config;
	struct local_group lg;
	struct name with;
	size_t i;

	for (i = 0; i < c->n_map_group; i++) {
		const struct config_map_group *m = &c->map_group[i];

		if (name_parse(m->with, strlen(m->with), &with) == 0 &&
		    is_in(r, u, &with) && local_get_group(r->ports.local, m->local, &lg))
			fn(arg, lg.gid);
	}
}

bool
mapgroup_view(struct resolver *r, const char *name, struct view_buf *b)
{
	const struct cache_group *cg;
	struct strings names = { 0 };
	struct local_group lg;
	struct name with;
	bool known = false;
	size_t i = 0;

	if (!local_get_group(r->ports.local, name, &lg))
		return false;
	while (mapgroup_with(r, name, &i, &with)) {
		cg = cache_group_find(&r->cache, &with);
		if (cg == NULL)
			continue;
		known = true;
		members_collect(r, cg, &names);
	}
	if (!known)
		return false;
	for (i = 0; i < lg.n_members; i++)
		strings_add(&names, lg.members[i]);
	strings_sort_unique(&names);
	b->mem = names.v;
	b->gr.gid = lg.gid;
	b->gr.name = lg.name;
	b->gr.members = names.v;
	b->gr.n_members = names.n;
	return true;
}
