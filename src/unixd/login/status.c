/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What people are told: administrators in status, in explain and in the journal. Somebody
 * who cannot log in on a train should have been able to see that at the office.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "ku/wire.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/login/account.h"
#include "src/unixd/login/auth.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/login/outlook.h"
#include "src/unixd/model/model.h"
#include "src/unixd/resolver/resolver.h"
#include "src/unixd/taskq/taskq.h"

/* ---- readiness ---- */

/* Could this credential log in offline, as far as it is itself concerned? */
static bool
is_ready(const struct login *l, const struct cred *c)
{
	return login_has_key(l) && c->verifier != NULL && !c->suspended &&
	    !login_is_too_old(l, c);
}

size_t
login_n_ready(const struct login *l)
{
	const struct cred *c;
	size_t n = 0, pos;

	for (c = creds_any(&l->creds, &pos); c != NULL;
	     c = creds_next(&l->creds, c, &pos)) {
		if (is_ready(l, c))
			n++;
	}
	return n;
}

/* ---- status ---- */

struct out {
	void (*fn)(void *arg, const char *key, const char *value);
	void *arg;
};

static void printf_(3, 4) pair(const struct out *o, const char *key, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->fn(o->arg, key, text);
}

static void
pair_ready(const struct login *l, const struct out *o)
{
	size_t suspended = 0, old = 0, ready = login_n_ready(l), pos;
	const struct cred *c;
	char more[96] = "";
	int n = 0;

	for (c = creds_any(&l->creds, &pos); c != NULL;
	     c = creds_next(&l->creds, c, &pos)) {
		if (c->verifier != NULL && c->suspended)
			suspended++;
		else if (c->verifier != NULL && login_is_too_old(l, c))
			old++;
	}
	if (suspended > 0)
		n = snprintf(more, sizeof(more), ", %zu suspended", suspended);
	if (old > 0)
		(void)snprintf(more + n, sizeof(more) - (size_t)n, ", %zu too old", old);
	pair(o, "offline_logins", "ready for %zu user%s%s", ready, ready == 1 ? "" : "s",
	    more);
}

void
login_status(const struct login *l,
    void (*fn)(void *arg, const char *key, const char *value), void *arg)
{
	const struct out o = { fn, arg };

	pair_ready(l, &o);
	if (l->crypt == NULL)
		pair(&o, "offline_key", "none: %s", l->no_key);
	else
		pair(&o, "offline_key", "%s, %s", crypt_text(l->crypt), crypt_kdf_name());
	if (l->n_void > 0)
		pair(&o, "offline_note",
		    "the key is new, the old pin is gone: %zu cached credentials dropped",
		    l->n_void);
	if (l->keeper.slow)
		pair(&o, "offline_guesses", "counted in memory only: %s",
		    l->keeper.failed ? "the disk cannot be written" : "the disk is slow");
	caller_status(l, fn, arg);
}

/* ---- explain ---- */

struct explain {
	struct login *l;
	uid_t caller;
	void (*fn)(void *arg, const char *line);
	void *arg;
};

static void printf_(2, 3) line(const struct explain *e, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->fn(e->arg, text);
}

static void
when(int64_t wall_s, char out[32])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(out, 32, "?");
}

static void
lines_wait(const struct explain *e, const struct guess *g, const char *who)
{
	unsigned left = guess_left_s(g, e->l->ts->now.boot_ns);

	if (g->fails == 0)
		return;
	if (left > 0)
		line(e, "offline guesses%s: %" PRIu32 " wrong, the next one in %u s", who,
		    g->fails, left);
	else
		line(e, "offline guesses%s: %" PRIu32 " wrong", who, g->fails);
}

