/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Somebody waits at a prompt, so a password has a deadline of its own: one timer here,
 * beside the request's own limits, answers whatever libcurl, the lane or a login of ours are
 * doing then. A request that is still out is left to come back and is thrown away; one that
 * was not sent yet will not be.
 *
 * The password is in one place of ours, the request's body, a secret that libcurl sends
 * from and that is wiped when the request comes back.
 */
#include "src/unixd/idp/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/utf8.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/kanidm.h"
#include "src/unixd/idp/question.h"
#include "src/unixd/model/model.h"

struct auths {
	struct loop *loop;
	struct session *session;
	struct list calls;
};

struct auth {
	struct list link;
	struct auths *auths;
	char *id;
	char *path;
	struct secret *body;
	int64_t begun_ns;
	struct timer deadline;
	bool out;      /* the request has been sent into the session */
	bool answered; /* fn has been called */
	idp_auth_fn fn;
	void *arg;
	struct session_request request;

	/* Said when the timer fires, for what is answered without a request. */
	enum idp_class class;
	enum idp_reason reason;
	const char *detail;

	/* What the lane read. */
	bool refused; /* null */
	int read_result;
	enum json_fault fault;
	char word[64];
	struct user *user;
};

/* ---- the body ---- */

static size_t
put(uint8_t *out, const char *text)
{
	size_t n = strlen(text);

	memcpy(out, text, n);
	return n;
}

/* One byte of a JSON string; those of longer UTF-8 sequences stand for themselves. */
static size_t
put_escaped(uint8_t *out, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	if (c >= 0x20 && c != '"' && c != '\\') {
		out[0] = c;
		return 1;
	}
	out[0] = '\\';
	if (c >= 0x20) {
		out[1] = c;
		return 2;
	}
	out[1] = 'u';
	out[2] = '0';
	out[3] = '0';
	out[4] = (uint8_t)hex[c >> 4];
	out[5] = (uint8_t)hex[c & 15];
	return 6;
}

