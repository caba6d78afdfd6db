/* SPDX-License-Identifier: MPL-2.0 */
/* Names: under which key an entry is filed, and what somebody may call it. */
#include <string.h>

#include "src/base/util.h"
#include "src/unixd/resolver/cache.h"

bool
cache_is_foreign(const struct cache *c, const char *spn)
{
	const char *at = strchr(spn, '@');

	return at != NULL && c->own_domain[0] != '\0' && !streq(at + 1, c->own_domain);
}

const char *
cache_key(const struct cache *c, const char *name, const char *spn)
{
	return cache_is_foreign(c, spn) ? spn : name;
}

struct cache_user *
cache_user_find(const struct cache *c, const struct name *name)
{
	struct name key = *name;
	struct uuid uuid;

	if (name->kind == NAME_UUID)
		return uuid_parse(name->text, name->len, &uuid) == 0
		    ? cache_user_by_uuid(c, &uuid)
		    : NULL;
	name_strip_domain(&key, c->own_domain);
	return cache_user_by_key(c, key.text);
}

struct cache_group *
cache_group_find(const struct cache *c, const struct name *name)
{
	struct name key = *name;
	struct uuid uuid;

	if (name->kind == NAME_UUID)
		return uuid_parse(name->text, name->len, &uuid) == 0
		    ? cache_group_by_uuid(c, &uuid)
		    : NULL;
	name_strip_domain(&key, c->own_domain);
	return cache_group_by_key(c, key.text);
}

bool
cache_is_private(const struct user *u, const struct groupid *g)
{
	return uuid_equal(&g->uuid, &u->uuid) ||
	    (g->gid == u->id && streq(g->name, u->name));
}

struct groupid *
cache_private_group(const struct user *u)
{
	if (u->n_groups == 0 || !cache_is_private(u, u->groups[0]))
		return NULL;
	return u->groups[0];
}
