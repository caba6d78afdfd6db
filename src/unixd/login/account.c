/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The account phase: works without a password having been typed (ssh keys, cron, su as
 * root), so it decides from the record alone, and sees to it that the record is no older
 * than a login may be: nobody is refused, or let in, by what the server no longer says,
 * as long as the server can be asked.
 */
#include "src/unixd/login/account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/model/model.h"

#define LOOKUP_BUDGET_MS 1500
/* What login_lookup() adds, so that our own answer arrives before the module gives up. */
#define MODULE_MARGIN_MS 500

/* ---- the rule ---- */

static bool
is_of_domain(const char *spn, const char *own_domain)
{
	const char *at = strchr(spn, '@');

	return own_domain[0] == '\0' || at == NULL || streq(at + 1, own_domain);
}

static bool
is_group(const struct name *entry, const char *own_domain, const struct groupid *g)
{
	struct uuid uuid;

	if (entry->kind == NAME_UUID)
		return uuid_parse(entry->text, entry->len, &uuid) == 0 &&
		    uuid_equal(&uuid, &g->uuid);
	if (entry->kind == NAME_SPN)
		return streq(entry->text, g->spn);
	return streq(entry->text, g->name) && is_of_domain(g->spn, own_domain);
}

static bool
is_in(const struct user *u, const char *own_domain, const char *text)
{
	struct name entry;
	uint32_t i;

	/* What can be no name is nobody's; `kanidm_unixd -t` says so. */
	if (name_parse(text, strlen(text), &entry) != 0)
		return false;
	for (i = 0; i < u->n_groups; i++) {
		if (is_group(&entry, own_domain, u->groups[i]))
			return true;
	}
	return false;
}

enum ku_acct_verdict
account_judge(const struct config *config, const char *own_domain, const struct user *u,
    const char **ret_by)
{
	char **p = config->pam_allowed_login_groups;
	const char *by = NULL;

	if (ret_by != NULL)
		*ret_by = NULL;
	if (!u->valid)
		return KU_ACCT_EXPIRED;
	if (p == NULL || *p == NULL)
		return KU_ACCT_NOBODY;
	for (; *p != NULL && by == NULL; p++) {
		if (is_in(u, own_domain, *p))
			by = *p;
	}
	if (ret_by != NULL)
		*ret_by = by;
	return by != NULL ? KU_ACCT_OK : KU_ACCT_NOT_ALLOWED;
}

/* ---- for people ---- */

void
account_groups(const struct config *config, char *buf, size_t cap)
{
	char **p = config->pam_allowed_login_groups;
	size_t len = 0;

	buf[0] = '\0';
	for (; p != NULL && *p != NULL; p++) {
		size_t n = strlen(*p), room = cap - len;

		if (n + sizeof(", ") > room)
			return;
		if (len > 0) {
			memcpy(buf + len, ", ", 2);
			len += 2;
		}
		memcpy(buf + len, *p, n + 1);
		len += n;
	}
}

void
account_explain(const struct login *l, const struct account_view *v,
    void (*fn)(void *arg, const char *line), void *arg)
{
	char groups[1024], text[1400];
	const char *by;

	account_groups(l->config, groups, sizeof(groups));
	switch (account_judge(l->config, resolver_own_domain(l->ports.resolver), v->user,
	    &by)) {
	case KU_ACCT_OK:
		(void)snprintf(text, sizeof(text), "account: allowed by group %s", by);
		break;
	case KU_ACCT_EXPIRED:
		(void)snprintf(text, sizeof(text),
		    "account: not allowed: expired, or not yet "
		    "valid (the server does not say which)");
		break;
	case KU_ACCT_NOT_ALLOWED:
		(void)snprintf(text, sizeof(text),
		    "account: not allowed: in none of pam_allowed_login_groups (%s); only "
		    "groups with POSIX attributes count",
		    groups);
		break;
	case KU_ACCT_NOBODY:
		(void)snprintf(text, sizeof(text),
		    "account: not allowed: "
		    "pam_allowed_login_groups is empty, nobody may "
		    "log in");
		break;
	}
	fn(arg, text);
}

/* ---- the calls ---- */

struct account_call {
	struct login_call c;
	struct waiter *waiter;
	bool *answered; /* while the resolver may still answer from inside */
	union {
		login_acct_fn acct;
		login_lookup_fn lookup;
	} fn;
	void *arg;
};

static struct account_call *
call_of(struct login_call *c)
{
	return container_of(c, struct account_call, c);
}

static void
drop(struct login_call *c)
{
	struct account_call *a = call_of(c);

	resolver_cancel(a->waiter);
	login_call_end(c);
	free(a);
}

/* The call is over and its memory given back: what remains is to answer. */
static struct account_call
end(struct account_call *a)
{
	struct account_call copy = *a;

	if (a->answered != NULL)
		*a->answered = true;
	login_call_end(&a->c);
	free(a);
	return copy;
}

