/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The life of the engine and of its calls. A call is in one list from its begin to its
 * answer, whatever kind it is, so that a caller who leaves and a daemon that stops are the
 * same one step for each: the call's own drop().
 */
#include "src/unixd/login/login.h"

#include <stdio.h>
#include <stdlib.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/login/internal.h"

/* ---- calls ---- */

static const char *
keep(char *buf, size_t cap, const char *text)
{
	snprintf(buf, cap, "%s", text != NULL ? text : "");
	return buf;
}

bool
login_call_begin(struct login *l, struct login_call *c, enum login_kind kind,
    const struct login_request *q, void (*drop)(struct login_call *c))
{
	if (l->n_calls >= LOGIN_MAX_CALLS)
		return false;
	c->l = l;
	c->kind = kind;
	c->q = *q;
	c->q.service = keep(c->service, sizeof(c->service), q->service);
	c->q.tty = keep(c->tty, sizeof(c->tty), q->tty);
	c->q.rhost = keep(c->rhost, sizeof(c->rhost), q->rhost);
	c->drop = drop;
	list_append(&l->calls, &c->link);
	l->n_calls++;
	return true;
}

void
login_call_end(struct login_call *c)
{
	list_remove(&c->link);
	c->l->n_calls--;
}

void
login_cancel(struct login_call *c)
{
	if (c != NULL)
		c->drop(c);
}

/* ---- life ---- */

int
login_new(const struct login_ports *ports, const struct config *config,
    struct login **ret_login)
{
	struct login *l = xcalloc(1, sizeof(*l));

	l->ports = *ports;
	l->ts = loop_timers(ports->loop);
	l->config = config;
	list_init(&l->calls);
	caller_init(l);
	homefs_init(&l->homefs);
	*ret_login = l;
	return 0;
}

struct login *
login_free(struct login *l)
{
	if (l == NULL)
		return NULL;
	l->closing = true;
	while (!list_is_empty(&l->calls)) {
		struct login_call *c = container_of(l->calls.next, struct login_call,
		    link);

		c->drop(c);
	}
	caller_deinit(l);
	free(l);
	return NULL;
}

void
login_reconfigure(struct login *l, const struct config *config)
{
	l->config = config;
	caller_reconfigure(l);
	homefs_forget(&l->homefs);
}
