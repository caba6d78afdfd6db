/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The session phase: is there a home? Tasks makes and checks homes, we only wait for it, and
 * no longer than the login's own deadline, whatever it does. Without tasks the system works
 * on: the module may look by itself, where looking cannot hang.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ku/wire.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/account.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/model/model.h"
#include "src/unixd/taskq/taskq.h"

#define ACCOUNT_WAIT_MS 1000

struct session {
	struct login_call c;
	struct waiter *waiter;
	struct taskq_waiter *home_waiter;
	bool inside; /* login_session() has not returned yet */
	bool over;   /* answered while inside */
	int64_t until_ns;
	char *home;
	char *spn;
	login_session_fn fn;
	void *arg;
};

static void
session_free(struct session *s)
{
	free(s->home);
	free(s->spn);
	free(s);
}

static void
drop(struct login_call *c)
{
	struct session *s = container_of(c, struct session, c);

	resolver_cancel(s->waiter);
	taskq_cancel(s->home_waiter);
	login_call_end(c);
	session_free(s);
}

static void
finish(struct session *s, uint16_t status, enum ku_session_verdict verdict,
    unsigned flags, const char *text)
{
	login_call_end(&s->c);
	s->fn(s->arg, status, verdict, flags, s->home != NULL ? s->home : "", text);
	if (s->inside)
		s->over = true;
	else
		session_free(s);
}

/* No home to be had: what that means is the administrator's choice. */
static void
without_home(struct session *s, enum ku_session_verdict verdict, unsigned flags,
    const char *text)
{
	const struct login *l = s->c.l;

	if (l->config->home_failure == HOME_FAILURE_DENY)
		flags |= KU_SESSION_DENY;
	if (s->c.q.caller == 0)
		log_warn("session: no home directory name=%s service=%s%s%s", s->spn,
		    s->c.q.service, text[0] != '\0' ? ": " : "", text);
	finish(s, KU_ST_OK, verdict, flags, text);
}

static void
without_tasks(struct session *s)
{
	struct login *l = s->c.l;
	bool local = homefs_is_local(&l->homefs, l->config->home_prefix,
	    l->config->home_mount_prefix, l->ts->now.mono_ns);
	unsigned flags = local ? KU_SESSION_LOOK : 0;

	if (l->config->home_failure == HOME_FAILURE_DENY)
		flags |= KU_SESSION_DENY;
	/* Not worth a line: with `look` there usually is a home. */
	finish(s, KU_ST_OK, KU_SESSION_NO_TASKS, flags,
	    "the service that makes home directories is not running");
}

static void
on_home(void *arg, enum taskq_result res, const char *text)
{
	struct session *s = arg;

	s->home_waiter = NULL;
	switch (res) {
	case TASKQ_OK:
		finish(s, KU_ST_OK, KU_SESSION_OK, 0, "");
		return;
	case TASKQ_FAILED:
		without_home(s, KU_SESSION_FAILED, 0,
		    text[0] != '\0' ? text : "the home directory could not be made");
		return;
	case TASKQ_TIMED_OUT:
		without_home(s, KU_SESSION_FAILED, 0,
		    "the home directory is not ready yet");
		return;
	case TASKQ_BUSY:
		without_home(s, KU_SESSION_FAILED, 0,
		    "too many home directories are being made at once");
		return;
	case TASKQ_NO_TASKS:
		break;
	}
	without_tasks(s);
}

static void
ask_tasks(struct session *s, const struct account_view *v)
{
	struct login *l = s->c.l;
	const struct taskq_home home = { .uuid = v->user->uuid,
		.uid = v->uid,
		.gid = v->uid, /* a person's own group has the person's number */
		.name = v->key,
		.spn = v->user->spn,
		.shown = v->shown };
	int64_t left = (s->until_ns - l->ts->now.mono_ns) / CLOCK_MS;
	struct taskq_waiter *w;
	bool inside = s->inside;

	if (l->ports.taskq == NULL) {
		without_tasks(s);
		return;
	}
	/* It may answer at once, and then `s` must still be here to be told so. */
	s->inside = true;
	w = taskq_home(l->ports.taskq, &home, left > 0 ? (int)left : 0, on_home, s);
	s->inside = inside;
	if (!s->over)
		s->home_waiter = w;
	else if (!inside)
		session_free(s);
}

static void
on_account(void *arg, enum answer answer, const struct account_view *v)
{
	struct session *s = arg;
	uint16_t status = account_status(s->c.l, s->c.q.caller, answer, v);

	s->waiter = NULL;
	/* Lockers need no homes: who cannot be told who it is makes none for others. */
	if (status == KU_ST_OK &&
	    caller_judge(s->c.l, s->c.q.caller, v->uid) != CALLER_ALLOWED)
		status = KU_ST_DENIED;
	if (status != KU_ST_OK) {
		finish(s, status, KU_SESSION_FAILED, 0, "");
		return;
	}
	s->home = xstrdup(v->home);
	s->spn = xstrdup(v->user->spn);
	ask_tasks(s, v);
}

struct login_call *
login_session(struct login *l, const struct login_request *q, login_session_fn fn,
    void *arg)
{
	int budget = (int)l->config->auth_deadline_ms;
	struct session *s = xcalloc(1, sizeof(*s));
	struct waiter *w;

	s->fn = fn;
	s->arg = arg;
	s->until_ns = l->ts->now.mono_ns + budget * CLOCK_MS;
	if (!login_call_begin(l, &s->c, LOGIN_SESSION, q, drop)) {
		free(s);
		fn(arg, KU_ST_BUSY, KU_SESSION_FAILED, 0, "", "");
		return NULL;
	}
	s->inside = true;
	w = resolver_account(l->ports.resolver, &s->c.q.name, false,
	    budget < ACCOUNT_WAIT_MS ? budget : ACCOUNT_WAIT_MS, on_account, s);
	s->inside = false;
	if (s->over) {
		session_free(s);
		return NULL;
	}
	/* Asked tasks already, or still asking who it is. */
	if (s->home_waiter == NULL)
		s->waiter = w;
	return &s->c;
}
