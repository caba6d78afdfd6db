/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads a data file into the directory. Accounts come before groups and memberships come
 * last, because the creation order decides the order of groups in tokens and of lists,
 * and a group may name members that the file describes later.
 */
#include "tests/devidm/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const char *
get_string(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static cJSON *
read_json(const char *path, char **ret_why)
{
	size_t len = 0;
	char *text = read_file(path, &len);
	cJSON *root;

	if (!text) {
		*ret_why = x_printf("%s: cannot be read", path);
		return NULL;
	}
	root = cJSON_ParseWithLength(text, len);
	free(text);
	if (!root)
		*ret_why = x_printf("%s: not JSON", path);
	return root;
}

char *
load_domain(const char *path)
{
	char *why = NULL, *domain = NULL;
	cJSON *root = read_json(path, &why);

	if (root && get_string(root, "domain"))
		domain = x_strdup(get_string(root, "domain"));
	cJSON_Delete(root);
	free(why);
	return domain;
}

/* A date is an RFC 3339 string or epoch seconds. */
static bool
get_time(const cJSON *o, const char *key, bool *has, int64_t *ret)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	if (!v || cJSON_IsNull(v))
		return true;
	*has = true;
	if (cJSON_IsNumber(v)) {
		*ret = (int64_t)v->valuedouble;
		return true;
	}
	return cJSON_IsString(v) && parse_rfc3339(v->valuestring, ret);
}

static const char *
load_posix(struct store *st, struct entry *e, const cJSON *o)
{
	const cJSON *posix = cJSON_GetObjectItemCaseSensitive(o, "posix");
	const cJSON *gid = cJSON_GetObjectItemCaseSensitive(o, "gid");

	if (cJSON_IsFalse(posix) || (!posix && !gid && e->kind == ENTRY_SERVICE))
		return NULL;
	if (gid &&
	    (!cJSON_IsNumber(gid) || gid->valuedouble < 1 ||
		gid->valuedouble > 4294967295.0))
		return "gid is not a number";
	return store_set_gid(st, e, gid ? (uint32_t)gid->valuedouble : 0);
}

static const char *
load_tokens(struct entry *e, const cJSON *list)
{
	const cJSON *o;

	cJSON_ArrayForEach(o, list)
	{
		const cJSON *expiry = cJSON_GetObjectItemCaseSensitive(o, "expiry");
		struct api_token t = { 0 };

		if (!get_string(o, "token_id") ||
		    !uuid_parse(get_string(o, "token_id"), t.token_id))
			return "a token needs a token_id that is a UUID";
		t.label = x_strdup(get_string(o, "label") ? get_string(o, "label") : "");
		t.expiry = cJSON_IsNumber(expiry) ? (int64_t)expiry->valuedouble : 0;
		t.writable = cJSON_IsTrue(
		    cJSON_GetObjectItemCaseSensitive(o, "read_write"));
		e->tokens = x_realloc(e->tokens, e->token_count + 1, sizeof(*e->tokens));
		e->tokens[e->token_count++] = t;
	}
	return NULL;
}

static const char *
load_account(struct store *st, struct entry *e, const cJSON *o)
{
	const char *why;
	const cJSON *key;

	if (get_string(o, "displayname"))
		x_assign(&e->display, get_string(o, "displayname"));
	if (get_string(o, "shell"))
		x_assign(&e->shell, get_string(o, "shell"));
	if (get_string(o, "posix_password"))
		x_assign(&e->posix_password, get_string(o, "posix_password"));
	if (get_string(o, "password"))
		x_assign(&e->password, get_string(o, "password"));
	cJSON_ArrayForEach(key,
	    cJSON_GetObjectItemCaseSensitive(o, "keys")) if (cJSON_IsString(key))
	    store_set_key(e, key->string, key->valuestring);
	if (!get_time(o, "valid_from", &e->has_from, &e->from) ||
	    !get_time(o, "expire", &e->has_until, &e->until))
		return "a date is neither RFC 3339 nor epoch seconds";
	why = load_tokens(e, cJSON_GetObjectItemCaseSensitive(o, "tokens"));
	return why || e->builtin ? why : load_posix(st, e, o);
}