static void
line_offline(const struct explain *e, const struct cred *c)
{
	char made[32], proven[32], lost[32];

	if (!login_has_key(e->l)) {
		line(e, "offline login: not on this host: %s",
		    e->l->crypt != NULL ? crypt_text(e->l->crypt) : e->l->no_key);
		return;
	}
	if (c == NULL || c->verifier == NULL) {
		line(e, "offline login: not ready: no password was accepted here yet");
		return;
	}
	when(c->stored_at, made);
	when(c->proven_at, proven);
	if (c->suspended) {
		when(c->suspended_at, lost);
		line(e,
		    "offline login: suspended since %s: the server refused the password "
		    "that is remembered; ready again after the next online login",
		    lost);
	} else if (login_is_too_old(e->l, c)) {
		line(e,
		    "offline login: not ready: the last online login was %s, longer ago "
		    "than offline_auth_max_age (%u s)",
		    proven, e->l->config->offline_auth_max_age_s);
	} else {
		line(e, "offline login: ready since %s, last online login %s", made,
		    proven);
	}
}

static bool
has_tasks(const struct login *l)
{
	return l->ports.taskq != NULL && taskq_is_connected(l->ports.taskq);
}

static void
line_homes(const struct explain *e)
{
	if (has_tasks(e->l))
		line(e, "homes: made and checked at each login by kanidm_unixd_tasks");
	else
		line(e,
		    "homes: not made: kanidm_unixd_tasks is not connected (run: systemctl "
		    "enable --now kanidm-unixd-tasks)%s",
		    e->l->config->home_failure == HOME_FAILURE_DENY
			? "; home_failure is deny: nobody gets in without one"
			: "");
}

static void
on_account(void *arg, enum answer answer, const struct account_view *v)
{
	const struct explain *e = arg;
	const struct cred *c;

	if (answer != ANSWER_FOUND)
		return;
	account_explain(e->l, v, e->fn, e->arg);
	line_homes(e);
	if (caller_judge(e->l, e->caller, v->uid) != CALLER_ALLOWED) {
		line(e, "offline login: told to root and to %s alone", v->shown);
		return;
	}
	c = creds_find(&e->l->creds, &v->user->uuid);
	line_offline(e, c);
	if (c == NULL)
		return;
	lines_wait(e, &c->guess, "");
	lines_wait(e, &c->hidden, " by callers whose id the unit hides");
	if (c->was_refused)
		line(e,
		    "password: the server refused the last one; if this person never set a "
		    "POSIX password: kanidm person posix set-password %s",
		    v->user->name);
}

void
login_explain(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg)
{
	struct explain e = { l, caller, fn, arg };

	resolver_account_now(l->ports.resolver, name, on_account, &e);
}

/* ---- the verdict ---- */

#define VERDICT "verdict: "

struct verdict_of {
	const struct login *l;
	uid_t caller;
	struct outlook_facts facts;
	char name[NAME_MAX_TEXT + 1];
	char groups[512];
};

static enum outlook_memory
memory_of(const struct login *l, const struct cred *c, unsigned *ret_wait_s)
{
	if (!login_has_key(l))
		return MEMORY_NO_KEY;
	if (c == NULL || c->verifier == NULL)
		return MEMORY_NONE;
	if (c->suspended)
		return MEMORY_SUSPENDED;
	if (login_is_too_old(l, c))
		return MEMORY_TOO_OLD;
	*ret_wait_s = guess_left_s(&c->guess, l->ts->now.boot_ns);
	return *ret_wait_s > 0 ? MEMORY_WAIT : MEMORY_READY;
}

static void
judge_person(void *arg, enum answer answer, const struct account_view *v)
{
	struct verdict_of *o = arg;
	struct outlook_facts *f = &o->facts;
	const struct login *l = o->l;
	const struct cred *c;

	if (answer != ANSWER_FOUND)
		return;
	f->account = account_judge(l->config, resolver_own_domain(l->ports.resolver),
	    v->user, NULL);
	f->keys = v->user->n_keys > 0 &&
	    (l->config->offline_auth_max_age_s == 0 ||
		v->age_s <= l->config->offline_auth_max_age_s);
	(void)snprintf(o->name, sizeof(o->name), "%s", v->shown);
	if (caller_judge(l, o->caller, v->uid) != CALLER_ALLOWED) {
		f->memory = MEMORY_UNTOLD;
		return;
	}
	c = creds_find(&l->creds, &v->user->uuid);
	f->refused = c != NULL && c->was_refused;
	f->memory = memory_of(l, c, &f->wait_s);
}

