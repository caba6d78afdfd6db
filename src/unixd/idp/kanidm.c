/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Staying logged in and knowing who we are. Everybody who needs the session while there is
 * none waits in one list for one login (login.c).
 *
 * `generation` counts logins. A 401 for a request of an older generation is only a reason
 * to send it again: somebody else has logged in since.
 */
#include "src/unixd/idp/kanidm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/session.h"
#include "src/unixd/idp/wipe.h"

struct session *
session_new(struct loop *l, struct http *http, const struct idp_settings *settings)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->http = http;
	list_init(&s->waiting);
	list_init(&s->checks);
	list_init(&s->next_checks);
	session_configure(s, settings);
	return s;
}

struct session *
session_free(struct session *s)
{
	if (s == NULL)
		return NULL;
	http_request_reset(&s->login);
	http_request_reset(&s->check.http);
	tokenfile_clear(&s->token);
	wipe_string(&s->auth.bearer);
	wipe_string(&s->session_id);
	wipe_string(&s->bearer);
	free(s->token_path);
	free(s);
	return NULL;
}

void
session_forget(struct session *s)
{
	wipe_string(&s->bearer);
	s->state = STATE_NONE;
	s->proved = false;
	s->checked_ns = 0;
}

void
session_configure(struct session *s, const struct idp_settings *settings)
{
	free(s->token_path);
	s->token_path = settings->token_path == NULL ? NULL
						     : xstrdup(settings->token_path);
	if (s->state == STATE_LOGGING_IN)
		s->outdated = true;
	else
		session_forget(s);
}

const struct idp_identity *
session_identity(const struct session *s)
{
	return &s->identity;
}

bool
session_may_read(const struct session *s)
{
	return s->self.may_read || s->proved;
}

bool
session_is_member(const struct session *s)
{
	return s->self.may_read;
}

void
session_disprove(struct session *s)
{
	s->proved = false;
}

void
session_prove(struct session *s, const struct uuid *uuid)
{
	/* Everybody may read themselves: that shows nothing. */
	if (!uuid_equal(uuid, &s->self.uuid))
		s->proved = true;
}

/* ---- what every answer tells ---- */

void
session_learn_server(struct session *s, const struct http_request *r)
{
	struct idp_identity *id = &s->identity;

	if (r->class != IDP_FOUND)
		return;
	if (r->version[0] != '\0' && !streq(id->server_version, r->version)) {
		memcpy(id->server_version, r->version, sizeof(id->server_version));
		log_info("server: version %s", r->version);
	}
	if (r->dated)
		id->ahead_s = r->ahead_s;
	if (r->cert.not_after != 0) {
		memcpy(id->cert_issuer, r->cert.issuer, sizeof(id->cert_issuer));
		id->cert_not_before = r->cert.not_before;
		id->cert_not_after = r->cert.not_after;
	}
}

void
session_learn_self(struct session *s, const struct json_self *self)
{
	struct idp_identity *id = &s->identity;
	const char *at = strchr(self->spn, '@');

	s->self = *self;
	(void)snprintf(id->spn, sizeof(id->spn), "%s", self->spn);
	(void)snprintf(id->domain, sizeof(id->domain), "%s", at == NULL ? "" : at + 1);
	id->token_mode = s->token.bearer != NULL;
}

/* ---- requests ---- */

static void
send_now(struct session_request *r)
{
	struct session *s = r->session;

	r->generation = s->generation;
	r->http.bearer = s->bearer;
	http_post(s->http, &r->http);
}

static void
send_or_wait(struct session_request *r)
{
	struct session *s = r->session;

	if (s->state == STATE_READY) {
		send_now(r);
		return;
	}
	r->waiting = true;
	list_append(&s->waiting, &r->link);
	if (s->state == STATE_NONE) {
		s->state = STATE_LOGGING_IN;
		session_login_start(s);
	}
}

static void
on_request_done(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct session *s = r->session;

	session_learn_server(s, http);
	if (http->class == IDP_FOUND && http->status == 401) {
		if (s->state == STATE_READY && r->generation == s->generation)
			session_forget(s);
		if (!r->repeated) {
			r->repeated = true;
			send_or_wait(r);
			return;
		}
		http->class = IDP_REFUSED;
		http->reason = s->identity.token_mode ? IDP_TOKEN_REFUSED
						      : IDP_LOGIN_DENIED;
		(void)snprintf(http->detail, sizeof(http->detail),
		    "refused again after a new login");
	}
	r->done(r);
}

