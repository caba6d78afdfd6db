/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The port: one `struct call` a question, from idp_get_*() to its callback. What the server
 * said is turned here into what the resolver may believe. The one rule behind the table in
 * judge(): "there is no such entry" is only said when the server said so *and* would have
 * shown us the entry if there were one; whatever else is odd leaves the cache alone.
 */
#include "src/unixd/idp/idp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/auth.h"
#include "src/unixd/idp/http.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/kanidm.h"
#include "src/unixd/idp/memberlist.h"
#include "src/unixd/idp/question.h"
#include "src/unixd/model/model.h"

/* How old the knowledge of our rights may be when a 404 is believed. */
#define RIGHTS_MS 15000

struct idp {
	struct loop *loop;
	struct http *http;
	struct session *session;
	struct memberlist *memberlist;
	struct auths *auths;
};

enum call_kind {
	CALL_USER,
	CALL_GROUP,
	CALL_PROBE,
};

struct call {
	struct idp *p;
	enum call_kind kind;
	char *id; /* NULL: a probe without sample */
	char *path;
	int64_t begun_ns;
	union {
		idp_user_fn user;
		idp_group_fn group;
		idp_probe_fn probe;
	} fn;
	void *arg;
	struct session_request request;
	struct session_check check;
	struct memberlist_query query;

	/* What the lane read. */
	int read_result;
	enum json_fault fault;
	char word[64];
	struct user *user;
	struct groupid *group;
};

int
idp_new(struct loop *l, const struct idp_settings *settings, struct idp **ret_idp)
{
	struct idp *p = xcalloc(1, sizeof(*p));
	int r;

	json_init();
	p->loop = l;
	r = http_new(l, settings, &p->http);
	if (r < 0) {
		free(p);
		return r;
	}
	p->session = session_new(l, p->http, settings);
	p->memberlist = memberlist_new(l, p->http, p->session);
	p->auths = auths_new(l, p->session);
	*ret_idp = p;
	return 0;
}

struct idp *
idp_free(struct idp *p)
{
	if (p == NULL)
		return NULL;
	/* First the lane: it hands every request back, and with it every call. */
	p->http = http_free(p->http);
	p->auths = auths_free(p->auths);
	p->memberlist = memberlist_free(p->memberlist);
	p->session = session_free(p->session);
	free(p);
	return NULL;
}

void
idp_reload(struct idp *p, const struct idp_settings *settings)
{
	http_configure(p->http, settings);
	session_configure(p->session, settings);
	memberlist_forget(p->memberlist);
}

const struct idp_identity *
idp_identity(const struct idp *p)
{
	return session_identity(p->session);
}

/* ---- a call ---- */

static void
call_free(struct call *c)
{
	http_request_reset(&c->request.http);
	(void)user_unref(c->user);
	(void)groupid_unref(c->group);
	(void)members_unref(c->query.members);
	free(c->path);
	free(c->id);
	free(c);
}

static void
finish(struct call *c, enum idp_class class, enum idp_reason reason, const char *detail)
{
	struct idp_result res = { .class = class, .reason = reason };
	bool found = class == IDP_FOUND;

	(void)snprintf(res.detail, sizeof(res.detail), "%s", detail);
	res.took_ms = (loop_now(c->p->loop)->mono_ns - c->begun_ns) / CLOCK_MS;
	switch (c->kind) {
	case CALL_USER:
		c->fn.user(c->arg, &res, found ? TAKE_PTR(c->user) : NULL);
		break;
	case CALL_GROUP:
		c->fn.group(c->arg, &res, found ? TAKE_PTR(c->group) : NULL,
		    found ? TAKE_PTR(c->query.members) : NULL);
		break;
	case CALL_PROBE:
		c->fn.probe(c->arg, &res);
		break;
	}
	call_free(c);
}

static void
finish_as(struct call *c, const struct http_request *http)
{
	finish(c, http->class, http->reason, http->detail);
}

static void
finish_status(struct call *c, enum idp_class class, enum idp_reason reason)
{
	char detail[160];

	(void)snprintf(detail, sizeof(detail), "HTTP %ld%s%s", c->request.http.status,
	    c->word[0] != '\0' ? " " : "", c->word);
	finish(c, class, reason, detail);
}

/* ---- what the answer means ---- */

/* On the lane. */
static void
read_token(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct call *c = container_of(r, struct call, request);

	worker_role_assume();
	c->fault = JSON_FAULT_NONE;
	c->word[0] = '\0';
	if (http->status != 200)
		c->fault = json_fault(http->answer, http->len, c->word);
	else if (c->kind == CALL_USER)
		c->read_result = json_user(http->answer, http->len, &c->user);
	else
		c->read_result = json_group(http->answer, http->len, &c->group);
}

static bool
answers_question(const struct call *c)
{
	if (c->kind == CALL_USER)
		return question_is_answered_by(c->id, c->user->name, c->user->spn,
		    &c->user->uuid, c->user->id);
	return question_is_answered_by(c->id, c->group->name, c->group->spn,
	    &c->group->uuid, c->group->gid);
}

/* A probe's verdict, and that on a 404: without rights it says nothing. */
static void
on_rights(struct session_check *check)
{
	struct call *c = container_of(check, struct call, check);

	if (check->out.class != IDP_FOUND)
		finish(c, check->out.class, check->out.reason, check->out.detail);
	else if (session_may_read(c->p->session))
		finish_status(c, IDP_NOTFOUND, IDP_OK);
	else
		finish(c, IDP_REFUSED, IDP_NO_RIGHTS,
		    session_identity(c->p->session)->spn);
}

