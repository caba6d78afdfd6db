/* SPDX-License-Identifier: MPL-2.0 */
/* One conversation, shared by auth.c, auth_ask.c and auth_end.c. */
#pragma once

#include "src/base/name.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/login/auth.h"
#include "src/unixd/login/check.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/login/judge.h"
#include "src/unixd/login/pace.h"

struct user;

struct auth {
	struct login_call call;
	login_auth_fn fn; /* NULL: answered, or nobody waits */
	void *arg;
	bool inside; /* login_auth() has not returned yet */
	bool over;   /* freed when it does */
	struct secret *password;

	/* mono ns */
	int64_t pace_from;  /* the work of a failure began */
	int64_t asked_at;   /* the server */
	int64_t cache_from; /* the cached credential */
	int64_t late_at;
	int64_t end_at;
	struct timer clock; /* late_at, then end_at */
	struct timer look;  /* silence */
	struct timer again; /* the soft lock ends */
	struct timer paced; /* decided; the answer waits for its time */

	struct waiter *who;
	bool has_who; /* the resolver answered from inside */
	uint16_t who_status;
	bool hidden;
	bool valid;
	struct uuid uuid;
	int64_t record_age_s;
	int64_t record_at; /* mono ns */
	char name[NAME_MAX_TEXT + 1];

	enum heard heard;
	bool out; /* a request is at the server */
	bool asked_again;
	bool no_work; /* nobody judged it after pace_from */
	struct user *user;
	enum cached cached;
	unsigned seconds;
	struct check_user check;
	uint32_t version;
	struct ruling ruling;
	bool decided;
};

static inline int64_t
auth_now(const struct auth *a)
{
	return a->call.l->ts->now.mono_ns;
}

/* auth.c: something has changed; is there an answer? */
void auth_settle(struct auth *a);

/* auth_ask.c */
void auth_ask_cache(struct auth *a);
void auth_ask_server(struct auth *a);
void auth_on_again(struct timer *t);

/* auth_end.c */
/* That is the answer; when it is a failure, at its time. */
void auth_conclude(struct auth *a, struct ruling r);
/* Nobody is known by that name, or not now, or it is none of the caller's business. */
void auth_refuse(struct auth *a, uint16_t status);
/* `at` (mono ns) in the past: now. */
void auth_decide(struct auth *a, struct ruling r, int64_t at);
/* When a failure is to be known on which work was done since `from`, or none. */
int64_t auth_paced_at(struct auth *a, const struct pace *ring, int64_t from, bool worked);
/* Behind the answer: what the server's verdict teaches. */
void auth_learn(struct auth *a);
void auth_on_paced(struct timer *t);
void auth_unset(struct auth *a);
/* Frees it, unless something is still to come: our own answer, or the server's. */
void auth_finish(struct auth *a);
void auth_destroy(struct auth *a);
