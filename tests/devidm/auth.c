/* SPDX-License-Identifier: MPL-2.0 */
/*
 * POST /v1/auth: the three steps. A login lives in memory between them, found again by
 * the signed value that the first answers carry in a cookie and in a header. Refusals are
 * HTTP 200 "denied", mistakes in the protocol are HTTP 500, as on the real server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devidm/api.h"
#include "tests/devidm/render.h"

#define LOGIN_LIFE 300
#define LOGINS_MAX 4096u

enum login_state {
	LOGIN_CHOOSE,
	LOGIN_CONTINUE,
	LOGIN_DONE,
};

struct login {
	char id[UUID_LEN + 1];
	char account[UUID_LEN + 1];
	enum login_state state;
	bool cookie;
	bool privileged;
	int64_t ends;
};

static bool
is_anonymous(const struct login *l)
{
	return strcmp(l->account, UUID_ANONYMOUS) == 0;
}

static const char *
mechanism(const struct login *l)
{
	return is_anonymous(l) ? "anonymous" : "password";
}

/* A time stamp shaped like a UUID, as the server makes them. */
static void
login_id(char out[static UUID_LEN + 1], const struct store *st)
{
	unsigned char r[8];
	uint64_t now = (uint64_t)store_now(st) & 0xffffffffu;

	random_bytes(r, sizeof(r));
	(void)snprintf(out, UUID_LEN + 1,
	    "00000000-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    (unsigned)(now >> 16) & 0xffffu, (unsigned)now & 0xffffu, r[0] & 0x3fu, r[1],
	    r[2], r[3], r[4], r[5], r[6], r[7]);
}

static struct login *
login_new(struct api *api)
{
	int64_t now = store_now(&api->store);
	size_t kept = 0;

	for (size_t i = 0; i < api->login_count; i++)
		if (api->logins[i].ends > now)
			api->logins[kept++] = api->logins[i];
	if (kept >= LOGINS_MAX) {
		kept--;
		memmove(api->logins, api->logins + 1, kept * sizeof(*api->logins));
	}
	api->login_count = kept + 1;
	if (!api->logins)
		api->logins = x_calloc(LOGINS_MAX, sizeof(*api->logins));
	api->logins[kept] = (struct login){ .ends = now + LOGIN_LIFE };
	login_id(api->logins[kept].id, &api->store);
	return &api->logins[kept];
}

void
logins_free(struct api *api)
{
	free(api->logins);
}

static struct login *
login_find(struct call *c)
{
	const char *value = c->rq->step_header ? c->rq->step_header : c->rq->step_cookie;
	struct api *api = c->api;
	char id[UUID_LEN + 1];

	if (!value || !token_step_read(&api->tokens, value, id))
		return NULL;
	for (size_t i = 0; i < api->login_count; i++)
		if (strcmp(api->logins[i].id, id) == 0)
			return api->logins[i].ends > store_now(&api->store)
			    ? &api->logins[i]
			    : NULL;
	return NULL;
}

static void
answer(struct call *c, const struct login *l, const char *state, cJSON *value)
{
	cJSON *o = cJSON_CreateObject(), *s;

	(void)cJSON_AddStringToObject(o, "sessionid", l->id);
	s = cJSON_AddObjectToObject(o, "state");
	(void)cJSON_AddItemToObject(s, state, value);
	reply_json(c->reply, 200, o);
}

static void
answer_step(struct call *c, const struct login *l, const char *state)
{
	const char *mech = mechanism(l);

	answer(c, l, state, cJSON_CreateStringArray(&mech, 1));
	c->reply->session = token_step(&c->api->tokens, l->id);
	c->reply->cookies[0] =
	    x_printf("auth-session-id=%s; HttpOnly; SameSite=Strict; Secure",
		c->reply->session);
}

static void
deny(struct call *c, struct login *l, const char *reason)
{
	l->state = LOGIN_DONE;
	answer(c, l, "denied", cJSON_CreateString(reason));
}

static void
step_init(struct call *c, const char *username, bool cookie, bool privileged)
{
	struct store *st = &c->api->store;
	struct entry *e;
	struct login *l;

	if (username[strspn(username, " \t")] == '\0') {
		reply_error(c->reply, "emptyrequest");
		return;
	}
	switch (store_resolve(st, username, &e)) {
	case ID_INVALID:
		reply_error(c->reply, "invalidvaluestate");
		return;
	case ID_UNKNOWN:
		reply_error(c->reply, "nomatchingentries");
		return;
	case ID_FOUND:
		break;
	}
	if (e->kind == ENTRY_GROUP) {
		reply_error1(c->reply, "missingclass", "account");
		return;
	}
	l = login_new(c->api);
	memcpy(l->account, e->uuid, sizeof(l->account));
	l->cookie = cookie;
	l->privileged = privileged;
	if (!entry_valid(st, e))
		deny(c, l, "account expired");
	else if (!e->password && !is_anonymous(l))
		deny(c, l, "invalid credential state");
	else
		answer_step(c, l, "choose");
}

static void
no_session(struct call *c, const char *text)
{
	reply_error1(c->reply, "invalidauthstate", text);
}

