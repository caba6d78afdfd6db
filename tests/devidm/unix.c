/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The calls about UNIX accounts: tokens, the password, keys. What looks odd here is the
 * server's behaviour: a group asked for as an account is 500, a wrong password is 200
 * null, and what the caller may not see is 404.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/devidm/api.h"
#include "tests/devidm/render.h"

#define PASSWORD_MIN 15u
#define PASSWORD_MAX 128u

static void
reply_null(struct call *c)
{
	reply_json(c->reply, 200, cJSON_CreateNull());
}

void
handle_user_token(struct call *c)
{
	struct entry *e;

	if (*c->id == '\0') {
		reply_error(c->reply, "emptyrequest");
		return;
	}
	if (store_resolve(&c->api->store, c->id, &e) != ID_FOUND || !call_may_read(c, e))
		reply_error(c->reply, "nomatchingentries");
	else if (e->kind == ENTRY_GROUP)
		reply_error1(c->reply, "missingclass", "account");
	else if (!e->posix)
		reply_error(c->reply, "nomatchingentries");
	else
		reply_json(c->reply, 200, render_user_token(&c->api->store, e));
}

void
handle_group_token(struct call *c)
{
	struct entry *e;
	enum id_result r = store_resolve(&c->api->store, c->id, &e);

	if (r == ID_INVALID)
		reply_error(c->reply, "invalidvaluestate");
	else if (r == ID_UNKNOWN || !call_may_read(c, e))
		reply_error(c->reply, "nomatchingentries");
	else if (!e->posix)
		reply_error1(c->reply, "missingclass",
		    e->kind == ENTRY_GROUP ? "posixgroup" : "posixaccount");
	else
		reply_json(c->reply, 200, render_group_token(e));
}

/* {"value":"..."}, or the same as a list of one. */
static const char *
value_of(struct call *c)
{
	const cJSON *v = cJSON_IsArray(c->body)
	    ? cJSON_GetArrayItem(c->body, 0)
	    : cJSON_GetObjectItemCaseSensitive(c->body, "value");

	if (cJSON_IsString(v))
		return v->valuestring;
	if (v)
		reply_type_error(c, "value: invalid type, expected a string");
	else
		reply_type_error(c, "missing field `value`");
	return NULL;
}

static void
check_password(struct call *c, struct entry *e, const char *password)
{
	struct store *st = &c->api->store;
	bool own = e->posix_password != NULL;
	const char *want = own     ? e->posix_password
	    : st->primary_fallback ? e->password
				   : NULL;
	struct softlock *lock = own ? &e->lock_posix : &e->lock_web;

	if (!e->posix || !entry_valid(st, e) || !want || softlock_locked(st, lock)) {
		reply_null(c);
		return;
	}
	c->reply->delay_ms = c->api->auth_delay_ms;
	if (strlen(password) <= 512 && strcmp(password, want) == 0) {
		reply_json(c->reply, 200, render_user_token(st, e));
		return;
	}
	softlock_failed(st, lock);
	reply_null(c);
}

void
handle_unix_auth(struct call *c)
{
	const char *password = value_of(c);
	enum id_result r;
	struct entry *e;

	if (!password)
		return;
	r = store_resolve(&c->api->store, c->id, &e);
	if (r == ID_INVALID)
		reply_error(c->reply, "invalidvaluestate");
	else if (r == ID_UNKNOWN)
		reply_error(c->reply, "nomatchingentries");
	else if (e->kind == ENTRY_GROUP && e->parent_count == 0)
		reply_error1(c->reply, "schemaviolation", "emptyfilter");
	else if (e->kind == ENTRY_GROUP)
		reply_error1(c->reply, "missingclass", "account");
	else
		check_password(c, e, password);
}

/* NULL, with the answer made, when there is nobody by that id. */
static struct entry *
target(struct call *c)
{
	struct entry *e;

	switch (store_resolve(&c->api->store, c->id, &e)) {
	case ID_FOUND:
		return e;
	case ID_INVALID:
		reply_error(c->reply, "invalidvaluestate");
		break;
	case ID_UNKNOWN:
		reply_error(c->reply, "nomatchingentries");
		break;
	}
	return NULL;
}

static struct entry *
writable_target(struct call *c)
{
	struct entry *e = target(c);

	if (e && (e->kind == ENTRY_GROUP || !call_may_write(c, e))) {
		reply_error(c->reply, "accessdenied");
		return NULL;
	}
	return e;
}

static bool
shows_keys(const struct call *c, struct entry *e)
{
	return e->kind != ENTRY_GROUP && e->posix && call_may_read(c, e);
}

