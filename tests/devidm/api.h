/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The API itself, without any HTTP library: one request in, one reply out. http.c carries
 * them over TLS.
 */
#pragma once

#include "tests/devidm/data.h"
#include "tests/devidm/token.h"

#define API_BODY_MAX 2097152u

enum cache_rule {
	CACHE_NONE, /* header absent */
	CACHE_NO_STORE,
	CACHE_PRIVATE, /* private, max-age=300 */
};

struct reply {
	unsigned status;
	struct text body;
	const char *content_type; /* NULL: no such header */
	bool plain;               /* none of the server's own headers */
	bool status_only;         /* /status: x-kanidm-opid and nothing else */
	bool www_authenticate;
	enum cache_rule cache;
	const char *allow;
	char *cookies[2];
	char *session; /* x-kanidm-auth-session-id */
	unsigned delay_ms;
	const char *route; /* "GET /v1/self", for the counters */
};

struct query {
	const char *filter, *attributes, *count, *start;
};

struct request {
	const char *method;
	const char *path; /* raw, as sent */
	const char *content_type;
	const char *authorization;
	const char *bearer_cookie;
	const char *step_header, *step_cookie;
	struct query query;
	const char *body;
	size_t body_len;
	bool too_large;
};

struct login;

struct api {
	struct store store;
	struct tokens tokens;
	struct login *logins;
	size_t login_count;
	unsigned auth_delay_ms;
};

void api_init(struct api *api, const char *domain, const char *state_dir);
void api_free(struct api *api);
/* Takes the store's lock itself. */
void api_answer(struct api *api, const struct request *rq, struct reply *ret);
void reply_free(struct reply *r);

/* --- between the parts of the API; callers hold the lock --- */

/* What a handler gets to see. */
struct call {
	struct api *api;
	const struct request *rq;
	struct reply *reply;
	struct caller caller;
	char *id;  /* {id} of the route, decoded once */
	char *tag; /* {tag} */
	struct cJSON *body;
};

void reply_json(struct reply *r, unsigned status, struct cJSON *value);
void reply_text(struct reply *r, unsigned status, const char *fmt, ...) ATTR_PRINTF(3, 4);
/* "nomatchingentries" and its kind; the status follows from the name. */
void reply_error(struct reply *r, const char *name);
/* {"missingclass":"account"} and its kind. */
void reply_error1(struct reply *r, const char *name, const char *arg);
/* 422, as the server's JSON layer says it. */
void reply_type_error(struct call *c, const char *what);

/* False, with the 401 made, when nobody valid is asking. */
bool call_identify(struct call *c);
bool call_may_read(const struct call *c, struct entry *e);
bool call_may_write(const struct call *c, const struct entry *e);
/* The day's failures: true while locked. failed counts one more. */
bool softlock_locked(const struct store *st, const struct softlock *l);
void softlock_failed(const struct store *st, struct softlock *l);

void handle_auth(struct call *c);
void handle_auth_valid(struct call *c);
void handle_logout(struct call *c);
void handle_self(struct call *c);
void handle_self_uat(struct call *c);
void handle_user_token(struct call *c);
void handle_group_token(struct call *c);
void handle_unix_auth(struct call *c);
void handle_keys_get(struct call *c);
void handle_keys_post(struct call *c);
void handle_key_get(struct call *c);
void handle_key_delete(struct call *c);
void handle_credential_put(struct call *c);
void handle_credential_delete(struct call *c);
void handle_persons(struct call *c);
void handle_services(struct call *c);
void handle_groups(struct call *c);
void handle_entry(struct call *c);
void handle_members(struct call *c);
void handle_token_post(struct call *c);
void handle_scim_entry(struct call *c);
void handle_scim_search(struct call *c);

void logins_free(struct api *api);