static const char *
load_entry(struct store *st, enum entry_kind kind, const cJSON *o, const char **ret_name)
{
	const char *why = NULL;
	struct entry *e;

	*ret_name = get_string(o, "name") ? get_string(o, "name") : "?";
	if (!get_string(o, "name"))
		return "no name";
	e = get_string(o, "domain") ? NULL : store_find(st, *ret_name);
	if (!e)
		e = store_add(st, kind, *ret_name, get_string(o, "uuid"),
		    get_string(o, "domain"), &why);
	if (!e)
		return why;
	if (e->kind != kind)
		return "is of another kind already";
	if (kind != ENTRY_GROUP)
		return load_account(st, e, o);
	return e->builtin ? NULL : load_posix(st, e, o);
}

static const char *
load_members(struct store *st, const cJSON *o, const char **ret_name)
{
	struct entry *group, *member;
	const cJSON *m;

	*ret_name = get_string(o, "name");
	group = store_find(st, *ret_name);
	cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(o, "members"))
	{
		if (!cJSON_IsString(m) ||
		    store_resolve(st, m->valuestring, &member) != ID_FOUND)
			return "has a member that is not there";
		store_add_member(group, member);
	}
	return NULL;
}

char *
load_file(struct store *st, const char *path)
{
	static const struct {
		const char *key;
		enum entry_kind kind;
	} lists[] = { { "persons", ENTRY_PERSON }, { "service_accounts", ENTRY_SERVICE },
		{ "groups", ENTRY_GROUP } };
	const char *why = NULL, *name = "?";
	char *ret = NULL;
	cJSON *root = read_json(path, &ret);
	const cJSON *o;

	if (!root)
		return ret;
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "primary_fallback")))
		st->primary_fallback = true;
	for (size_t i = 0; i < 3 && !why; i++)
		cJSON_ArrayForEach(o,
		    cJSON_GetObjectItemCaseSensitive(root, lists[i].key))
		{
			why = load_entry(st, lists[i].kind, o, &name);
			if (why)
				break;
		}
	if (!why)
		cJSON_ArrayForEach(o, cJSON_GetObjectItemCaseSensitive(root, "groups"))
		{
			why = load_members(st, o, &name);
			if (why)
				break;
		}
	if (why)
		ret = x_printf("%s: %s: %s", path, name, why);
	cJSON_Delete(root);
	return ret;
}

static struct entry *
bulk_entry(struct store *st, enum entry_kind kind, const char *name, const char **ret_why)
{
	struct entry *e = store_find(st, name);
	char uuid[UUID_LEN + 1];

	if (e)
		return e;
	uuid_of_name(uuid, name);
	e = store_add(st, kind, name, uuid, NULL, ret_why);
	if (!e)
		return NULL;
	/* 28 bits of default gids collide now and then; the next free one will do. */
	for (uint32_t gid = uuid_default_gid(uuid);
	     (*ret_why = store_set_gid(st, e, gid)); gid++)
		if (gid == UINT32_MAX)
			return NULL;
	return e;
}

const char *
load_bulk(struct store *st, unsigned count, unsigned groups, const char *password)
{
	const char *why = NULL;
	struct entry *everyone = bulk_entry(st, ENTRY_GROUP, "everyone", &why);
	struct entry **group;
	char name[64];

	if (!everyone)
		return why;
	if (groups == 0)
		groups = count / 10 + 1;
	group = x_calloc(groups, sizeof(struct entry *));
	for (unsigned i = 0; i < groups && !why; i++) {
		(void)snprintf(name, sizeof(name), "g%04u", i);
		group[i] = bulk_entry(st, ENTRY_GROUP, name, &why);
	}
	for (unsigned i = 0; i < count && !why; i++) {
		struct entry *e;

		(void)snprintf(name, sizeof(name), "u%05u", i);
		e = bulk_entry(st, ENTRY_PERSON, name, &why);
		if (!e)
			break;
		(void)snprintf(name, sizeof(name), "Bulk Person %u", i);
		x_assign(&e->display, name);
		if (password)
			x_assign(&e->posix_password, password);
		store_add_member(everyone, e);
		store_add_member(group[i % groups], e);
		store_add_member(group[(i / groups + i * 7) % groups], e);
	}
	free(group);
	return why;
}