void
handle_keys_get(struct call *c)
{
	struct entry *e = target(c);
	cJSON *list;

	if (!e)
		return;
	list = cJSON_CreateArray();
	for (size_t i = 0; i < e->key_count && shows_keys(c, e); i++)
		(void)cJSON_AddItemToArray(list, cJSON_CreateString(e->keys[i].text));
	reply_json(c->reply, 200, list);
}

void
handle_key_get(struct call *c)
{
	struct entry *e = target(c);

	if (!e)
		return;
	for (size_t i = 0; i < e->key_count && shows_keys(c, e); i++)
		if (strcmp(e->keys[i].label, c->tag) == 0) {
			reply_json(c->reply, 200, cJSON_CreateString(e->keys[i].text));
			return;
		}
	reply_null(c);
}

/* "type base64 comment" as the server keeps it, or NULL. The base64 repeats the type. */
static char *
canonical_key(const char *text)
{
	size_t type = strcspn(text, " "), b64, len = 0;
	const char *p = text + type, *comment;
	char *blob, *url, *out = NULL;

	p += strspn(p, " ");
	b64 = strcspn(p, " \r\n");
	comment = p + b64 + strspn(p + b64, " ");
	url = x_strndup(p, b64);
	for (char *q = url; *q; q++)
		*q = *q == '+' ? '-' : *q == '/' ? '_' : *q;
	while (b64 && url[b64 - 1] == '=')
		url[--b64] = '\0';
	blob = b64url_decode(url, b64, &len);
	if (type && blob && len > type + 4 && memcmp(blob + 4, text, type) == 0 &&
	    (unsigned char)blob[3] == type)
		out = x_printf("%.*s %.*s %.*s", (int)type, text,
		    (int)strcspn(p, " \r\n"), p, (int)strcspn(comment, "\r\n"), comment);
	free(blob);
	free(url);
	return out;
}

void
handle_keys_post(struct call *c)
{
	const cJSON *label = cJSON_GetArrayItem(c->body, 0);
	const cJSON *key = cJSON_GetArrayItem(c->body, 1);
	struct entry *e;
	char *text;

	if (!cJSON_IsArray(c->body) || cJSON_GetArraySize(c->body) != 2 ||
	    !cJSON_IsString(label) || !cJSON_IsString(key)) {
		reply_type_error(c, "invalid type, expected a tuple of size 2");
		return;
	}
	e = writable_target(c);
	if (!e)
		return;
	text = canonical_key(key->valuestring);
	if (!text) {
		reply_error(c->reply, "vl0001valuesshpublickeystring");
		return;
	}
	store_set_key(e, label->valuestring, text);
	free(text);
	reply_null(c);
}

void
handle_key_delete(struct call *c)
{
	struct entry *e = writable_target(c);

	if (!e)
		return;
	(void)store_remove_key(e, c->tag);
	reply_null(c);
}

static cJSON *
quality_error(const char *password)
{
	size_t len = strlen(password), distinct = 0;
	bool seen[256] = { false };
	cJSON *item;

	if (len < PASSWORD_MIN || len > PASSWORD_MAX) {
		item = cJSON_CreateObject();
		(void)cJSON_AddNumberToObject(item,
		    len < PASSWORD_MIN ? "tooshort" : "toolong",
		    len < PASSWORD_MIN ? PASSWORD_MIN : PASSWORD_MAX);
		return item;
	}
	for (const unsigned char *p = (const unsigned char *)password; *p; p++) {
		distinct += !seen[*p];
		seen[*p] = true;
	}
	/* The server asks a strength estimator; few distinct bytes stand for "weak". */
	return distinct < 6 ? cJSON_CreateString("badlisted") : NULL;
}

void
handle_credential_put(struct call *c)
{
	const char *password = value_of(c);
	struct entry *e = password ? writable_target(c) : NULL;
	cJSON *error, *o, *list;

	if (!e)
		return;
	if (!e->posix) {
		reply_error1(c->reply, "missingclass", "posixaccount");
		return;
	}
	error = quality_error(password);
	if (error) {
		o = cJSON_CreateObject();
		list = cJSON_AddArrayToObject(o, "passwordquality");
		(void)cJSON_AddItemToArray(list, error);
		reply_json(c->reply, 400, o);
		return;
	}
	x_assign(&e->posix_password, password);
	e->lock_posix = (struct softlock){ 0 };
	reply_null(c);
}

void
handle_credential_delete(struct call *c)
{
	struct entry *e = writable_target(c);

	if (!e)
		return;
	x_assign(&e->posix_password, NULL);
	reply_null(c);
}