void
login_verdict(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg)
{
	struct verdict_of o = { .l = l, .caller = caller };
	struct standing st = { .kind = STANDING_NO_NAME };
	char text[sizeof(VERDICT) + OUTLOOK_MAX_TEXT] = VERDICT, can[32];

	if (name != NULL) {
		resolver_standing(l->ports.resolver, name, &st);
		(void)snprintf(o.name, sizeof(o.name), "%s", name->text);
	}
	account_groups(l->config, o.groups, sizeof(o.groups));
	o.facts = (struct outlook_facts){ .who = st.kind,
		.name = o.name,
		.why = st.why,
		.away = st.away,
		.account = KU_ACCT_NOBODY,
		.groups = o.groups,
		.shell = st.shell,
		.shell_absent = st.shell_absent,
		.tasks = has_tasks(l),
		.home_deny = l->config->home_failure == HOME_FAILURE_DENY };
	if (st.kind == STANDING_PERSON)
		resolver_account_now(l->ports.resolver, name, judge_person, &o);
	(void)snprintf(can, sizeof(can), "can_log_in: %s",
	    outlook_can_text(outlook(&o.facts, text + sizeof(VERDICT) - 1)));
	fn(arg, text);
	fn(arg, can);
}

/* ---- the journal ---- */

static const char *
reason(const struct ruling *r)
{
	switch (r->status) {
	case KU_ST_OK:
		break;
	case KU_ST_NOTFOUND:
		return "no such account";
	case KU_ST_BUSY:
		return "too many logins at once";
	case KU_ST_DENIED:
		return "this caller may not ask";
	default:
		return "not known, and the server does not answer";
	}
	switch (r->verdict) {
	case KU_AUTH_OK:
	case KU_AUTH_OK_CACHED:
		return "accepted";
	case KU_AUTH_DENIED:
		return "the server refused the password";
	case KU_AUTH_WRONG:
		return "not the password that is remembered";
	case KU_AUTH_NO_CREDENTIAL:
		return "offline, and no password was ever accepted here";
	case KU_AUTH_SUSPENDED:
		return "offline, and the server refused the remembered password";
	case KU_AUTH_WAIT:
		return "too many wrong passwords";
	case KU_AUTH_TOO_OLD:
		return "offline, and the last online login is too long ago";
	case KU_AUTH_INVALID:
		return "offline, and the account was not valid";
	}
	return "?";
}

void
auth_log(const struct login *l, const struct login_request *q, const struct auth_line *a)
{
	const struct ruling *r = a->ruling;
	enum log_level level = q->caller == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
	const struct cred *c;
	char by[96] = "server";
	bool ok;

	if (a->name[0] == '\0') {
		log_debug("login: refused reason=\"%s\" service=%s", reason(r),
		    q->service);
		return;
	}
	ok = r->status == KU_ST_OK &&
	    (r->verdict == KU_AUTH_OK || r->verdict == KU_AUTH_OK_CACHED);
	if (ok && r->verdict == KU_AUTH_OK_CACHED) {
		c = creds_find(&l->creds, a->uuid);
		(void)snprintf(by, sizeof(by),
		    "cache record_age=%" PRIi64 "s credential_age=%" PRIi64 "s",
		    a->record_age_s, c != NULL ? login_wall_s(l) - c->proven_at : 0);
	}
	if (ok)
		log_at(level, "login: accepted name=%s by=%s service=%s%s%s uid=%u",
		    a->name, by, q->service, q->rhost[0] != '\0' ? " rhost=" : "",
		    q->rhost, (unsigned)q->caller);
	else
		log_at(level,
		    "login: refused name=%s reason=\"%s\" service=%s%s%s uid=%u", a->name,
		    reason(r), q->service, q->rhost[0] != '\0' ? " rhost=" : "", q->rhost,
		    (unsigned)q->caller);
}
