/* SPDX-License-Identifier: MPL-2.0 */
/* The functions of login.h that the server calls, over a few constants. */
#include "unit/src/unixd/server/fake_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct login_call {
	struct list link;
	struct login *l;
	login_auth_fn auth;
	login_acct_fn acct;
	login_session_fn session;
	login_lookup_fn lookup;
	void *arg;
};

void
fake_login_init(struct login *l)
{
	*l = (struct login){ 0 };
	list_init(&l->waiting);
}

static void
drop(struct login_call *c)
{
	list_remove(&c->link);
	c->l->n_waiting--;
	free(c);
}

static void
answer(const struct login_call *c, uint16_t status)
{
	if (c->auth != NULL)
		c->auth(c->arg, status, KU_AUTH_OK, 0);
	else if (c->acct != NULL)
		c->acct(c->arg, status, KU_ACCT_OK);
	else if (c->session != NULL)
		c->session(c->arg, status, KU_SESSION_NO_TASKS, KU_SESSION_LOOK,
		    "/home/alice", "no tasks");
	else
		c->lookup(c->arg, status, 2500, "https://idm.example.test",
		    "alice@idm.example.test");
}

void
fake_login_release(struct login *l)
{
	while (!list_is_empty(&l->waiting)) {
		struct login_call *c = container_of(l->waiting.next, struct login_call,
		    link);
		struct login_call copy = *c;

		drop(c);
		answer(&copy, KU_ST_OK);
	}
}

static uint16_t
judge(const char *name)
{
	static const struct {
		const char *name;
		uint16_t status;
	} known[] = { { "alice", KU_ST_OK }, { "local", KU_ST_LOCAL },
		{ "unavail", KU_ST_UNAVAIL }, { "busy", KU_ST_BUSY },
		{ "denied", KU_ST_DENIED } };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (streq(name, known[i].name))
			return known[i].status;
	}
	return KU_ST_NOTFOUND;
}

static struct login_call *
begin(struct login *l, const struct login_request *q, const struct login_call *how)
{
	struct login_call *c;

	l->n_asked++;
	l->last = *q;
	(void)snprintf(l->service, sizeof(l->service), "%s", q->service);
	(void)snprintf(l->tty, sizeof(l->tty), "%s", q->tty);
	(void)snprintf(l->rhost, sizeof(l->rhost), "%s", q->rhost);
	if (strncmp(q->name.text, "slow", 4) != 0) {
		answer(how, judge(q->name.text));
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	*c = *how;
	c->l = l;
	list_append(&l->waiting, &c->link);
	l->n_waiting++;
	return c;
}

struct login_call *
login_lookup(struct login *l, const struct login_request *q, login_lookup_fn fn,
    void *arg)
{
	return begin(l, q, &(struct login_call){ .lookup = fn, .arg = arg });
}

struct login_call *
login_auth(struct login *l, const struct login_request *q, struct secret *password,
    login_auth_fn fn, void *arg)
{
	bool right = streq((char *)password->data, "open sesame");

	l->n_passwords++;
	(void)snprintf(l->password, sizeof(l->password), "%s", (char *)password->data);
	(void)secret_free(password);
	if (streq(q->name.text, "alice") && !right) {
		l->n_asked++;
		fn(arg, KU_ST_OK, KU_AUTH_WAIT, 30);
		return NULL;
	}
	return begin(l, q, &(struct login_call){ .auth = fn, .arg = arg });
}

struct login_call *
login_acct(struct login *l, const struct login_request *q, login_acct_fn fn, void *arg)
{
	return begin(l, q, &(struct login_call){ .acct = fn, .arg = arg });
}

struct login_call *
login_session(struct login *l, const struct login_request *q, login_session_fn fn,
    void *arg)
{
	return begin(l, q, &(struct login_call){ .session = fn, .arg = arg });
}

void
login_cancel(struct login_call *c)
{
	c->l->n_cancelled++;
	drop(c);
}

void
login_clear(struct login *l)
{
	l->n_cleared++;
}

void
login_verdict(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg)
{
	(void)l;
	(void)caller;
	fn(arg, name != NULL ? "verdict: somebody can log in" : "verdict: no name");
	fn(arg, name != NULL ? "can_log_in: yes" : "can_log_in: unknown");
}

void
login_explain(struct login *l, uid_t caller, const struct name *name,
    void (*fn)(void *arg, const char *line), void *arg)
{
	(void)l;
	(void)caller;
	(void)name;
	fn(arg, "may log in");
}
