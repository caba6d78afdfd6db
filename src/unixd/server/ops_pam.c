/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The operations of the PAM module: decode, ask the login engine, encode. Who asks is what
 * the kernel noted at connect(), handed on with each request, since whether that caller may
 * ask depends on whom the request is about.
 *
 * Of the request only the password is kept, in a secret of its own which the engine takes
 * over. A string that can be no name ends here without a word, in the journal either:
 * people type passwords at "login:".
 */
#include <string.h>

#include "ku/wire.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/unixd/login/login.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/dispatch.h"
#include "src/unixd/server/server_internal.h"
#include "src/wire/codec.h"

/* What the journal shows of a string from a peer; longer ones are cut. */
#define WORD_MAX 128

struct pam_request {
	struct login_request login;
	char service[WORD_MAX];
	char tty[WORD_MAX];
	char rhost[WORD_MAX];
};

/* One word for a journal line of key=value pairs: no spaces, quotes or control characters,
 * so that nobody's rhost can add a pair. */
static void
take_word(struct dec *d, char out[WORD_MAX])
{
	size_t len = 0;
	const char *s = dec_str(d, KU_MAX_PAM_REQ, &len);

	if (s == NULL)
		len = 0;
	len = len < WORD_MAX - 1 ? len : WORD_MAX - 1;
	for (size_t i = 0; i < len; i++) {
		bool plain = s[i] > ' ' && s[i] < 0x7f && s[i] != '"' && s[i] != '=';

		out[i] = plain ? s[i] : '?';
	}
	out[len] = '\0';
}

/* 1 and a request, 0 when its name cannot be one. Whether all of it was there is seen with
 * dec_done(). */
static int
take_request(struct conn *c, struct dec *d, bool only_name, struct pam_request *q)
{
	size_t len = 0;
	const char *name;

	*q = (struct pam_request){ .login = { .caller = c->peer.uid } };
	q->login.service = q->service;
	q->login.tty = q->tty;
	q->login.rhost = q->rhost;
	if (!only_name)
		q->login.flags = dec_u32(d);
	name = dec_str(d, KU_MAX_NAME_REQ, &len);
	if (!only_name) {
		take_word(d, q->service);
		take_word(d, q->tty);
		take_word(d, q->rhost);
	}
	return name != NULL && name_parse(name, len, &q->login.name) == 0;
}

/* False: the reply is on its way already. */
static bool
may_go_on(struct conn *c, const struct dec *d, int is_name)
{
	if (!dec_done(d))
		conn_reply_status(c, KU_ST_BAD);
	else if (!is_name)
		conn_reply_status(c, KU_ST_NOTFOUND);
	else if (c->server->login == NULL)
		conn_reply_status(c, KU_ST_UNAVAIL);
	else
		return true;
	return false;
}

static void
reply_verdict(struct conn *c, uint16_t status, uint32_t verdict, uint32_t seconds)
{
	struct reply *r;

	if (status != KU_ST_OK) {
		conn_reply_status(c, status);
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, verdict);
	reply_u32(r, seconds);
	conn_reply_end(c);
}

static void
answer_lookup(void *arg, uint16_t status, int deadline_ms, const char *uri,
    const char *shown_name)
{
	struct conn *c = arg;
	struct reply *r;
	size_t at;

	if (status != KU_ST_OK) {
		conn_reply_status(c, status);
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, deadline_ms > 0 ? (uint32_t)deadline_ms : 0);
	at = reply_strs_open(r);
	reply_strz(r, uri);
	reply_strz(r, shown_name);
	reply_strs_close(r, at);
	conn_reply_end(c);
}

static void
answer_auth(void *arg, uint16_t status, enum ku_auth_verdict verdict, unsigned seconds)
{
	reply_verdict(arg, status, (uint32_t)verdict, seconds);
}

static void
answer_acct(void *arg, uint16_t status, enum ku_acct_verdict verdict)
{
	reply_verdict(arg, status, (uint32_t)verdict, 0);
}

static void
answer_session(void *arg, uint16_t status, enum ku_session_verdict verdict,
    unsigned flags, const char *home, const char *text)
{
	struct conn *c = arg;
	struct reply *r;
	size_t at;

	if (status != KU_ST_OK) {
		conn_reply_status(c, status);
		return;
	}
	r = conn_reply_begin(c);
	reply_u32(r, (uint32_t)verdict);
	reply_u32(r, flags);
	at = reply_strs_open(r);
	reply_strz(r, home);
	reply_strz(r, text);
	reply_strs_close(r, at);
	conn_reply_end(c);
}

/* As with the resolver's calls in ops_nss.c: one that is answered at once returns NULL. */
void
op_PAM_LOOKUP(struct conn *c, struct dec *d)
{
	struct pam_request q;
	int is_name = take_request(c, d, true, &q);

	if (may_go_on(c, d, is_name))
		c->login = login_lookup(c->server->login, &q.login, answer_lookup, c);
}

void
op_PAM_AUTH(struct conn *c, struct dec *d)
{
	struct pam_request q;
	int is_name = take_request(c, d, false, &q);
	struct secret *password;
	size_t len = 0;
	const char *s = dec_str(d, KU_MAX_PASSWORD, &len);

	if (!may_go_on(c, d, is_name))
		return;
	password = secret_copy(s, len);
	if (password == NULL) {
		conn_reply_status(c, KU_ST_BUSY);
		return;
	}
	c->login = login_auth(c->server->login, &q.login, password, answer_auth, c);
}

void
op_PAM_ACCT(struct conn *c, struct dec *d)
{
	struct pam_request q;
	int is_name = take_request(c, d, false, &q);

	if (may_go_on(c, d, is_name))
		c->login = login_acct(c->server->login, &q.login, answer_acct, c);
}

void
op_PAM_SESSION(struct conn *c, struct dec *d)
{
	struct pam_request q;
	int is_name = take_request(c, d, false, &q);

	if (may_go_on(c, d, is_name))
		c->login = login_session(c->server->login, &q.login, answer_session, c);
}