static void
step_begin(struct call *c, const char *mech)
{
	struct login *l = login_find(c);
	struct entry *e;

	if (!l) {
		no_session(c, "session id not present in cred presented to 'begin' step");
	} else if (l->state == LOGIN_CONTINUE) {
		no_session(c, "session already finalised!");
	} else if (l->state == LOGIN_DONE || strcmp(mech, mechanism(l)) != 0) {
		reply_error(c->reply, "au0001invalidstate");
	} else if (!(e = store_find(&c->api->store, l->account))) {
		reply_error(c->reply, "nomatchingentries");
	} else if (!is_anonymous(l) && softlock_locked(&c->api->store, &e->lock_web)) {
		deny(c, l, "Account is temporarily locked");
	} else {
		l->state = LOGIN_CONTINUE;
		answer_step(c, l, "continue");
	}
}

static void
succeed(struct call *c, struct login *l, const struct entry *e)
{
	char *token = token_session(&c->api->tokens, &c->api->store, e, l->privileged);

	l->state = LOGIN_DONE;
	answer(c, l, "success", cJSON_CreateString(token));
	if (l->cookie) {
		c->reply->cookies[0] = x_printf("bearer=%s; HttpOnly; SameSite=Lax; "
						"Secure; Path=/; Domain=%s",
		    token, c->api->store.domain);
		c->reply->cookies[1] = x_strdup("auth-session-id=; Max-Age=0");
	}
	free(token);
}

static void
step_cred(struct call *c, const cJSON *cred)
{
	struct login *l = login_find(c);
	const cJSON *password = cJSON_GetObjectItemCaseSensitive(cred, "password");
	struct entry *e;

	if (!l) {
		no_session(c, "session id not present in cred presented to 'cred' step");
		return;
	}
	if (l->state != LOGIN_CONTINUE) {
		reply_error(c->reply, "au0001invalidstate");
		return;
	}
	e = store_find(&c->api->store, l->account);
	if (!e) {
		reply_error(c->reply, "nomatchingentries");
	} else if (is_anonymous(l) != cJSON_IsString(cred) ||
	    (!is_anonymous(l) && !cJSON_IsString(password))) {
		deny(c, l, "invalid authentication method in this context");
	} else if (is_anonymous(l) ||
	    (e->password && strcmp(e->password, password->valuestring) == 0)) {
		succeed(c, l, e);
	} else {
		softlock_failed(&c->api->store, &e->lock_web);
		c->reply->delay_ms = c->api->auth_delay_ms;
		deny(c, l, "incorrect password");
	}
}

static void
step_init2(struct call *c, const cJSON *v)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(v, "username");
	const cJSON *issue = cJSON_GetObjectItemCaseSensitive(v, "issue");
	const cJSON *privileged = cJSON_GetObjectItemCaseSensitive(v, "privileged");

	if (!cJSON_IsString(name))
		reply_type_error(c, "step: missing field `username`");
	else if (!cJSON_IsString(issue))
		reply_type_error(c, "step: missing field `issue`");
	else if (strcmp(issue->valuestring, "token") != 0 &&
	    strcmp(issue->valuestring, "cookie") != 0)
		reply_type_error(c,
		    "step: unknown variant, expected `token` or `cookie`");
	else if (privileged && !cJSON_IsBool(privileged))
		reply_type_error(c, "step: invalid type, expected a boolean");
	else
		step_init(c, name->valuestring, strcmp(issue->valuestring, "cookie") == 0,
		    cJSON_IsTrue(privileged));
}

static bool
is_credential(const cJSON *v)
{
	static const char *const kinds[] = { "password", "totp", "backupcode",
		"securitykey", "passkey" };

	if (cJSON_IsString(v))
		return strcmp(v->valuestring, "anonymous") == 0;
	if (!cJSON_IsObject(v) || !v->child || v->child->next)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(v->child->string, kinds[i]) == 0)
			return true;
	return false;
}

void
handle_auth(struct call *c)
{
	const cJSON *step = cJSON_GetObjectItemCaseSensitive(c->body, "step");
	const cJSON *v = cJSON_IsObject(step) ? step->child : NULL;

	if (!step) {
		reply_type_error(c, "missing field `step`");
	} else if (!v || v->next) {
		reply_type_error(c, "step: expected a variant with one value");
	} else if (strcmp(v->string, "init2") == 0) {
		step_init2(c, v);
	} else if (strcmp(v->string, "init") == 0 && cJSON_IsString(v)) {
		step_init(c, v->valuestring, false, false);
	} else if (strcmp(v->string, "begin") == 0 && cJSON_IsString(v)) {
		step_begin(c, v->valuestring);
	} else if (strcmp(v->string, "cred") == 0 && is_credential(v)) {
		step_cred(c, v);
	} else {
		reply_type_error(c,
		    "step: unknown variant, expected `init2`, `init`, `begin`, `cred`");
	}
}

void
handle_auth_valid(struct call *c)
{
	reply_json(c->reply, 200, cJSON_CreateNull());
}

void
handle_logout(struct call *c)
{
	reply_json(c->reply, 200, cJSON_CreateNull());
}

void
handle_self(struct call *c)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddItemToObject(o, "youare",
	    render_entry(&c->api->store, c->caller.entry, true));
	reply_json(c->reply, 200, o);
}

void
handle_self_uat(struct call *c)
{
	cJSON *o = c->caller.api ? NULL : cJSON_Parse(c->caller.payload);

	if (!o) {
		reply_error(c->reply, "notauthenticated");
		return;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(o, "epoch");
	reply_json(c->reply, 200, o);
}