/* Any status but 200 and 401. */
static void
judge(struct call *c)
{
	long status = c->request.http.status;
	bool absent = status == 400 || status == 404;

	if (absent && c->fault == JSON_FAULT_NO_MATCH) {
		c->check.done = on_rights;
		session_check(c->p->session, &c->check, RIGHTS_MS);
	} else if ((absent || status == 500) && c->fault == JSON_FAULT_WRONG_KIND) {
		/* It showed us the entry, and it is of another kind. */
		finish_status(c, IDP_NOTFOUND, IDP_OK);
	} else if (status >= 500) {
		finish_status(c, IDP_ERROR, IDP_SERVER_ERROR);
	} else {
		finish_status(c, IDP_ERROR, IDP_BAD_ANSWER);
	}
}

static void
on_members(struct memberlist_query *q)
{
	finish(container_of(q, struct call, query), IDP_FOUND, IDP_OK, "");
}

static void
accept_token(struct call *c)
{
	if (c->kind == CALL_USER) {
		session_prove(c->p->session, &c->user->uuid);
		finish(c, IDP_FOUND, IDP_OK, "");
		return;
	}
	session_prove(c->p->session, &c->group->uuid);
	c->query.uuid = c->group->uuid;
	c->query.done = on_members;
	memberlist_ask(c->p->memberlist, &c->query);
}

static void
on_token(struct session_request *r)
{
	struct call *c = container_of(r, struct call, request);

	if (r->http.class != IDP_FOUND) {
		finish_as(c, &r->http);
	} else if (r->http.status != 200) {
		judge(c);
	} else if (c->read_result < 0) {
		finish(c, IDP_ERROR, IDP_BAD_ANSWER, "token not understood");
	} else if (!answers_question(c)) {
		log_warn("server: answered for another entry than asked, ignored name=%s",
		    c->kind == CALL_USER ? c->user->name : c->group->name);
		finish(c, IDP_ERROR, IDP_WRONG_ENTRY, "");
	} else {
		accept_token(c);
	}
}

static struct call *
call_new(struct idp *p, enum call_kind kind, const char *id, void *arg)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->p = p;
	c->kind = kind;
	c->id = id == NULL ? NULL : xstrdup(id);
	c->arg = arg;
	c->begun_ns = loop_now(p->loop)->mono_ns;
	return c;
}

static void
ask_token(struct call *c, const char *kind, session_fn done)
{
	c->path = question_path(kind, c->id, "_token");
	c->request.http.path = c->path;
	c->request.http.max_body = HTTP_MAX_TOKEN;
	c->request.http.work = read_token;
	c->request.done = done;
	session_send(c->p->session, &c->request);
}

void
idp_get_user(struct idp *p, const char *id, idp_user_fn fn, void *arg)
{
	struct call *c = call_new(p, CALL_USER, id, arg);

	c->fn.user = fn;
	ask_token(c, "account", on_token);
}

void
idp_get_group(struct idp *p, const char *id, idp_group_fn fn, void *arg)
{
	struct call *c = call_new(p, CALL_GROUP, id, arg);

	c->fn.group = fn;
	ask_token(c, "group", on_token);
}

void
idp_auth(struct idp *p, const char *id, const struct secret *password, int timeout_ms,
    idp_auth_fn fn, void *arg)
{
	auths_ask(p->auths, id, password, timeout_ms, fn, arg);
}

/* ---- probe ---- */

/* The group call finds groups and POSIX accounts alike, by any id. */
static void
on_sample(struct session_request *r)
{
	struct call *c = container_of(r, struct call, request);
	struct session *s = c->p->session;

	if (r->http.class != IDP_FOUND) {
		finish_as(c, &r->http);
		return;
	}
	if (r->http.status == 200 && c->read_result == 0)
		session_prove(s, &c->group->uuid);
	if (r->http.status != 200 && c->fault == JSON_FAULT_NO_MATCH)
		session_disprove(s);
	if (session_may_read(s) || c->fault == JSON_FAULT_WRONG_KIND)
		finish(c, IDP_FOUND, IDP_OK, "");
	else if (r->http.status == 200 || c->fault == JSON_FAULT_NO_MATCH)
		finish(c, IDP_REFUSED, IDP_NO_RIGHTS, session_identity(s)->spn);
	else
		judge(c);
}

static void
on_probe_check(struct session_check *check)
{
	struct call *c = container_of(check, struct call, check);
	struct session *s = c->p->session;

	if (check->out.class != IDP_FOUND)
		finish(c, check->out.class, check->out.reason, check->out.detail);
	else if (session_is_member(s))
		finish(c, IDP_FOUND, IDP_OK, "");
	else if (c->id != NULL)
		ask_token(c, "group", on_sample);
	else if (session_may_read(s))
		finish(c, IDP_FOUND, IDP_OK, "");
	else
		finish(c, IDP_REFUSED, IDP_NO_RIGHTS, session_identity(s)->spn);
}

void
idp_probe(struct idp *p, const char *sample, idp_probe_fn fn, void *arg)
{
	struct call *c = call_new(p, CALL_PROBE, sample, arg);

	c->fn.probe = fn;
	c->check.done = on_probe_check;
	session_check(p->session, &c->check, 0);
}
