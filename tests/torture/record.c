/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Lengths change with the version, too: a new version has another place and another size,
 * so a reader that mixed two would run into the wrong bytes at once.
 */
#include "torture/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"

#define GID_LOW  1000000u
#define GID_HIGH 2000000u
#define GID_MORE 3000000u

static uint32_t
mix(uint32_t who, uint32_t version, uint32_t salt)
{
	uint32_t h = who * 2654435761u ^ version * 2246822519u ^ salt * 3266489917u;

	h ^= h >> 15;
	h *= 2246822519u;
	return h ^ h >> 13;
}

void
record_name(char *to, size_t cap, uint32_t who)
{
	(void)snprintf(to, cap, "%c%03u", who < N_PEOPLE ? 'p' : 'g', who);
}

void
record_alias(char *to, size_t cap, uint32_t who)
{
	(void)snprintf(to, cap, "p%03u@trust.example", who);
}

static size_t
n_gids(uint32_t who, uint32_t version)
{
	return 2 + mix(who, version, 1) % (MAX_GIDS - 2);
}

static uint32_t
gid_at(uint32_t who, uint32_t version, uint32_t k)
{
	if (k == 0)
		return GID_LOW + (version & 0xffff);
	if (k == 1)
		return GID_HIGH + (version >> 16);
	return GID_MORE + k * 1000 + mix(who, version, 100 + k) % 1000;
}

void
record_person(struct person *p, uint32_t who, uint32_t version)
{
	uint32_t fill = mix(who, version, 2) % 400;
	int len;

	record_name(p->name, sizeof(p->name), who);
	record_alias(p->alias, sizeof(p->alias), who);
	(void)snprintf(p->gecos, sizeof(p->gecos), "v%u %08x", version,
	    mix(who, version, 3));
	len = snprintf(p->dir, sizeof(p->dir), "/home/%u/", who);
	memset(p->dir + len, 'a' + (int)(version % 26), fill);
	p->dir[(uint32_t)len + fill] = '\0';
	(void)snprintf(p->shell, sizeof(p->shell), "/bin/%x", mix(who, version, 4));
	p->keys[0] = p->name;
	p->keys[1] = p->alias;
	p->view = (struct passwd_view){ .uid = FIRST_UID + who,
		.gid = FIRST_UID + who,
		.name = p->name,
		.gecos = p->gecos,
		.dir = p->dir,
		.shell = p->shell,
		.n_gids = n_gids(who, version),
		.gids = p->gids };
	for (uint32_t k = 0; k < p->view.n_gids; k++)
		p->gids[k] = gid_at(who, version, k);
}

static size_t
n_members(uint32_t who, uint32_t version)
{
	uint32_t most = who == N_PEOPLE ? MAX_MEMBERS : 30;

	return 1 + mix(who, version, 5) % (most - 1);
}

static void
member_at(char *to, size_t cap, uint32_t who, uint32_t version, uint32_t k)
{
	if (k == 0)
		(void)snprintf(to, cap, "v%u", version);
	else
		(void)snprintf(to, cap, "m%u-%x", k, mix(who, version, 200 + k));
}

void
record_crew(struct crew *c, uint32_t who, uint32_t version)
{
	record_name(c->name, sizeof(c->name), who);
	c->key = c->name;
	c->view = (struct group_view){ .gid = FIRST_GID + who,
		.name = c->name,
		.n_members = n_members(who, version),
		.members = c->members };
	for (uint32_t k = 0; k < c->view.n_members; k++) {
		member_at(c->text[k], sizeof(c->text[k]), who, version, k);
		c->members[k] = c->text[k];
	}
}

static bool
read_version(const char *text, uint32_t *ret_version)
{
	char *end;

	if (text[0] != 'v')
		return false;
	*ret_version = (uint32_t)strtoul(text + 1, &end, 10);
	return end != text + 1;
}

bool
record_is_person(const struct passwd *pw, uint32_t who, uint32_t *ret_version)
{
	struct person p;

	if (!read_version(pw->pw_gecos, ret_version))
		return false;
	record_person(&p, who, *ret_version);
	return pw->pw_uid == p.view.uid && pw->pw_gid == p.view.gid &&
	    streq(pw->pw_name, p.name) && streq(pw->pw_passwd, "x") &&
	    streq(pw->pw_gecos, p.gecos) && streq(pw->pw_dir, p.dir) &&
	    streq(pw->pw_shell, p.shell);
}

bool
record_is_crew(const struct group *gr, uint32_t who, uint32_t *ret_version)
{
	char name[16], member[24];
	size_t n;

	if (gr->gr_mem[0] == NULL || !read_version(gr->gr_mem[0], ret_version))
		return false;
	record_name(name, sizeof(name), who);
	if (gr->gr_gid != FIRST_GID + who || !streq(gr->gr_name, name) ||
	    !streq(gr->gr_passwd, "x"))
		return false;
	n = n_members(who, *ret_version);
	for (uint32_t k = 0; k < n; k++) {
		member_at(member, sizeof(member), who, *ret_version, k);
		if (gr->gr_mem[k] == NULL || !streq(gr->gr_mem[k], member))
			return false;
	}
	return gr->gr_mem[n] == NULL;
}

bool
record_is_gids(const gid_t *gids, size_t n, uint32_t who, uint32_t *ret_version)
{
	if (n < 2)
		return false;
	*ret_version = (gids[0] - GID_LOW) | (gids[1] - GID_HIGH) << 16;
	if (n != n_gids(who, *ret_version))
		return false;
	for (uint32_t k = 0; k < n; k++)
		if (gids[k] != gid_at(who, *ret_version, k))
			return false;
	return true;
}