void
session_send(struct session *s, struct session_request *r)
{
	r->session = s;
	r->repeated = false;
	r->http.body = NULL;
	r->http.session_id = NULL;
	r->http.done = on_request_done;
	send_or_wait(r);
}

bool
session_cancel(struct session_request *r)
{
	if (!r->waiting)
		return false;
	r->waiting = false;
	list_remove(&r->link);
	return true;
}

static struct session_outcome
outcome_of(const struct http_request *r)
{
	struct session_outcome out = { .class = r->class, .reason = r->reason };

	memcpy(out.detail, r->detail, sizeof(out.detail));
	return out;
}

/* `why` NULL: we are in. */
void
session_login_end(struct session *s, const struct session_outcome *why)
{
	struct list all;
	struct list *it, *tmp;

	wipe_string(&s->session_id);
	s->state = STATE_NONE;
	if (why == NULL && !s->outdated) {
		s->state = STATE_READY;
		s->generation++;
	}
	list_init(&all);
	list_move_all(&all, &s->waiting);
	list_for_each_safe(it, tmp, &all) {
		struct session_request *r = container_of(it, struct session_request,
		    link);

		list_remove(it);
		r->waiting = false;
		if (why == NULL) {
			send_or_wait(r);
			continue;
		}
		r->http.class = why->class;
		r->http.reason = why->reason;
		r->http.status = 0;
		memcpy(r->http.detail, why->detail, sizeof(r->http.detail));
		r->done(r);
	}
}

/* ---- rights ---- */

static void start_check(struct session *s);

static void
read_self_of_check(struct http_request *http)
{
	struct session_request *r = container_of(http, struct session_request, http);
	struct session *s = container_of(r, struct session, check);

	worker_role_assume();
	if (http->status == 200)
		s->check_result = json_self(http->answer, http->len, &s->check_self);
}

/* What the answer to a check means; learns from it. */
static struct session_outcome
check_outcome(struct session *s)
{
	const struct http_request *http = &s->check.http;
	struct session_outcome out = outcome_of(http);

	if (out.class != IDP_FOUND)
		return out;
	if (http->status != 200) {
		out.class = IDP_ERROR;
		out.reason = http->status >= 500 ? IDP_SERVER_ERROR : IDP_BAD_ANSWER;
		(void)snprintf(out.detail, sizeof(out.detail), "/v1/self: HTTP %ld",
		    http->status);
	} else if (s->check_result < 0) {
		out.class = IDP_ERROR;
		out.reason = IDP_BAD_ANSWER;
		(void)snprintf(out.detail, sizeof(out.detail),
		    "/v1/self: not understood");
	} else {
		/* Rights that were lost count from now on, whatever was read before. */
		if (s->self.may_read && !s->check_self.may_read)
			s->proved = false;
		session_learn_self(s, &s->check_self);
		s->checked_ns = s->check_sent_ns;
	}
	return out;
}

static void
on_check_done(struct session_request *r)
{
	struct session *s = container_of(r, struct session, check);
	struct session_outcome out = check_outcome(s);
	struct list all;
	struct list *it, *tmp;

	list_init(&all);
	list_move_all(&all, &s->checks);
	s->checking = false;
	if (!list_is_empty(&s->next_checks)) {
		list_move_all(&s->checks, &s->next_checks);
		start_check(s);
	}
	list_for_each_safe(it, tmp, &all) {
		struct session_check *c = container_of(it, struct session_check, link);

		list_remove(it);
		c->out = out;
		c->done(c);
	}
}

static void
start_check(struct session *s)
{
	struct session_request *r = &s->check;

	s->checking = true;
	s->check_sent_ns = loop_now(s->loop)->mono_ns;
	r->http.path = "/v1/self";
	r->http.max_body = HTTP_MAX_TOKEN;
	r->http.work = read_self_of_check;
	r->done = on_check_done;
	session_send(s, r);
}

void
session_check(struct session *s, struct session_check *c, int64_t max_age_ms)
{
	int64_t now = loop_now(s->loop)->mono_ns;

	if (s->state == STATE_READY && s->checked_ns != 0 &&
	    now - s->checked_ns < max_age_ms * CLOCK_MS) {
		c->out = (struct session_outcome){ .class = IDP_FOUND };
		c->done(c);
	} else if (s->checking) {
		list_append(&s->next_checks, &c->link);
	} else {
		list_append(&s->checks, &c->link);
		start_check(s);
	}
}
