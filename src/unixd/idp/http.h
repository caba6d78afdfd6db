/* SPDX-License-Identifier: MPL-2.0 */
/*
 * HTTP to one server on a lane of its own. A request goes in from the loop, is answered on
 * the lane (where `work` may take the body apart), and comes back to `done` on the loop.
 *
 * There are two lines, each with places of its own on the wire: people who wait for their
 * login never stand behind lookups. The others in a line wait, each no longer than its
 * request may take. Removing a request never waits for a name server that hangs.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/unixd/core/lane.h"
#include "src/unixd/core/list.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/idp/tls.h"

#define HTTP_MAX_TOKEN ((size_t)4 * 1024 * 1024)
#define HTTP_MAX_LIST  ((size_t)64 * 1024 * 1024)

struct http;
struct http_config;
struct http_request;
struct loop;
struct secret;

typedef void (*http_fn)(struct http_request *r);

struct http_request {
	/* The caller's, until done. Strings but the bearer are borrowed until then. */
	const char *path; /* absolute; NULL: nothing is sent, only `work` is run */
	const char *body; /* JSON: a POST; NULL: a GET */
	/* A POST with a body that libcurl sends from where it is and that goes over HTTP/1.1:
	 * a library for HTTP/2 would keep copies in its own buffers. */
	const struct secret *secret_body;
	const char *bearer;     /* copied by http_post(); NULL: none */
	const char *session_id; /* of a login; NULL: none */
	size_t max_body;
	bool urgent;         /* in the line of logins */
	int64_t deadline_ns; /* on mono; 0: as long as a request may take, from now */
	http_fn work; /* on the lane, when there is an answer (any status); may be NULL */
	http_fn done; /* on the loop, always, once */

	/* The answer. */
	enum idp_class class; /* IDP_FOUND: an answer with a status; else see idp.h */
	enum idp_reason reason;
	long status;
	char *answer; /* `len` bytes, NUL-terminated; only in `work` */
	size_t len;
	char *new_session_id; /* malloc'ed, or NULL; the caller may take it */
	char version[32];     /* x-kanidm-version */
	int64_t ahead_s;      /* what our clock was ahead of the answer's date */
	bool dated;           /* it had one */
	struct tls_cert cert;
	char detail[160];

	/* http.c's. */
	struct lane_job job;
	struct http *http;
	char *own_bearer;
	struct http_config *config;
	struct list link; /* in line, or active in its pool */
	int64_t expires_ns;
	struct pool *pool;
	void *easy;
	void *headers;
	size_t room;
	atomic_bool on_wire; /* it has left the line */
	bool began;
	bool too_long;
	char error[256];
};

/* Forgets the last answer, so that the request can be sent (again). */
void http_request_reset(struct http_request *r);

int must_use_ http_new(struct loop *l, const struct idp_settings *settings,
    struct http **ret_http);
/* Everything not answered yet is done with IDP_UNREACHABLE, IDP_CANCELLED before this
 * returns. */
struct http *http_free(struct http *h);

/* For requests posted from now on; connections made before are not used for them. */
void http_configure(struct http *h, const struct idp_settings *settings);

/* `done` comes later, never from inside. */
void http_post(struct http *h, struct http_request *r);
