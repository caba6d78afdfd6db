/* SPDX-License-Identifier: MPL-2.0 */
/* The fake server's people and groups, and the records it would send about them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/prog/xalloc.h"
#include "src/unixd/model/model.h"

struct world world;

void
world_init(void)
{
	memset(&world, 0, sizeof(world));
	world.latency_ns = 5 * CLOCK_MS;
	world.auth_latency_ns = 60 * CLOCK_MS;
	snprintf(world.domain, sizeof(world.domain), "idm.example");
}

void
world_deinit(void)
{
	while (world.n > 0)
		free(world.v[--world.n]);
}

struct entity *
world_find(bool is_group, const char *name)
{
	const char *at = strchr(name, '@');
	size_t len = at != NULL ? (size_t)(at - name) : strlen(name), i;
	const char *domain = at != NULL ? at + 1 : world.domain;
	struct entity *other = NULL;

	for (i = world.n; i-- > 0;) {
		struct entity *e = world.v[i];

		if (e->is_group != is_group || strncmp(e->name, name, len) != 0 ||
		    e->name[len] != '\0')
			continue;
		if (strcmp(e->domain, domain) == 0)
			return e;
		if (other == NULL)
			other = e;
	}
	return at == NULL ? other : NULL;
}

void
world_new_uuid(struct entity *e)
{
	static uint32_t serial;

	serial++;
	memset(&e->uuid, 0, sizeof(e->uuid));
	memcpy(e->uuid.b + 12, &serial, sizeof(serial));
	e->uuid.b[6] = 0x40;
	e->uuid.b[8] = 0x80;
}

struct entity *
world_add(bool is_group, const char *name)
{
	struct entity *e = xcalloc(1, sizeof(*e));

	e->is_group = is_group;
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->name[strcspn(e->name, "@")] = '\0';
	snprintf(e->domain, sizeof(e->domain), "%s",
	    strchr(name, '@') != NULL ? strchr(name, '@') + 1 : world.domain);
	snprintf(e->display, sizeof(e->display), "%s", e->name);
	world_new_uuid(e);
	world.v[world.n++] = e;
	return e;
}

static void
spn_of(const struct entity *e, char out[200])
{
	snprintf(out, 200, "%s@%s", e->name, e->domain);
}

struct groupid *
world_groupid(const struct entity *e)
{
	char spn[200];

	spn_of(e, spn);
	return groupid_new(&e->uuid, e->id, e->name, spn);
}

struct user *
world_user(const struct entity *e)
{
	struct groupid *groups[WORLD_GROUPS + 1];
	const char *keys[8] = { "ssh-ed25519 AAAA1", "ssh-ed25519 AAAA2",
		"ssh-ed25519 AAAA3" };
	struct user t = { 0 }, *u;
	char spn[200];
	size_t i;

	spn_of(e, spn);
	groups[t.n_groups++] = world_groupid(e);
	for (i = 0; i < e->n_groups; i++) {
		const struct entity *g = world_find(true, e->groups[i]);

		if (g != NULL && !g->deleted)
			groups[t.n_groups++] = world_groupid(g);
	}
	t.id = e->id;
	t.uuid = e->uuid;
	t.valid = !e->invalid;
	t.name = e->name;
	t.spn = spn;
	t.displayname = e->display;
	t.shell = e->shell[0] != '\0' ? e->shell : NULL;
	t.groups = groups;
	t.n_keys = e->n_keys < 3 ? e->n_keys : 3;
	t.sshkeys = keys;
	u = user_new(&t);
	for (i = 0; i < t.n_groups; i++)
		groupid_unref(groups[i]);
	return u;
}

static bool
is_in(const struct entity *u, const char *group)
{
	size_t i;

	for (i = 0; i < u->n_groups; i++) {
		if (strcmp(u->groups[i], group) == 0)
			return true;
	}
	return false;
}

struct members *
world_members(const struct entity *g)
{
	struct member *v = xcalloc(world.n + 1, sizeof(*v));
	char(*spns)[200] = xcalloc(world.n + 1, sizeof(*spns));
	struct members *m;
	size_t i, n = 0;

	for (i = 0; i < world.n; i++) {
		const struct entity *u = world.v[i];

		if (u->is_group || u->deleted || !is_in(u, g->name))
			continue;
		spn_of(u, spns[n]);
		v[n].name = u->name;
		v[n].spn = spns[n];
		n++;
	}
	m = members_new(v, n);
	free(v);
	free(spns);
	return m;
}
