/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a test or a demonstration does to people, groups, keys, rights and time while the
 * server runs. An entry is named by any id the API takes, so that one word is enough.
 */
#include "tests/devidm/commands.h"

#include <stdlib.h>
#include <string.h>

#include "tests/devidm/load.h"
#include "tests/devidm/render.h"

static const char *
find(struct server *srv, const char *id, struct entry **ret)
{
	return store_resolve(&srv->api.store, id, ret) == ID_FOUND ? NULL
								   : "no such entry";
}

/* "now", "now+60", "now-60": by the server's clock. */
static bool
parse_relative(const struct store *st, const char *value, int64_t *ret)
{
	int64_t shift = 0;

	if (strncmp(value, "now", 3) != 0)
		return false;
	value += 3;
	if (*value != '\0' &&
	    ((*value != '+' && *value != '-') || !parse_i64(value, &shift)))
		return false;
	*ret = store_now(st) + shift;
	return true;
}

static const char *
set_date(const struct store *st, const char *value, bool *has, int64_t *ret)
{
	int64_t when = 0;

	if (*value != '\0' && !parse_relative(st, value, &when) &&
	    !parse_i64(value, &when) && !parse_rfc3339(value, &when))
		return "a date is RFC 3339, epoch seconds, or now, now+S, now-S";
	*has = *value != '\0';
	*ret = when;
	return NULL;
}

/* A new credential is a new lock: the server keeps them by the credential's UUID. */
static void
set_password(char **password, struct softlock *lock, const char *value)
{
	x_assign(password, value);
	*lock = (struct softlock){ 0 };
}

static const char *
set_posix(struct store *st, struct entry *e, const char *value)
{
	if (strcmp(value, "no") == 0) {
		store_unset_posix(st, e);
		return NULL;
	}
	return e->posix ? NULL : store_set_gid(st, e, 0);
}

static const char *
set_one(struct store *st, struct entry *e, const char *key, const char *value)
{
	const char *given = *value ? value : NULL;
	uint32_t gid = 0;

	if (strcmp(key, "displayname") == 0)
		x_assign(&e->display, value);
	else if (strcmp(key, "shell") == 0)
		x_assign(&e->shell, given);
	else if (strcmp(key, "posix_password") == 0)
		set_password(&e->posix_password, &e->lock_posix, given);
	else if (strcmp(key, "password") == 0)
		set_password(&e->password, &e->lock_web, given);
	else if (strcmp(key, "name") == 0)
		return store_rename(st, e, value);
	else if (strcmp(key, "valid_from") == 0)
		return set_date(st, value, &e->has_from, &e->from);
	else if (strcmp(key, "expire") == 0)
		return set_date(st, value, &e->has_until, &e->until);
	else if (strcmp(key, "posix") == 0)
		return set_posix(st, e, value);
	else if (strcmp(key, "gid") != 0)
		return "keys: name displayname shell gid posix posix_password password "
		       "valid_from expire";
	else if (given && !parse_u32(value, &gid))
		return "not a gid";
	else
		return store_set_gid(st, e, gid);
	return NULL;
}

static const char *
set_all(struct store *st, struct entry *e, char *const *w, size_t n)
{
	const char *why = NULL;

	for (size_t i = 0; i < n && !why; i++) {
		char *key = x_strdup(w[i]), *eq = strchr(key, '=');

		if (!eq) {
			why = "wants KEY=VALUE";
		} else {
			*eq = '\0';
			if (strcmp(key, "uuid") != 0 && strcmp(key, "domain") != 0)
				why = set_one(st, e, key, eq + 1);
		}
		free(key);
	}
	return why;
}

static const char *
option(char *const *w, size_t n, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (strncmp(w[i], key, len) == 0 && w[i][len] == '=')
			return w[i] + len + 1;
	return NULL;
}

