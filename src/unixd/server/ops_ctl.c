/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The operations of kanidm-unix. STATUS first asks for a probe of the link, so that what it
 * shows is true now and not as of the last lookup. For users other than root once a second
 * is "now": the server must not be asked as often as any of them likes.
 */
#include <errno.h>

#include "ku/wire.h"
#include "src/base/name.h"
#include "src/prog/log.h"
#include "src/unixd/login/login.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/dispatch.h"
#include "src/unixd/server/server_internal.h"
#include "src/wire/codec.h"

#define STATUS_BUDGET_MS 1500
#define STORED_BUDGET_MS 2000
#define PROBE_REST       (1 * CLOCK_S)

/* "u32 n, strs": n is only known at the end. */
struct strings {
	struct reply *reply;
	size_t n_at;
	size_t strs_at;
	uint32_t n;
};

static void
strings_open(struct strings *s, struct reply *r)
{
	*s = (struct strings){ .reply = r, .n_at = reply_here(r) };
	reply_u32(r, 0);
	s->strs_at = reply_strs_open(r);
}

static void
strings_add(struct strings *s, const char *text)
{
	reply_strz(s->reply, text);
	s->n++;
}

static void
strings_close(struct strings *s)
{
	reply_strs_close(s->reply, s->strs_at);
	reply_patch_u32(s->reply, s->n_at, s->n);
}

static void
add_pair(void *arg, const char *key, const char *value)
{
	strings_add(arg, key);
	strings_add(arg, value);
}

static void
add_line(void *arg, const char *line)
{
	strings_add(arg, line);
}

static void
answer_status(void *arg)
{
	struct conn *c = arg;
	const struct server_settings *set = &c->server->settings;
	struct strings s;

	strings_open(&s, conn_reply_begin(c));
	resolver_status(c->server->resolver, add_pair, &s);
	if (set->status != NULL)
		set->status(set->arg, add_pair, &s);
	strings_close(&s);
	conn_reply_end(c);
}

void
op_STATUS(struct conn *c, struct dec *d)
{
	struct server *s = c->server;
	int64_t now = loop_now(s->loop)->mono_ns;

	(void)d;
	if (c->peer.uid != 0 && s->probed_ns != 0 && now - s->probed_ns < PROBE_REST) {
		answer_status(c);
		return;
	}
	s->probed_ns = now;
	c->waiter = resolver_probe(c->server->resolver, STATUS_BUDGET_MS, answer_status,
	    c);
}

/* 1 and a name, 0 when it cannot be one, -EPROTO when the body is not one name. */
static int
take_name(struct dec *d, struct name *ret_name)
{
	size_t len = 0;
	const char *s = dec_str(d, KU_MAX_NAME_REQ, &len);

	if (!dec_done(d))
		return -EPROTO;
	return name_parse(s, len, ret_name) == 0;
}

void
op_EXPLAIN(struct conn *c, struct dec *d)
{
	struct strings s;
	struct name name;
	int rc = take_name(d, &name);

	if (rc < 0) {
		conn_reply_status(c, KU_ST_BAD);
		return;
	}
	strings_open(&s, conn_reply_begin(c));
	if (c->server->login != NULL)
		login_verdict(c->server->login, c->peer.uid, rc > 0 ? &name : NULL,
		    add_line, &s);
	if (rc > 0) {
		resolver_explain(c->server->resolver, &name, add_line, &s);
		if (c->server->login != NULL)
			login_explain(c->server->login, c->peer.uid, &name, add_line, &s);
	} else {
		strings_add(&s, "not a name that an entry can have: never asked for");
	}
	strings_close(&s);
	conn_reply_end(c);
}

void
op_CACHE_INVALIDATE(struct conn *c, struct dec *d)
{
	(void)d;
	resolver_invalidate(c->server->resolver);
	log_info("cache: invalidated uid=%u", (unsigned)c->peer.uid);
	conn_reply_status(c, KU_ST_OK);
}

/* A crash after the answer must not bring back what was to be forgotten. */
static void
answer_cleared(void *arg, bool stored)
{
	if (stored)
		conn_reply_status(arg, KU_ST_OK);
	else
		conn_reply_text(arg, KU_ST_UNAVAIL,
		    "cleared, but not on the disk: a restart would bring it back");
}

void
op_CACHE_CLEAR(struct conn *c, struct dec *d)
{
	(void)d;
	resolver_clear(c->server->resolver);
	if (c->server->login != NULL)
		login_clear(c->server->login);
	log_info("cache: cleared uid=%u", (unsigned)c->peer.uid);
	c->waiter = resolver_stored(c->server->resolver, STORED_BUDGET_MS, answer_cleared,
	    c);
}

/* Root goes on to change the owner of files: the number must not be the old one again. */
static void
answer_accepted(void *arg, bool stored)
{
	struct conn *c = arg;
	struct reply *r;

	if (!stored) {
		conn_reply_text(c, KU_ST_UNAVAIL,
		    "accepted, but not on the disk: a restart would bring the old id back");
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, c->accepted[0]);
	reply_u32(r, c->accepted[1]);
	conn_reply_end(c);
}

void
op_ACCEPT_ID(struct conn *c, struct dec *d)
{
	uint32_t *old = &c->accepted[0], *new = &c->accepted[1];
	struct name name;
	int rc = take_name(d, &name);

	if (rc < 0) {
		conn_reply_status(c, KU_ST_BAD);
		return;
	}
	rc = rc > 0 ? resolver_accept_id(c->server->resolver, &name, old, new) : -ENOENT;
	if (rc == -ENOENT) {
		conn_reply_status(c, KU_ST_NOTFOUND);
	} else if (rc == -EALREADY) {
		conn_reply_text(c, KU_ST_UNAVAIL, "no change of id is waiting");
	} else if (rc < 0) {
		conn_reply_text(c, KU_ST_UNAVAIL, "the change could not be stored");
	} else {
		log_info("accept-id: %s old=%u new=%u uid=%u", name.text, *old, *new,
		    (unsigned)c->peer.uid);
		c->waiter = resolver_stored(c->server->resolver, STORED_BUDGET_MS,
		    answer_accepted, c);
	}
}