/* NULL when it has been answered. */
static struct login_call *
ask(struct login *l, struct account_call *a, bool fresh, int budget_ms,
    resolver_account_fn fn)
{
	bool answered = false;
	struct waiter *w;

	a->answered = &answered;
	w = resolver_account(l->ports.resolver, &a->c.q.name, fresh, budget_ms, fn, a);
	if (answered)
		return NULL;
	a->answered = NULL;
	a->waiter = w;
	return &a->c;
}

uint16_t
account_status(const struct login *l, uid_t caller, enum answer answer,
    const struct account_view *v)
{
	switch (answer) {
	case ANSWER_FOUND:
		return caller_judge(l, caller, v->uid) == CALLER_REFUSED ? KU_ST_DENIED
									 : KU_ST_OK;
	case ANSWER_NOTFOUND:
		return caller_judge(l, caller, CALLER_NO_ACCOUNT) == CALLER_REFUSED
		    ? KU_ST_DENIED
		    : KU_ST_NOTFOUND;
	case ANSWER_LOCAL:
		return KU_ST_LOCAL;
	case ANSWER_BUSY:
		return KU_ST_BUSY;
	case ANSWER_UNAVAIL:
		break;
	}
	return KU_ST_UNAVAIL;
}

static const char *
verdict_text(enum ku_acct_verdict verdict)
{
	switch (verdict) {
	case KU_ACCT_OK:
		return "allowed";
	case KU_ACCT_EXPIRED:
		return "expired";
	case KU_ACCT_NOT_ALLOWED:
		return "not-in-allowed-groups";
	case KU_ACCT_NOBODY:
		break;
	}
	return "nobody-is-allowed";
}

/* Who lets in is no news, unless it was decided from memory; a refusal always is. What
 * people ask about themselves is theirs alone: anybody could fill the journal with it. */
static void
log_verdict(const struct login_request *q, const struct account_view *v,
    enum ku_acct_verdict verdict, const char *by)
{
	bool old = v->age_s >= POLICY_LOGIN_FRESH_S;
	enum log_level level = LOG_LEVEL_DEBUG;

	if (q->caller == 0 && (verdict != KU_ACCT_OK || old))
		level = LOG_LEVEL_INFO;
	log_at(level, "account: %s name=%s service=%s%s%s%s%s from=%s age=%" PRIi64 "s",
	    verdict_text(verdict), v->user->spn, q->service,
	    q->rhost[0] != '\0' ? " rhost=" : "", q->rhost, by != NULL ? " group=" : "",
	    by != NULL ? by : "", old ? "cache" : "server", v->age_s);
}

static void
on_acct(void *arg, enum answer answer, const struct account_view *v)
{
	struct account_call *a = arg;
	struct login *l = a->c.l;
	uint16_t status = account_status(l, a->c.q.caller, answer, v);
	enum ku_acct_verdict verdict = KU_ACCT_NOBODY;
	const char *by = NULL;
	struct account_call done;

	if (status == KU_ST_OK) {
		verdict = account_judge(l->config, resolver_own_domain(l->ports.resolver),
		    v->user, &by);
		log_verdict(&a->c.q, v, verdict, by);
	}
	done = end(a);
	done.fn.acct(done.arg, status, verdict);
}

struct login_call *
login_acct(struct login *l, const struct login_request *q, login_acct_fn fn, void *arg)
{
	struct account_call *a = xcalloc(1, sizeof(*a));

	a->fn.acct = fn;
	a->arg = arg;
	if (!login_call_begin(l, &a->c, LOGIN_ACCT, q, drop)) {
		free(a);
		fn(arg, KU_ST_BUSY, KU_ACCT_NOBODY);
		return NULL;
	}
	return ask(l, a, true, POLICY_LOGIN_WAIT_MS, on_acct);
}

static void
on_lookup(void *arg, enum answer answer, const struct account_view *v)
{
	struct account_call *a = arg;
	const struct config *config = a->c.l->config;
	/* Anyone may ask: no more is said than a lookup by name says. */
	uint16_t status = account_status(a->c.l, 0, answer, v);
	char shown[NAME_MAX_TEXT + 1] = "";
	struct account_call done;

	if (status == KU_ST_OK)
		(void)snprintf(shown, sizeof(shown), "%s", v->shown);
	done = end(a);
	done.fn.lookup(done.arg, status, (int)config->auth_deadline_ms + MODULE_MARGIN_MS,
	    config->uri != NULL ? config->uri : "", shown);
}

struct login_call *
login_lookup(struct login *l, const struct login_request *q, login_lookup_fn fn,
    void *arg)
{
	struct account_call *a = xcalloc(1, sizeof(*a));

	a->fn.lookup = fn;
	a->arg = arg;
	if (!login_call_begin(l, &a->c, LOGIN_LOOKUP, q, drop)) {
		free(a);
		fn(arg, KU_ST_BUSY, 0, "", "");
		return NULL;
	}
	return ask(l, a, false, LOOKUP_BUDGET_MS, on_lookup);
}