const char *
cmd_add(struct server *srv, char *const *w, size_t n, struct text *out)
{
	static const char *const kinds[] = { "person", "service", "group" };
	struct store *st = &srv->api.store;
	const char *why = NULL;
	struct entry *e;
	size_t k = 0;

	while (k < 3 && strcmp(kinds[k], w[0]) != 0)
		k++;
	if (k == 3)
		return "add what? person, service or group";
	e = store_add(st, (enum entry_kind)k, w[1], option(w + 2, n - 2, "uuid"),
	    option(w + 2, n - 2, "domain"), &why);
	if (!e)
		return why;
	if (k != ENTRY_SERVICE && !option(w + 2, n - 2, "gid"))
		why = store_set_gid(st, e, 0);
	if (!why)
		why = set_all(st, e, w + 2, n - 2);
	if (why)
		store_remove(st, e);
	else
		text_addf(out, "%s\n", e->uuid);
	return why;
}

const char *
cmd_set(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)out;
	return why ? why : set_all(&srv->api.store, e, w + 1, n - 1);
}

const char *
cmd_remove(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (!why && e->builtin)
		why = "is builtin";
	if (!why)
		store_remove(&srv->api.store, e);
	return why;
}

/* Gone and there again under a new UUID: same name, gid and members. */
const char *
cmd_recreate(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct store *st = &srv->api.store;
	struct entry *old, *e;
	const char *why = find(srv, w[0], &old);
	struct refs members = { 0 };

	if (why)
		return why;
	if (old->builtin || old->kind != ENTRY_GROUP)
		return "is not a group that can be made again";
	for (size_t i = 0; i < old->member_count; i++)
		refs_add(&members, old->members[i]);
	store_remove(st, old);
	e = store_add(st, ENTRY_GROUP, old->name, option(w + 1, n - 1, "uuid"), NULL,
	    &why);
	if (e && old->posix)
		why = store_set_gid(st, e, old->gid);
	if (e && !why)
		why = set_all(st, e, w + 1, n - 1);
	for (size_t i = 0; e && i < members.n; i++)
		store_add_member(e, members.v[i]);
	refs_free(&members);
	if (!why)
		text_addf(out, "%s\n", e->uuid);
	return why;
}

const char *
cmd_member(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *group, *who;
	const char *why = find(srv, w[1], &group);

	(void)out;
	if (!why && group->kind != ENTRY_GROUP)
		why = "is not a group";
	for (size_t i = 2; i < n && !why; i++) {
		why = find(srv, w[i], &who);
		if (why)
			break;
		if (strcmp(w[0], "add") == 0)
			store_add_member(group, who);
		else if (strcmp(w[0], "remove") != 0)
			why = "add or remove?";
		else if (!store_remove_member(group, who))
			why = "is not a member";
	}
	return why;
}

const char *
cmd_key(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[1], &e);

	(void)out;
	if (why)
		return why;
	if (strcmp(w[0], "add") == 0 && n == 4)
		store_set_key(e, w[2], w[3]);
	else if (strcmp(w[0], "remove") != 0)
		return "add WHO LABEL TEXT, or remove WHO LABEL";
	else if (!store_remove_key(e, w[2]))
		return "no such key";
	return NULL;
}

const char *
cmd_rights(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *group = store_find(&srv->api.store, UUID_UNIX_READ), *who;
	const char *why = find(srv, n > 1 ? w[1] : "anonymous", &who);

	(void)out;
	if (why)
		return why;
	if (strcmp(w[0], "on") == 0)
		store_add_member(group, who);
	else if (strcmp(w[0], "off") == 0)
		(void)store_remove_member(group, who);
	else
		return "on or off?";
	return NULL;
}

