/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Logins: may this password in, may this person in, is there a home? The answers to the
 * PAM operations, made of resolver (who is it), idp (what does the server say), crypt (what
 * do we remember) and taskq (homes). On the loop; every request is answered exactly once,
 * at once from inside the call (which then returns NULL) or later.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ku/wire_pam.h"
#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/base/secret.h"

struct config;
struct idp;
struct login;
struct login_call;
struct loop;
struct pin;
struct resolver;
struct store;
struct taskq;
struct uuid;

struct login_ports {
	struct loop *loop;
	struct resolver *resolver;
	struct idp *idp;
	struct store *store;
	struct taskq *taskq; /* NULL: as if tasks were never there */
	const struct pin *pin;
	const char *uid_map_path; /* NULL: /proc/self/uid_map */
};

struct login_request {
	uid_t caller;
	unsigned flags; /* KU_PAM_* */
	struct name name;
	/* For the journal; printable, "" when not given. Copied when kept. */
	const char *service;
	const char *tty;
	const char *rhost;
};

/* `status` is enum ku_status; the rest counts when it is KU_ST_OK. */
typedef void (*login_auth_fn)(void *arg, uint16_t status, enum ku_auth_verdict verdict,
    unsigned seconds);
typedef void (*login_acct_fn)(void *arg, uint16_t status, enum ku_acct_verdict verdict);
typedef void (*login_session_fn)(void *arg, uint16_t status,
    enum ku_session_verdict verdict, unsigned flags, const char *home, const char *text);
typedef void (*login_lookup_fn)(void *arg, uint16_t status, int deadline_ms,
    const char *uri, const char *shown_name);

/* Reads credentials, counters and the sealed key from the store; begins to open the key.
 * `config` is borrowed until replaced. 0 or -errno. */
int must_use_ login_new(const struct login_ports *ports, const struct config *config,
    struct login **ret_login);
/* Before resolver, idp, store and taskq, and the loop does not turn any more until the
 * store is closed: nobody is there for its answers. Pending calls get no answer: the server
 * has been freed by then. */
struct login *login_free(struct login *l);
void login_reconfigure(struct login *l, const struct config *config);

/* May we be asked to log this name in, and until when is the answer there? Anyone. */
struct login_call *login_lookup(struct login *l, const struct login_request *q,
    login_lookup_fn fn, void *arg);
/* Takes over the password, also when it answers at once. */
struct login_call *login_auth(struct login *l, const struct login_request *q,
    struct secret *password, login_auth_fn fn, void *arg);
struct login_call *login_acct(struct login *l, const struct login_request *q,
    login_acct_fn fn, void *arg);
struct login_call *login_session(struct login *l, const struct login_request *q,
    login_session_fn fn, void *arg);
/* The caller is gone: fn is not called. What the server was asked is still learnt from. */
void login_cancel(struct login_call *c);

/* Root's cache-clear: verifiers and counters are forgotten, on disk too. */
void login_clear(struct login *l);
/* Proven gone on the server. */
void login_forget(struct login *l, const struct uuid *uuid);

/* How many people can log in offline now (for STATUS= and status). */
size_t login_n_ready(const struct login *l);
void login_status(const struct login *l,
    void (*fn)(void *arg, const char *key, const char *value), void *arg);
/* The first lines of `kanidm-unix explain`: whether and why this person can log in, as
 * "verdict: sentence" and "can_log_in: yes|no|unknown". NULL: no name that an entry of the
 * server can have. */
void login_verdict(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg);
/* Lines for `kanidm-unix explain`: may log in or why not, and, for those who may ask for this
 * account's logins, offline readiness and back-off. */
void login_explain(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg);
