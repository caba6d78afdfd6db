/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The operations of the NSS module and of sshd's key command: decode, ask the resolver,
 * encode. What an answer means to the caller is decided in one place, status_of().
 */
#include "ku/wire.h"
#include "src/base/name.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/dispatch.h"
#include "src/unixd/server/server_internal.h"
#include "src/wire/codec.h"

/* The module waits 2 s, so that an answer made of the last moment still arrives. */
#define NSS_BUDGET_MS  1800
#define KEYS_BUDGET_MS 3000

static uint16_t
status_of(enum answer a)
{
	switch (a) {
	case ANSWER_FOUND:
		return KU_ST_OK;
	case ANSWER_NOTFOUND:
		return KU_ST_NOTFOUND;
	case ANSWER_LOCAL:
		return KU_ST_LOCAL;
	case ANSWER_BUSY:
		return KU_ST_BUSY;
	case ANSWER_UNAVAIL:
		break;
	}
	return KU_ST_UNAVAIL;
}

/* The one name a request consists of. False: the reply is on its way already. */
static bool
take_name(struct conn *c, struct dec *d, struct name *ret_name)
{
	size_t len = 0;
	const char *s = dec_str(d, KU_MAX_NAME_REQ, &len);

	if (!dec_done(d)) {
		conn_reply_status(c, KU_ST_BAD);
		return false;
	}
	if (name_parse(s, len, ret_name) < 0) {
		conn_reply_status(c, KU_ST_NOTFOUND);
		return false;
	}
	return true;
}

static void
put_passwd(struct reply *r, const struct passwd_view *v)
{
	size_t at;

	reply_u32(r, v->uid);
	reply_u32(r, v->gid);
	at = reply_strs_open(r);
	reply_strz(r, v->name);
	reply_strz(r, "x");
	reply_strz(r, v->gecos);
	reply_strz(r, v->dir);
	reply_strz(r, v->shell);
	reply_strs_close(r, at);
}

static void
answer_passwd(void *arg, enum answer a, const struct passwd_view *v)
{
	struct conn *c = arg;

	if (a != ANSWER_FOUND) {
		conn_reply_status(c, status_of(a));
		return;
	}
	put_passwd(conn_reply_begin(c), v);
	conn_reply_end(c);
}

static void
answer_group(void *arg, enum answer a, const struct group_view *v)
{
	struct conn *c = arg;
	struct reply *r;
	size_t at;

	if (a != ANSWER_FOUND) {
		conn_reply_status(c, status_of(a));
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, v->gid);
	reply_u32(r, (uint32_t)v->n_members);
	at = reply_strs_open(r);
	reply_strz(r, v->name);
	reply_strz(r, "x");
	for (size_t i = 0; i < v->n_members; i++)
		reply_strz(r, v->members[i]);
	reply_strs_close(r, at);
	conn_reply_end(c);
}

static void
answer_initgroups(void *arg, enum answer a, const struct passwd_view *v)
{
	struct conn *c = arg;
	struct reply *r;

	if (a != ANSWER_FOUND) {
		conn_reply_status(c, status_of(a));
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, v->gid);
	reply_u32(r, (uint32_t)v->n_gids);
	for (size_t i = 0; i < v->n_gids; i++)
		reply_u32(r, v->gids[i]);
	conn_reply_end(c);
}

static void
answer_keys(void *arg, enum answer a, const char *const *keys, size_t n)
{
	struct conn *c = arg;
	struct reply *r;
	size_t at;

	if (a != ANSWER_FOUND) {
		conn_reply_status(c, status_of(a));
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, (uint32_t)n);
	at = reply_strs_open(r);
	for (size_t i = 0; i < n; i++)
		reply_strz(r, keys[i]);
	reply_strs_close(r, at);
	conn_reply_end(c);
}

/*
 * In the handlers below: a resolver that answers from inside the call returns NULL, and
 * then the connection may be reading again; it is never freed before the handler is done.
 */
void
op_PASSWD_BY_NAME(struct conn *c, struct dec *d)
{
	struct name name;

	if (take_name(c, d, &name))
		c->waiter = resolver_passwd_by_name(c->server->resolver, &name,
		    NSS_BUDGET_MS, answer_passwd, c);
}

void
op_GROUP_BY_NAME(struct conn *c, struct dec *d)
{
	struct name name;

	if (take_name(c, d, &name))
		c->waiter = resolver_group_by_name(c->server->resolver, &name,
		    NSS_BUDGET_MS, answer_group, c);
}

void
op_INITGROUPS(struct conn *c, struct dec *d)
{
	struct name name;

	if (take_name(c, d, &name))
		c->waiter = resolver_initgroups(c->server->resolver, &name, NSS_BUDGET_MS,
		    answer_initgroups, c);
}

void
op_SSH_KEYS(struct conn *c, struct dec *d)
{
	struct name name;

	if (take_name(c, d, &name))
		c->waiter = resolver_ssh_keys(c->server->resolver, &name, KEYS_BUDGET_MS,
		    answer_keys, c);
}

void
op_PASSWD_BY_UID(struct conn *c, struct dec *d)
{
	uint32_t uid = dec_u32(d);

	if (!dec_done(d))
		conn_reply_status(c, KU_ST_BAD);
	else
		c->waiter = resolver_passwd_by_uid(c->server->resolver, uid,
		    NSS_BUDGET_MS, answer_passwd, c);
}

void
op_GROUP_BY_GID(struct conn *c, struct dec *d)
{
	uint32_t gid = dec_u32(d);

	if (!dec_done(d))
		conn_reply_status(c, KU_ST_BAD);
	else
		c->waiter = resolver_group_by_gid(c->server->resolver, gid, NSS_BUDGET_MS,
		    answer_group, c);
}

void
op_PASSWD_NEXT(struct conn *c, struct dec *d)
{
	uint32_t after = dec_u32(d);
	uint32_t started = dec_u32(d);

	if (!dec_done(d))
		conn_reply_status(c, KU_ST_BAD);
	else
		resolver_passwd_next(c->server->resolver, started != 0, after,
		    answer_passwd, c);
}

void
op_GROUP_NEXT(struct conn *c, struct dec *d)
{
	uint32_t after = dec_u32(d);
	uint32_t started = dec_u32(d);

	if (!dec_done(d))
		conn_reply_status(c, KU_ST_BAD);
	else
		resolver_group_next(c->server->resolver, started != 0, after,
		    answer_group, c);
}