static bool
is_utf8(const struct secret *s)
{
	for (size_t at = 0; at < s->len;) {
		size_t n = utf8_length(s->data + at, s->len - at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

struct secret *
auth_body(const struct secret *password, bool *ret_is_text)
{
	struct secret *s;

	*ret_is_text = is_utf8(password);
	if (!*ret_is_text || password->len > SIZE_MAX / 8)
		return NULL;
	s = secret_new(password->len * 6 + sizeof("{\"value\":\"\"}"));
	if (s == NULL)
		return NULL;
	s->len = put(s->data, "{\"value\":\"");
	for (size_t i = 0; i < password->len; i++)
		s->len += put_escaped(s->data + s->len, password->data[i]);
	s->len += put(s->data + s->len, "\"}");
	return s;
}

/* ---- a call ---- */

static void
auth_free(struct auth *c)
{
	timers_unset(loop_timers(c->auths->loop), &c->deadline);
	list_remove(&c->link);
	http_request_reset(&c->request.http);
	(void)user_unref(c->user);
	(void)secret_free(c->body);
	free(c->path);
	free(c->id);
	free(c);
}

static void
answer(struct auth *c, enum idp_class class, enum idp_reason reason, const char *detail)
{
	struct idp_result res = { .class = class, .reason = reason };
	struct user *u = class == IDP_FOUND && !c->refused ? TAKE_PTR(c->user) : NULL;

	if (c->answered) {
		(void)user_unref(u);
		return;
	}
	c->answered = true;
	timers_unset(loop_timers(c->auths->loop), &c->deadline);
	(void)snprintf(res.detail, sizeof(res.detail), "%s", detail);
	res.took_ms = (loop_now(c->auths->loop)->mono_ns - c->begun_ns) / CLOCK_MS;
	c->fn(c->arg, &res, u);
}

static bool
is_null(const char *text, size_t len)
{
	size_t from = strspn(text, " \t\r\n");

	while (len > from && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return len - from == 4 && memcmp(text + from, "null", 4) == 0;
}

/* On the lane. */
static void
read_verdict(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct auth *c = container_of(r, struct auth, request);

	worker_role_assume();
	c->fault = JSON_FAULT_NONE;
	c->word[0] = '\0';
	c->read_result = 0;
	c->refused = false;
	if (http->status != 200)
		c->fault = json_fault(http->answer, http->len, c->word);
	else if (http->len > 0 && is_null(http->answer, http->len))
		c->refused = true;
	else
		c->read_result = json_user(http->answer, http->len, &c->user);
}

/* Any status but 200 and 401. Asking needs no right to read, so a 404 is true. */
static void
judge(struct auth *c)
{
	long status = c->request.http.status;
	bool absent = status == 400 || status == 404;
	char detail[160];

	(void)snprintf(detail, sizeof(detail), "HTTP %ld%s%s", status,
	    c->word[0] != '\0' ? " " : "", c->word);
	if ((absent && c->fault == JSON_FAULT_NO_MATCH) ||
	    ((absent || status == 500) && c->fault == JSON_FAULT_WRONG_KIND))
		answer(c, IDP_NOTFOUND, IDP_OK, detail);
	else if (status >= 500)
		answer(c, IDP_ERROR, IDP_SERVER_ERROR, detail);
	else
		answer(c, IDP_ERROR, IDP_BAD_ANSWER, detail);
}

static void
judge_person(struct auth *c)
{
	const struct user *u = c->user;

	if (question_is_answered_by(c->id, u->name, u->spn, &u->uuid, u->id)) {
		answer(c, IDP_FOUND, IDP_OK, "");
		return;
	}
	log_warn("server: judged the password of another entry than asked, ignored"
		 " name=%s",
	    u->name);
	answer(c, IDP_ERROR, IDP_WRONG_ENTRY, "");
}

static void
on_verdict(struct session_request *r)
{
	struct auth *c = container_of(r, struct auth, request);

	c->out = false;
	c->body = secret_free(c->body);
	if (r->http.class != IDP_FOUND)
		answer(c, r->http.class, r->http.reason, r->http.detail);
	else if (r->http.status != 200)
		judge(c);
	else if (c->refused)
		answer(c, IDP_FOUND, IDP_OK, "");
	else if (c->read_result < 0 || c->user == NULL)
		answer(c, IDP_ERROR, IDP_BAD_ANSWER, "verdict not understood");
	else
		judge_person(c);
	auth_free(c);
}

/*
 * Time is up. What is out comes back by itself: the lane's limit is the same moment. A
 * request that could not leave the line says nothing of the server, so it is no
 * UNREACHABLE.
 */
static void
on_deadline(struct timer *t)
{
	struct auth *c = container_of(t, struct auth, deadline);

	if (!c->out) {
		answer(c, c->class, c->reason, c->detail);
		auth_free(c);
	} else if (session_cancel(&c->request)) {
		answer(c, IDP_UNREACHABLE, IDP_TIMED_OUT,
		    "our own login is not answered");
		auth_free(c);
	} else if (atomic_load_explicit(&c->request.http.on_wire, memory_order_relaxed)) {
		answer(c, IDP_UNREACHABLE, IDP_TIMED_OUT, "no answer in time");
	} else {
		answer(c, IDP_ERROR, IDP_TIMED_OUT, "waited in line too long");
	}
}

/* Nothing is sent; said at the next turn of the loop. */
static void
answer_soon(struct auth *c, enum idp_class class, enum idp_reason reason,
    const char *detail)
{
	c->class = class;
	c->reason = reason;
	c->detail = detail;
	timers_set(loop_timers(c->auths->loop), &c->deadline, 0);
}

static void
send_out(struct auth *c, int64_t left_ns)
{
	struct http_request *http = &c->request.http;

	c->path = question_path("account", c->id, "_auth");
	http->path = c->path;
	http->secret_body = c->body;
	http->max_body = HTTP_MAX_TOKEN;
	http->urgent = true;
	http->deadline_ns = c->begun_ns + left_ns;
	http->work = read_verdict;
	c->request.done = on_verdict;
	c->out = true;
	timers_set(loop_timers(c->auths->loop), &c->deadline, left_ns);
	session_send(c->auths->session, &c->request);
}

void
auths_ask(struct auths *a, const char *id, const struct secret *password, int timeout_ms,
    idp_auth_fn fn, void *arg)
{
	struct auth *c = xcalloc(1, sizeof(*c));
	bool is_text = false;

	c->auths = a;
	c->id = xstrdup(id);
	c->fn = fn;
	c->arg = arg;
	c->begun_ns = loop_now(a->loop)->mono_ns;
	timer_init(&c->deadline, on_deadline);
	list_append(&a->calls, &c->link);
	c->body = auth_body(password, &is_text);
	if (!is_text)
		answer_soon(c, IDP_FOUND, IDP_NOT_ASKED, "not UTF-8");
	else if (c->body == NULL)
		answer_soon(c, IDP_ERROR, IDP_NOT_ASKED, "out of memory");
	else if (timeout_ms <= 0)
		answer_soon(c, IDP_ERROR, IDP_TIMED_OUT, "no time left");
	else
		send_out(c, timeout_ms * CLOCK_MS);
}

struct auths *
auths_new(struct loop *l, struct session *s)
{
	struct auths *a = xcalloc(1, sizeof(*a));

	a->loop = l;
	a->session = s;
	list_init(&a->calls);
	return a;
}

struct auths *
auths_free(struct auths *a)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &a->calls) {
		struct auth *c = container_of(it, struct auth, link);

		answer(c, IDP_UNREACHABLE, IDP_CANCELLED, "");
		auth_free(c);
	}
	free(a);
	return NULL;
}
