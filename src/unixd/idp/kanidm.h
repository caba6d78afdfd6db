/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The session with the server: who we are there and what we may read. On the loop.
 *
 * A request given to session_send() is sent with a valid bearer: a login comes first when
 * there is none (many requests wait for one login), and a 401 is followed by one new login
 * and one repetition.
 */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"
#include "src/unixd/core/list.h"
#include "src/unixd/idp/http.h"

struct session;
struct session_request;

typedef void (*session_fn)(struct session_request *r);

struct session_request {
	/*
	 * Filled by the caller: http.path, http.max_body, http.work, and for a password
	 * http.secret_body, http.urgent and http.deadline_ns, too. When `done` is called,
	 * http.class is IDP_FOUND and http.status any but 401, or http has the failure.
	 */
	struct http_request http;
	session_fn done;

	/* kanidm.c's. */
	struct session *session;
	struct list link;
	unsigned generation;
	bool repeated;
	bool waiting; /* for a login */
};

/* How something ended. */
struct session_outcome {
	enum idp_class class;
	enum idp_reason reason;
	char detail[160];
};

struct session_check;
typedef void (*session_check_fn)(struct session_check *c);

struct session_check {
	session_check_fn done;
	/* IDP_FOUND: session_may_read() is of now; else why it is not known. */
	struct session_outcome out;
	struct list link; /* kanidm.c's */
};

struct session *session_new(struct loop *l, struct http *http,
    const struct idp_settings *settings);
/* After the http lane has been freed: nothing is waiting any more. */
struct session *session_free(struct session *s);

/* New token file and a new login, from the next request on. */
void session_configure(struct session *s, const struct idp_settings *settings);

void session_send(struct session *s, struct session_request *r);
/* True: it had to wait for a login of ours, is given up and will not be done. */
bool session_cancel(struct session_request *r);

/*
 * GET /v1/self anew, unless it was asked less than max_age_ms ago. Calls that overlap share
 * one request, but never one that was sent before them.
 */
void session_check(struct session *s, struct session_check *c, int64_t max_age_ms);
/* May we read POSIX entries: by our groups, or because we have done so. */
bool session_may_read(const struct session *s);
/* By our groups. */
bool session_is_member(const struct session *s);

/* An account or group token of another entry than ourselves has been read. */
void session_prove(struct session *s, const struct uuid *uuid);
/* One that must be there was not shown to us. */
void session_disprove(struct session *s);

const struct idp_identity *session_identity(const struct session *s);