const char *
cmd_api_token(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct api_token t = { .issued = store_now(&srv->api.store) };
	const char *expiry = option(w + 1, n - 1, "expiry");
	const char *rw = option(w + 1, n - 1, "read_write");
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	char *token;

	if (why)
		return why;
	if (e->kind != ENTRY_SERVICE)
		return "is not a service account";
	if (expiry && !parse_i64(expiry, &t.expiry))
		return "expiry is epoch seconds";
	uuid_random(t.token_id);
	t.label = x_strdup("control");
	t.writable = rw && strcmp(rw, "yes") == 0;
	e->tokens = x_realloc(e->tokens, e->token_count + 1, sizeof(*e->tokens));
	e->tokens[e->token_count++] = t;
	token = token_api(&srv->api.tokens, e, &t);
	text_addf(out, "%s\n", token);
	free(token);
	return NULL;
}

/* The token that the data file describes. */
const char *
cmd_show_token(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	char *token;

	(void)n;
	if (why)
		return why;
	if (e->token_count == 0)
		return "has no token";
	token = token_api(&srv->api.tokens, e, &e->tokens[0]);
	text_addf(out, "%s\n", token);
	free(token);
	return NULL;
}

const char *
cmd_revoke(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (why)
		return why;
	for (size_t i = 0; i < e->token_count; i++)
		free(e->tokens[i].label);
	e->token_count = 0;
	return NULL;
}

const char *
cmd_unlock(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);

	(void)n;
	(void)out;
	if (!why)
		e->lock_posix = e->lock_web = (struct softlock){ 0 };
	return why;
}

const char *
cmd_show(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct entry *e;
	const char *why = find(srv, w[0], &e);
	cJSON *o;
	char *s;

	(void)n;
	if (why)
		return why;
	o = e->kind != ENTRY_GROUP && e->posix ? render_user_token(&srv->api.store, e)
					       : render_entry(&srv->api.store, e, false);
	s = cJSON_PrintUnformatted(o);
	text_addf(out, "%s\n", s);
	cJSON_free(s);
	cJSON_Delete(o);
	return NULL;
}

const char *
cmd_bulk(struct server *srv, char *const *w, size_t n, struct text *out)
{
	const char *groups = option(w + 1, n - 1, "groups");
	uint32_t count, group_count = 0;

	(void)out;
	if (!parse_u32(w[0], &count) || count > 1000000 ||
	    (groups && (!parse_u32(groups, &group_count) || group_count > 100000)))
		return "not a number of people";
	return load_bulk(&srv->api.store, count, group_count,
	    option(w + 1, n - 1, "password"));
}

const char *
cmd_load(struct server *srv, char *const *w, size_t n, struct text *out)
{
	char *why = load_file(&srv->api.store, w[0]);

	(void)n;
	if (!why)
		return NULL;
	text_addf(out, "%s\n", why);
	free(why);
	return "not loaded";
}

const char *
cmd_clock(struct server *srv, char *const *w, size_t n, struct text *out)
{
	struct store *st = &srv->api.store;
	int64_t v, now = store_now_ms(st);

	if (n == 1 && strcmp(w[0], "stop") == 0) {
		st->clock_stopped_ms = now;
		st->clock_offset_ms = 0;
	} else if (n == 1 && strcmp(w[0], "run") == 0) {
		if (st->clock_stopped_ms) {
			st->clock_stopped_ms = st->clock_offset_ms = 0;
			st->clock_offset_ms = now - store_now_ms(st);
		}
	} else if (n == 2 && strcmp(w[0], "set") == 0 &&
	    (parse_i64(w[1], &v) || parse_rfc3339(w[1], &v))) {
		st->clock_offset_ms += v * 1000 - now;
	} else if (n == 1 && strcmp(w[0], "reset") == 0) {
		st->clock_stopped_ms = st->clock_offset_ms = 0;
	} else if (n == 1 && (w[0][0] == '+' || w[0][0] == '-') && parse_i64(w[0], &v)) {
		st->clock_offset_ms += v * 1000;
	} else if (n != 0) {
		return "clock [+S|-S|stop|run|reset|set WHEN]";
	}
	text_addf(out, "%lld\n", (long long)store_now(st));
	return NULL;
}
