/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of this folder share: the engine itself, and one call of it.
 *
 *	login.c	     life, the key, what root commands
 *	caller.c     may this caller ask that about this account?
 *	auth.c	     one password, one deadline, one answer; auth_ask.c: whom it asks;
 *		     auth_end.c: how it ends
 *	judge.c	     the decisions of auth.c as tables; guess.c: how long a guesser waits
 *	check.c	     verifications in line, one per account at a time
 *	behind.c     what is learnt from the server's answer once ours is out
 *	credential.c what is remembered about an account's password, and as a blob
 *	refused.c    the server's soft lock, and that of names which nobody has
 *	keep.c	     credentials to the store, and waiting for it
 *	pace.c	     failures take the time of real verifications
 *	account.c    the account phase; session.c: the session phase; also login_lookup()
 *	homefs.c     may anybody look at homes without hanging?
 *	status.c     for people
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/unixd/core/list.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/login/caller.h"
#include "src/unixd/login/check.h"
#include "src/unixd/login/credential.h"
#include "src/unixd/login/homefs.h"
#include "src/unixd/login/keep.h"
#include "src/unixd/login/login.h"
#include "src/unixd/login/pace.h"
#include "src/unixd/login/refused.h"
#include "src/unixd/resolver/resolver.h"

struct crypt;

/* Calls under way, all kinds; beyond that: KU_ST_BUSY. */
#define LOGIN_MAX_CALLS 1024u
/* Of those, at most: everybody's but root's, and the passwords of one caller that is a
 * service (listed, or hidden and so many in one), or a person of the host. */
#define LOGIN_MAX_OTHERS     768u
#define LOGIN_MAX_OF_SERVICE 256u
#define LOGIN_MAX_OF_USER    16u

struct login {
	struct login_ports ports;
	struct timers *ts;
	const struct config *config;
	struct list calls; /* struct login_call.link */
	size_t n_calls;
	size_t n_others; /* of callers other than root */
	bool closing;    /* login_free() is dropping what is left */
	struct callers callers;
	struct homefs homefs;

	struct creds creds;
	struct checks checks;
	struct keeper keeper;
	struct refused_ghosts *ghosts;
	struct pace pace_online;  /* from the question to the server's acceptance */
	struct pace pace_offline; /* from the question to a verification's end */
	struct timer chores;
	int64_t nudged_at; /* mono ns: a login made the link be probed */
	uint64_t random;

	struct crypt *crypt; /* NULL: as if there were no key */
	bool opening;        /* the key is not there yet, or not on the disk */
	struct keep *key_keep;
	void *sealed_key; /* a new one, until it is on the disk */
	size_t sealed_key_len;
	const char *no_key; /* why crypt is NULL */
	size_t n_void;      /* credentials of a key that is gone */
};

enum login_kind {
	LOGIN_LOOKUP,
	LOGIN_AUTH,
	LOGIN_ACCT,
	LOGIN_SESSION,
};

/*
 * What every kind of call begins with: embedded, usually first, in a struct of its own
 * file. `q` is a copy, its strings too (cut to what a journal line can bear).
 */
struct login_call {
	struct list link;
	struct login *l;
	enum login_kind kind;
	struct login_request q;
	char service[64];
	char tty[64];
	char rhost[128];
	/* Nobody wants the answer any more: withdraw what is out at the ports, call
	 * login_call_end(), free. The callback is not called. While l->closing is true,
	 * nothing may be left that would come back to `l`. */
	void (*drop)(struct login_call *c);
};

/* False: too many calls; nothing was begun, answer KU_ST_BUSY. */
bool must_use_ login_call_begin(struct login *l, struct login_call *c,
    enum login_kind kind, const struct login_request *q,
    void (*drop)(struct login_call *c));
/* Unlinks; the memory stays its owner's. Then answer, last of all. */
void login_call_end(struct login_call *c);

/* login.c */
bool login_has_key(const struct login *l);    /* or will have one soon */
bool login_is_opening(const struct login *l); /* soon, not yet */
uint64_t login_random(struct login *l);
/* In constant time for equal lengths. */
bool secret_is_same(const struct secret *a, const struct secret *b);
/* The latest wall time ever seen, in seconds. */
int64_t login_wall_s(const struct login *l);
/* The server's last acceptance of its password is longer ago than offline_auth_max_age. */
bool login_is_too_old(const struct login *l, const struct cred *c);

/* account.c: what the resolver's answer is to this caller, enum ku_status. OK: `v` is an
 * account the caller may ask about, hidden callers included. */
uint16_t account_status(const struct login *l, uid_t caller, enum answer answer,
    const struct account_view *v);
