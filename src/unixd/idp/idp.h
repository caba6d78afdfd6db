/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The port to the identity server. Requests are made on the loop and answered on the loop;
 * curl, TLS, DNS and JSON happen on LANE_NET in between.
 *
 * The provider keeps the session: it logs in (anonymous, three steps; or the service
 * account's token), asks who it is, re-authenticates and repeats once when the server says
 * 401, and reports every outcome with a class and a reason. It does not decide whether to
 * ask: that is the link state machine's and the resolver's business.
 *
 * Tests of the resolver link a fake with these same functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"

struct loop;
struct idp;
struct user;
struct groupid;
struct members;
struct secret;

/* How an answer is to be taken. */
enum idp_class {
	IDP_FOUND,    /* the record is there */
	IDP_NOTFOUND, /* the server knows no such entry, and we have the right to know */
	IDP_UNREACHABLE, /* no answer: connect, TLS, DNS, timeout, reset, truncated body */
	IDP_REFUSED, /* the server does not accept us: 401 again after logging in anew,
			    login denied, or no right to read POSIX data */
	IDP_ERROR,   /* an answer that does not help: 5xx, 403, undecodable, for another
			    entry. The link is fine; what is cached stays */
};

enum idp_reason {
	IDP_OK,
	IDP_NO_URI,       /* not configured */
	IDP_DNS,          /* name not resolved */
	IDP_CONN_REFUSED, /* connection refused */
	IDP_CONN_FAILED,  /* other failure to connect: unreachable, reset */
	IDP_TIMED_OUT,
	IDP_TLS_UNKNOWN_ISSUER,
	IDP_TLS_EXPIRED,
	IDP_TLS_NOT_YET_VALID,
	IDP_TLS_NAME,
	IDP_TLS_OTHER,
	IDP_CA_FILE,       /* ca_path cannot be read */
	IDP_BAD_ANSWER,    /* not JSON, wrong shape, too large, truncated */
	IDP_SERVER_ERROR,  /* 5xx */
	IDP_WRONG_ENTRY,   /* answer is not for what was asked */
	IDP_LOGIN_DENIED,  /* anonymous not permitted */
	IDP_TOKEN_REFUSED, /* service account token not accepted */
	IDP_NO_RIGHTS,     /* not authorised to read POSIX data */
	IDP_CANCELLED,     /* the daemon is stopping or reloading */
	IDP_NOT_ASKED,     /* answered without the server: says nothing of the link */
};

/* "connection refused", "unknown issuer (UnknownIssuer)", ... for status and logs. */
const char *idp_reason_text(enum idp_reason r);

struct idp_result {
	enum idp_class class;
	enum idp_reason reason;
	char detail
	    [160]; /* one line, printable, may be empty: curl's words, HTTP status */
	int64_t took_ms;
};

/* What is known about session and server; strings are empty when not known. */
struct idp_identity {
	char spn[320];    /* anonymous@idm.example.com, or the service account */
	char domain[256]; /* own domain, canonical */
	char server_version[32];
	char cert_issuer[256];
	int64_t cert_not_before; /* epoch seconds, 0: not known */
	int64_t cert_not_after;
	int64_t ahead_s; /* our clock before the server's, by its last answer */
	bool token_mode;
};

struct idp_settings {
	const char *uri; /* NULL: every request answers IDP_UNREACHABLE, IDP_NO_URI */
	bool verify_ca;
	bool verify_hostnames;
	const char *ca_path;
	unsigned conn_timeout_s;
	unsigned request_timeout_s;
	const char *token_path; /* used when the file exists */
};

/* `settings` is copied. Starts LANE_NET. 0 or -errno. */
int must_use_ idp_new(struct loop *l, const struct idp_settings *settings,
    struct idp **ret_idp);
/* Pending requests are answered IDP_CANCELLED before this returns. */
struct idp *idp_free(struct idp *p);

/* New settings, CA files and token from now on; requests in flight finish as they are. */
void idp_reload(struct idp *p, const struct idp_settings *settings);

/* Records belong to the callee. `u`/`g` NULL unless class is IDP_FOUND. */
typedef void (*idp_user_fn)(void *arg, const struct idp_result *res, struct user *u);
typedef void (*idp_group_fn)(void *arg, const struct idp_result *res, struct groupid *g,
    struct members *m); /* m NULL: members could not be learnt, keep what there is */
typedef void (*idp_probe_fn)(void *arg, const struct idp_result *res);

/*
 * `id` is a canonical name, SPN or UUID, or a decimal number (src/base/name.h has checked
 * it). The answer is exactly one call of fn, later, on the loop, never from inside.
 */
void idp_get_user(struct idp *p, const char *id, idp_user_fn fn, void *arg);
/* Identity and transitive members of a group: four requests at most. */
void idp_get_group(struct idp *p, const char *id, idp_group_fn fn, void *arg);

/*
 * POST /v1/account/{id}/_unix/_auth: is this the POSIX password of that account? FOUND with
 * a record: yes. FOUND without: the server says no (it does not say why: wrong, soft-locked,
 * expired, none set). NOTFOUND: no such account. UNREACHABLE, REFUSED (401 again after a
 * new login), ERROR: it did not judge the password.
 *
 * A password that is not UTF-8 is nobody's: JSON cannot carry it, so none like it was ever
 * set. FOUND without a record, reason IDP_NOT_ASKED, and no request.
 *
 * The password is copied into a secret of its own and leaves no trace behind the answer.
 * timeout_ms, from now, is for everything: waiting in line, a login of ours, a repetition.
 * Such requests go before lookups and are answered once, never from inside.
 */
typedef void (*idp_auth_fn)(void *arg, const struct idp_result *res, struct user *u);
void idp_auth(struct idp *p, const char *id, const struct secret *password,
    int timeout_ms, idp_auth_fn fn, void *arg);

/*
 * Is the server there, does it accept us, may we read POSIX data? (session if needed, then
 * GET /v1/self.) FOUND, UNREACHABLE, REFUSED or ERROR.
 * `sample`, may be NULL: id of an entry known to exist, used to prove read rights where
 * group membership of the session does not.
 */
void idp_probe(struct idp *p, const char *sample, idp_probe_fn fn, void *arg);

/* Borrowed, valid until the next turn of the loop. */
const struct idp_identity *idp_identity(const struct idp *p);
