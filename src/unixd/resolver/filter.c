/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Local always wins, compared the way names are compared (canonically) and over both files:
 * in Kanidm uid, gid and private group are one number, so a uid is judged against local
 * gids too. The one exception is a local group that is plainly the person's own: same name
 * and same number.
 */
#include "src/unixd/resolver/filter.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/ids.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"

void
filter_init(struct filter *f, const struct local *local, const struct config *config,
    const char *own_domain, const char *uid_map_path, const char *gid_map_path)
{
	char **it = config->allow_local_account_override;
	size_t n = 0;

	f->local = local;
	f->own_domain = own_domain;
	f->override = NULL;
	f->n_override = 0;
	idmap_read(&f->uids, uid_map_path);
	idmap_read(&f->gids, gid_map_path);
	if (it == NULL || *it == NULL)
		return;
	while (it[n] != NULL)
		n++;
	f->override = xcalloc(n, sizeof(*f->override));
	for (; *it != NULL; it++) {
		if (name_parse(*it, strlen(*it), &f->override[f->n_override]) == 0)
			f->n_override++;
	}
}

void
filter_deinit(struct filter *f)
{
	free(f->override);
	f->override = NULL;
	f->n_override = 0;
}

static bool
is_subject(const struct filter *f, const struct name *listed, const struct subject *s)
{
	char uuid[UUID_TEXT_LEN + 1];
	struct name name = *listed;

	if (name.kind == NAME_UUID) {
		if (s->uuid == NULL)
			return false;
		uuid_format(s->uuid, uuid);
		return streq(uuid, name.text);
	}
	name_strip_domain(&name, f->own_domain);
	return streq(name.text, s->key);
}

/* Most hosts list nobody, and everybody is asked about. */
bool
filter_is_overridden(const struct filter *f, const struct subject *s)
{
	for (size_t i = 0; i < f->n_override; i++) {
		if (is_subject(f, &f->override[i], s))
			return true;
	}
	return false;
}

/* The local group with this gid is the person's own when its name agrees as well. */
static bool
is_own_group(const struct filter *f, const char *key, uint32_t gid)
{
	const char *name = local_gid_name(f->local, gid);

	return name != NULL && streq(name, key);
}

enum verdict
filter_user(const struct filter *f, const struct subject *s, uint32_t uid)
{
	if (!ids_is_allowed(uid))
		return VERDICT_RESERVED;
	if (!idmap_holds(&f->uids, uid) || !idmap_holds(&f->gids, uid))
		return VERDICT_UNMAPPED;
	if (filter_is_overridden(f, s))
		return VERDICT_SHOWN;
	if (local_has_user(f->local, s->key))
		return VERDICT_LOCAL_NAME;
	if (local_has_uid(f->local, uid))
		return VERDICT_LOCAL_UID;
	if (local_has_gid(f->local, uid) && !is_own_group(f, s->key, uid))
		return VERDICT_LOCAL_GID;
	return VERDICT_SHOWN;
}

enum verdict
filter_group(const struct filter *f, const struct subject *s, uint32_t gid)
{
	if (!ids_is_allowed(gid))
		return VERDICT_RESERVED;
	if (!idmap_holds(&f->gids, gid))
		return VERDICT_UNMAPPED;
	if (filter_is_overridden(f, s))
		return VERDICT_SHOWN;
	if (local_has_group(f->local, s->key))
		return VERDICT_LOCAL_NAME;
	if (local_has_gid(f->local, gid))
		return VERDICT_LOCAL_GID;
	return VERDICT_SHOWN;
}

static const struct {
	const char *key;
	const char *text;
} words[VERDICT_MAX] = {
	[VERDICT_SHOWN] = { "shown", "nothing is wrong with it" },
	[VERDICT_RESERVED] = { "reserved-id", "its number is reserved for the system" },
	[VERDICT_LOCAL_NAME] = { "local-name", "its name is local" },
	[VERDICT_LOCAL_UID] = { "local-uid", "its number is a local uid" },
	[VERDICT_LOCAL_GID] = { "local-gid", "its number is a local gid" },
	[VERDICT_UNMAPPED] = { "not-in-id-map",
	    "its number is outside of this container's id map" },
	[VERDICT_HELD] = { "uid-held", "another account has its uid on this host" },
	[VERDICT_PRIVATE] = { "private-group",
	    "a person's private group has its name or gid" },
};

const char *
verdict_text(enum verdict v)
{
	return words[v].text;
}

const char *
verdict_key(enum verdict v)
{
	return words[v].key;
}
