/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Routing, identity and the shapes of answers. The route table is the list of everything
 * this server speaks; what is not in it is 404 in plain text, and what is in it under
 * another method is 405 with the list of methods.
 */
#include "tests/devidm/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devidm/render.h"

#define HEX "0123456789abcdefABCDEF"

#define R_JSON 1u /* needs a JSON body */
#define R_OPEN 2u /* no bearer asked for here; the handler may do so */

struct route {
	const char *method;
	const char *pattern;
	void (*handle)(struct call *c);
	enum cache_rule cache;
	unsigned flags;
};

static void
handle_status(struct call *c)
{
	c->reply->status_only = true;
	reply_json(c->reply, 200, cJSON_CreateTrue());
}

static const struct route routes[] = {
	{ "GET", "/status", handle_status, CACHE_NONE, R_OPEN },
	{ "POST", "/v1/auth", handle_auth, CACHE_NO_STORE, R_JSON | R_OPEN },
	{ "GET", "/v1/auth/valid", handle_auth_valid, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/logout", handle_logout, CACHE_NO_STORE, R_OPEN },
	{ "GET", "/v1/self", handle_self, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/self/_uat", handle_self_uat, CACHE_NO_STORE, 0 },
	{ "POST", "/v1/account/{id}/_unix/_token", handle_user_token, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/account/{id}/_unix/_token", handle_user_token, CACHE_PRIVATE, 0 },
	{ "POST", "/v1/account/{id}/_unix/_auth", handle_unix_auth, CACHE_NO_STORE,
	    R_JSON },
	{ "GET", "/v1/group/{id}/_unix/_token", handle_group_token, CACHE_NO_STORE, 0 },
	{ "POST", "/v1/account/{id}/_ssh_pubkeys", handle_keys_post, CACHE_NO_STORE,
	    R_JSON },
	{ "GET", "/v1/account/{id}/_ssh_pubkeys", handle_keys_get, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/account/{id}/_ssh_pubkeys/{tag}", handle_key_get, CACHE_NO_STORE,
	    0 },
	{ "DELETE", "/v1/account/{id}/_ssh_pubkeys/{tag}", handle_key_delete,
	    CACHE_NO_STORE, 0 },
	{ "POST", "/v1/person/{id}/_ssh_pubkeys", handle_keys_post, CACHE_NO_STORE,
	    R_JSON },
	{ "GET", "/v1/person/{id}/_ssh_pubkeys", handle_keys_get, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/person/{id}/_ssh_pubkeys/{tag}", handle_key_get, CACHE_NO_STORE,
	    0 },
	{ "DELETE", "/v1/person/{id}/_ssh_pubkeys/{tag}", handle_key_delete,
	    CACHE_NO_STORE, 0 },
	{ "POST", "/v1/service_account/{id}/_ssh_pubkeys", handle_keys_post,
	    CACHE_NO_STORE, R_JSON },
	{ "GET", "/v1/service_account/{id}/_ssh_pubkeys", handle_keys_get, CACHE_NO_STORE,
	    0 },
	{ "GET", "/v1/service_account/{id}/_ssh_pubkeys/{tag}", handle_key_get,
	    CACHE_NO_STORE, 0 },
	{ "DELETE", "/v1/service_account/{id}/_ssh_pubkeys/{tag}", handle_key_delete,
	    CACHE_NO_STORE, 0 },
	{ "PUT", "/v1/person/{id}/_unix/_credential", handle_credential_put,
	    CACHE_NO_STORE, R_JSON },
	{ "DELETE", "/v1/person/{id}/_unix/_credential", handle_credential_delete,
	    CACHE_NO_STORE, 0 },
	{ "GET", "/v1/person", handle_persons, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/person/{id}", handle_entry, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/service_account", handle_services, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/service_account/{id}", handle_entry, CACHE_NO_STORE, 0 },
	{ "POST", "/v1/service_account/{id}/_api_token", handle_token_post,
	    CACHE_NO_STORE, R_JSON },
	{ "GET", "/v1/group", handle_groups, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/group/{id}", handle_entry, CACHE_NO_STORE, 0 },
	{ "GET", "/v1/group/{id}/_attr/{tag}", handle_members, CACHE_NO_STORE, 0 },
	{ "GET", "/scim/v1/Entry", handle_scim_search, CACHE_NONE, 0 },
	{ "GET", "/scim/v1/Entry/{id}", handle_scim_entry, CACHE_NONE, 0 },
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

static void
reply_body(struct reply *r, unsigned status, const char *type, const char *s)
{
	r->status = status;
	r->content_type = type;
	text_free(&r->body);
	text_add(&r->body, s, strlen(s));
}

void
reply_json(struct reply *r, unsigned status, cJSON *value)
{
	char *s = cJSON_PrintUnformatted(value);

	cJSON_Delete(value);
	if (!s)
		die("out of memory");
	reply_body(r, status, "application/json", s);
	free(s);
}

void
reply_text(struct reply *r, unsigned status, const char *fmt, ...)
{
	va_list ap;
	char line[512];

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	reply_body(r, status, "text/plain; charset=utf-8", line);
}

static unsigned
error_status(const char *name)
{
	static const struct {
		const char *name;
		unsigned status;
	} table[] = { { "notauthenticated", 401 }, { "sessionexpired", 401 },
		{ "accessdenied", 403 }, { "systemprotectedobject", 403 },
		{ "nomatchingentries", 404 }, { "emptyrequest", 400 },
		{ "invalidattribute", 400 }, { "invalidattributename", 400 },
		{ "schemaviolation", 400 }, { "passwordquality", 400 },
		{ "vl0001valuesshpublickeystring", 400 } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].status;
	return 500;
}

void
reply_error(struct reply *r, const char *name)
{
	r->www_authenticate = error_status(name) == 401;
	reply_json(r, error_status(name), cJSON_CreateString(name));
}

void
reply_error1(struct reply *r, const char *name, const char *arg)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, name, arg);
	reply_json(r, error_status(name), o);
}

void
reply_type_error(struct call *c, const char *what)
{
	size_t line = 1, column = 0;

	for (size_t i = 0; i < c->rq->body_len; i++) {
		column++;
		if (c->rq->body[i] == '\n') {
			line++;
			column = 0;
		}
	}
	reply_text(c->reply, 422,
	    "Failed to deserialize the JSON body into the target type: %s at line %zu "
	    "column %zu",
	    what, line, column);
}

void
reply_free(struct reply *r)
{
	text_free(&r->body);
	free(r->cookies[0]);
	free(r->cookies[1]);
	free(r->session);
	*r = (struct reply){ 0 };
}

bool
call_identify(struct call *c)
{
	const char *token = c->rq->bearer_cookie;

	if (c->rq->authorization)
		token = strncasecmp(c->rq->authorization, "bearer ", 7) == 0
		    ? c->rq->authorization + 7
		    : NULL;
	c->caller.state = CALLER_UNKNOWN;
	if (token)
		token_read(&c->api->tokens, &c->api->store, token, &c->caller);
	if (c->caller.state == CALLER_OK)
		return true;
	reply_error(c->reply,
	    c->caller.state == CALLER_EXPIRED ? "sessionexpired" : "notauthenticated");
	return false;
}

static bool
is_admin(const struct call *c)
{
	return store_is_in(&c->api->store, c->caller.entry, UUID_IDM_ADMINS);
}

bool
call_may_read(const struct call *c, struct entry *e)
{
	if (e == c->caller.entry)
		return true;
	if (e->posix && store_is_in(&c->api->store, c->caller.entry, UUID_UNIX_READ))
		return true;
	return is_admin(c);
}

bool
call_may_write(const struct call *c, const struct entry *e)
{
	return c->caller.writable && (e == c->caller.entry || is_admin(c));
}

/* Failures 1-2: 1 s, 3-8: 3 s, 9-24: 5 s, 25-99: 10 s, then the rest of the UTC day. */
void
softlock_failed(const struct store *st, struct softlock *l)
{
	int64_t now = store_now_ms(st), day = now / 86400000;

	if (l->day != day)
		l->failures = 0;
	l->day = day;
	l->failures++;
	l->unlock_ms = now +
	    (l->failures <= 2           ? 1000
		    : l->failures <= 8  ? 3000
		    : l->failures <= 24 ? 5000
					: 10000);
	if (l->failures >= 100)
		l->unlock_ms = (day + 1) * 86400000;
}

bool
softlock_locked(const struct store *st, const struct softlock *l)
{
	return l->failures > 0 && store_now_ms(st) <= l->unlock_ms;
}

/* Percent-decoding, one time. NULL when the result is not UTF-8 or holds a zero. */
static char *
decode(const char *s, size_t len)
{
	char *out = x_calloc(len + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = { 0 };

		if (s[i] == '%' && i + 2 < len && strspn(s + i + 1, HEX) >= 2) {
			memcpy(hex, s + i + 1, 2);
			out[n++] = (char)strtoul(hex, NULL, 16);
			i += 2;
		} else {
			out[n++] = s[i];
		}
	}
	if (utf8_valid(out, n) && !memchr(out, 0, n))
		return out;
	free(out);
	return NULL;
}

/* Does the raw path fit the pattern? ret[0] is where {id} is, ret[1] where {tag} is. */
static bool
path_match(const char *pattern, const char *path, const char *ret[2], size_t len[2])
{
	while (*pattern == '/' && *path == '/') {
		size_t pl = strcspn(++pattern, "/"), sl = strcspn(++path, "/");

		if (*pattern == '{') {
			size_t which = pattern[1] == 't';

			ret[which] = path;
			len[which] = sl;
		} else if (pl != sl || strncmp(pattern, path, pl) != 0) {
			return false;
		}
		pattern += pl;
		path += sl;
	}
	return *pattern == '\0' && *path == '\0';
}

static const char *
allow_list(const char *path)
{
	const char *id[2];
	size_t len[2];
	unsigned seen = 0;
	static const char *const text[16] = { NULL, "GET,HEAD", "POST", "POST,GET,HEAD",
		"PUT", "PUT,GET,HEAD", "PUT,POST", "PUT,POST,GET,HEAD", "DELETE",
		"GET,HEAD,DELETE", "POST,DELETE", "POST,GET,HEAD,DELETE", "PUT,DELETE",
		"PUT,GET,HEAD,DELETE", "PUT,POST,DELETE", "PUT,POST,GET,HEAD,DELETE" };

	for (size_t i = 0; i < ROUTES; i++)
		if (path_match(routes[i].pattern, path, id, len))
			seen |= routes[i].method[0] == 'G' ? 1u
			    : routes[i].method[1] == 'O'   ? 2u
			    : routes[i].method[0] == 'P'   ? 4u
							   : 8u;
	return text[seen];
}

static const struct route *
find_route(const struct request *rq, const char *id[2], size_t len[2])
{
	const char *method = strcmp(rq->method, "HEAD") == 0 ? "GET" : rq->method;

	for (size_t i = 0; i < ROUTES; i++) {
		id[0] = id[1] = NULL;
		if (strcmp(routes[i].method, method) == 0 &&
		    path_match(routes[i].pattern, rq->path, id, len))
			return &routes[i];
	}
	return NULL;
}

/* application/json or application/anything+json, parameters allowed. */
static bool
is_json(const char *type)
{
	size_t len;

	if (!type)
		return false;
	len = strcspn(type, "; \t");
	if (len < 12 || strncasecmp(type, "application/", 12) != 0)
		return false;
	return (len == 16 && strncasecmp(type + 12, "json", 4) == 0) ||
	    (len > 17 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

static bool
take_body(struct call *c)
{
	const struct request *rq = c->rq;

	if (!is_json(rq->content_type)) {
		reply_text(c->reply, 415,
		    "Expected request with `Content-Type: application/json`");
		return false;
	}
	if (rq->too_large) {
		reply_text(c->reply, 413,
		    "Failed to buffer the request body: length limit exceeded");
		return false;
	}
	c->body = utf8_valid(rq->body, rq->body_len)
	    ? cJSON_ParseWithLengthOpts(rq->body, rq->body_len + 1, NULL, true)
	    : NULL;
	if (c->body)
		return true;
	reply_text(c->reply, 400,
	    "Failed to parse the request body as JSON: expected value at line 1 column %d",
	    rq->body_len ? 1 : 0);
	return false;
}

static bool
take_ids(struct call *c, const char *id[2], const size_t len[2])
{
	char **slot[2] = { &c->id, &c->tag };

	for (size_t i = 0; i < 2; i++) {
		if (!id[i])
			continue;
		*slot[i] = decode(id[i], len[i]);
		if (!*slot[i]) {
			reply_text(c->reply, 400, "Invalid URL: Invalid UTF-8 in `%s`",
			    i ? "tag" : "id");
			return false;
		}
	}
	return true;
}

static void
run_route(struct call *c, const struct route *r, const char *id[2], const size_t len[2])
{
	if (take_ids(c, id, len) && (!(r->flags & R_JSON) || take_body(c))) {
		(void)pthread_mutex_lock(&c->api->store.mu);
		if ((r->flags & R_OPEN) || call_identify(c))
			r->handle(c);
		caller_free(&c->caller);
		(void)pthread_mutex_unlock(&c->api->store.mu);
	}
	cJSON_Delete(c->body);
	free(c->id);
	free(c->tag);
}

void
api_answer(struct api *api, const struct request *rq, struct reply *ret)
{
	const char *id[2];
	size_t len[2] = { 0, 0 };
	const struct route *r = find_route(rq, id, len);
	struct call c = { .api = api, .rq = rq, .reply = ret };

	*ret = (struct reply){ .route = r ? r->pattern : NULL };
	if (r) {
		ret->cache = r->cache;
		run_route(&c, r, id, len);
		return;
	}
	ret->allow = allow_list(rq->path);
	if (ret->allow) {
		ret->status = 405;
		ret->cache = CACHE_NO_STORE;
		return;
	}
	ret->plain = true;
	reply_text(ret, 404, "Route not found");
}

void
api_init(struct api *api, const char *domain, const char *state_dir)
{
	*api = (struct api){ 0 };
	store_init(&api->store, domain);
	tokens_init(&api->tokens, state_dir);
}

void
api_free(struct api *api)
{
	logins_free(api);
	store_free(&api->store);
}
