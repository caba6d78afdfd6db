/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A login is a chain of requests, each posted when the one before is done: the token file
 * is looked at (on the lane: a disk may hang); without one, init2, begin and cred follow,
 * tied together by a session id in a header; then /v1/self says our SPN, from which the own
 * domain is taken, and our groups, from which read rights are.
 */
#include <stdio.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/session.h"
#include "src/unixd/idp/wipe.h"

#define INIT                                                                    \
	"{\"step\":{\"init2\":{\"username\":\"anonymous\",\"issue\":\"token\"," \
	"\"privileged\":false}}}"
#define BEGIN "{\"step\":{\"begin\":\"anonymous\"}}"
#define CRED  "{\"step\":{\"cred\":\"anonymous\"}}"

static void login_step(struct session *s, enum step step);

static void
login_fail(struct session *s, enum idp_class class, enum idp_reason reason,
    const char *detail)
{
	struct session_outcome why = { .class = class, .reason = reason };

	(void)snprintf(why.detail, sizeof(why.detail), "%s", detail);
	session_forget(s);
	session_login_end(s, &why);
}

static void
login_refused(struct session *s, const char *detail)
{
	login_fail(s, IDP_REFUSED,
	    s->token.bearer != NULL ? IDP_TOKEN_REFUSED : IDP_LOGIN_DENIED, detail);
}

/* An answer without success, at any step. */
static void
login_bad_status(struct session *s)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "login: HTTP %ld%s%.64s", s->login.status,
	    s->auth.reason[0] != '\0' ? " " : "", s->auth.reason);
	if (s->login.status == 401)
		login_refused(s, text);
	else if (s->login.status == 404 && s->step == STEP_INIT)
		login_refused(s, "the server has no anonymous account");
	else
		login_fail(s, IDP_ERROR,
		    s->login.status >= 500 ? IDP_SERVER_ERROR : IDP_BAD_ANSWER, text);
}

/* On the lane. */
static void
read_token_file(struct http_request *r)
{
	struct session *s = container_of(r, struct session, login);

	worker_role_assume();
	tokenfile_read(&s->token);
}

static void
read_auth(struct http_request *r)
{
	struct session *s = container_of(r, struct session, login);
	char word[64];

	worker_role_assume();
	wipe_string(&s->auth.bearer);
	if (r->status == 200) {
		s->read_result = json_auth(r->answer, r->len, &s->auth);
		return;
	}
	s->read_result = json_fault(r->answer, r->len, word) == JSON_FAULT_AUTH_STATE;
	(void)snprintf(s->auth.reason, sizeof(s->auth.reason), "%s", word);
}

static void
read_self_of_login(struct http_request *r)
{
	struct session *s = container_of(r, struct session, login);
	char word[64] = "";

	worker_role_assume();
	if (r->status == 200)
		s->read_result = json_self(r->answer, r->len, &s->self_read);
	else
		(void)json_fault(r->answer, r->len, word);
	(void)snprintf(s->auth.reason, sizeof(s->auth.reason), "%s", word);
}

static void
after_token_file(struct session *s)
{
	if (s->token.problem[0] != '\0') {
		login_fail(s, IDP_REFUSED, IDP_TOKEN_REFUSED, s->token.problem);
		return;
	}
	wipe_string(&s->bearer);
	if (s->token.bearer != NULL) {
		s->bearer = xstrdup(s->token.bearer);
		login_step(s, STEP_SELF);
	} else {
		login_step(s, STEP_INIT);
	}
}

/* init2, begin, cred: each answer must be the one that leads on. */
static void
after_auth(struct session *s)
{
	const struct json_auth *a = &s->auth;

	if (s->login.status != 200) {
		/* The server was restarted between two steps and knows nothing of us. */
		if (s->read_result == 1 && s->step != STEP_INIT && !s->restarted) {
			s->restarted = true;
			login_step(s, STEP_INIT);
			return;
		}
		login_bad_status(s);
	} else if (s->read_result < 0) {
		login_fail(s, IDP_ERROR, IDP_BAD_ANSWER, "login: answer not understood");
	} else if (a->state == JSON_AUTH_DENIED) {
		login_refused(s, a->reason);
	} else if (s->step == STEP_INIT && a->state == JSON_AUTH_CHOOSE) {
		if (!a->anonymous)
			login_refused(s, "the server does not offer anonymous login");
		else
			login_step(s, STEP_BEGIN);
	} else if (s->step == STEP_BEGIN && a->state == JSON_AUTH_CONTINUE) {
		login_step(s, STEP_CRED);
	} else if (s->step == STEP_CRED && a->state == JSON_AUTH_SUCCESS) {
		wipe_string(&s->bearer);
		s->bearer = TAKE_PTR(s->auth.bearer);
		login_step(s, STEP_SELF);
	} else {
		login_fail(s, IDP_ERROR, IDP_BAD_ANSWER, "login: answer out of order");
	}
}

static void
after_self(struct session *s)
{
	if (s->login.status != 200) {
		login_bad_status(s);
	} else if (s->read_result < 0) {
		login_fail(s, IDP_ERROR, IDP_BAD_ANSWER, "/v1/self: not understood");
	} else {
		session_learn_self(s, &s->self_read);
		s->checked_ns = loop_now(s->loop)->mono_ns;
		session_login_end(s, NULL);
	}
}

static void
on_login_done(struct http_request *r)
{
	struct session *s = container_of(r, struct session, login);

	session_learn_server(s, r);
	if (s->step == STEP_TOKEN_FILE && r->reason != IDP_CANCELLED) {
		after_token_file(s);
		return;
	}
	if (r->class != IDP_FOUND) {
		login_fail(s, r->class, r->reason, r->detail);
		return;
	}
	if (r->new_session_id != NULL) {
		wipe_string(&s->session_id);
		s->session_id = TAKE_PTR(r->new_session_id);
	}
	if (s->step == STEP_SELF)
		after_self(s);
	else
		after_auth(s);
}

static void
login_step(struct session *s, enum step step)
{
	static const char *const bodies[] = {
		[STEP_INIT] = INIT,
		[STEP_BEGIN] = BEGIN,
		[STEP_CRED] = CRED,
		[STEP_SELF] = NULL,
	};
	struct http_request *r = &s->login;

	s->step = step;
	s->read_result = 0;
	r->path = "/v1/auth";
	r->body = bodies[step];
	r->bearer = NULL;
	r->session_id = NULL;
	r->max_body = HTTP_MAX_TOKEN;
	r->work = read_auth;
	r->done = on_login_done;
	r->urgent = true;
	if (step == STEP_TOKEN_FILE) {
		tokenfile_clear(&s->token);
		if (s->token_path != NULL)
			s->token.path = xstrdup(s->token_path);
		r->path = NULL;
		r->work = read_token_file;
	} else if (step == STEP_SELF) {
		r->path = "/v1/self";
		r->bearer = s->bearer;
		r->work = read_self_of_login;
	} else if (step != STEP_INIT) {
		r->session_id = s->session_id;
	}
	http_post(s->http, r);
}

void
session_login_start(struct session *s)
{
	s->outdated = false;
	s->restarted = false;
	login_step(s, STEP_TOKEN_FILE);
}
