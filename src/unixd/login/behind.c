/* SPDX-License-Identifier: MPL-2.0 */
/*
 *	accepted:  CHECK the verifier we have -> it accepts: kept, its time moved
 *		   else MAKE a new one -> STORE it -> VERIFY it -> it is the credential
 *	denied:	   CHECK -> it accepts: suspended
 *
 * The new verifier is proven (it accepts the password it was made of, after the disk has
 * taken it) before the old one goes: a machine that computes wrongly, or a disk that does
 * not take it, is found out while the server is there and not on the next journey.
 *
 * The password is kept for exactly as long as one of these needs it.
 */
#include "src/unixd/login/behind.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/login/credential.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/login/keep.h"

#define STORE_LIMIT_MS 5000

enum what {
	WHAT_NOTHING,
	WHAT_DENIED,
	WHAT_ACCEPTED,
};

struct errand {
	enum what what;
	struct secret *password;
	bool overtaken; /* the server has refused the remembered password since */
};

struct behind {
	struct login *l;
	struct cred *cred;
	struct errand now;
	struct errand next; /* the newest of those that came meanwhile */
	uint32_t version;   /* of the credential that is being checked */
	void *made;         /* the new verifier */
	size_t made_len;
	bool is_stored;
	struct crypt_job *job;
	struct keep *keep;
	char name[NAME_MAX_TEXT + 1];
};

static void begin(struct behind *b);

/* ---- the credential ---- */

static void
mark_proven(struct login *l, struct cred *c)
{
	c->proven_at = keep_wall_s(l);
	c->suspended = false;
	c->suspended_at = 0;
	guess_reset(&c->guess);
	guess_reset(&c->hidden);
}

static void
suspend(struct login *l, struct cred *c, const char *name)
{
	if (c->suspended || c->verifier == NULL)
		return;
	c->suspended = true;
	c->suspended_at = keep_wall_s(l);
	keep_cred(l, c);
	log_info(
	    "login: offline login suspended, the server refuses the password that is "
	    "remembered name=%s",
	    name);
}

/* The server has judged: what was guessed before counts no more, kept or not. */
static void
forgive(struct login *l, struct cred *c)
{
	if (c->guess.fails == 0 && c->hidden.fails == 0)
		return;
	guess_reset(&c->guess);
	guess_reset(&c->hidden);
	keep_cred(l, c);
}

/* ---- the course of things ---- */

static void
clear(struct errand *t)
{
	t->password = secret_free(t->password);
	t->what = WHAT_NOTHING;
}

static void
destroy(struct behind *b)
{
	clear(&b->now);
	clear(&b->next);
	free(b->made);
	if (b->cred != NULL)
		b->cred->behind = NULL;
	free(b);
}

void
behind_cancel(struct cred *c)
{
	struct behind *b = c->behind;

	if (b == NULL)
		return;
	if (b->job != NULL)
		crypt_cancel(b->job);
	keep_cancel(b->keep);
	destroy(b);
}

static void
end(struct behind *b)
{
	clear(&b->now);
	if (b->next.what == WHAT_NOTHING) {
		destroy(b);
		return;
	}
	b->now = b->next;
	b->next = (struct errand){ 0 };
	begin(b);
}

static void
left_undone(struct behind *b, const char *why)
{
	log_debug("login: a credential is not renewed: %s name=%s", why, b->name);
	end(b);
}

/* ---- a new one ---- */

static void
install(struct behind *b)
{
	struct cred *c = b->cred;
	bool first = c->verifier == NULL;

	cred_set_verifier(c, b->made, b->made_len);
	c->stored_at = keep_wall_s(b->l);
	mark_proven(b->l, c);
	/* Counts may have been written meanwhile, with the old one beside them. */
	keep_cred(b->l, c);
	log_info("login: offline login ready%s name=%s%s",
	    first ? "" : " with a new password", b->name,
	    b->is_stored ? "" : " (in memory only: the disk does not take it)");
	end(b);
}

static void
on_verified(void *arg, int rc, int took_ms)
{
	struct behind *b = arg;

	b->job = NULL;
	if (rc == 0 || rc == 1)
		checks_took(b->l, took_ms);
	if (rc == 1) {
		install(b);
		return;
	}
	/* What is on the disk is the new one: the old one goes back. */
	keep_cred(b->l, b->cred);
	if (rc == 0 || rc == -EBADMSG)
		log_err("login: a new credential does not accept its own password, it is "
			"not used name=%s",
		    b->name);
	left_undone(b, "it could not be verified");
}

static void
on_stored(void *arg, int rc)
{
	struct behind *b = arg;

	b->keep = NULL;
	b->is_stored = rc == 0;
	b->job = crypt_check(b->l->crypt, b->now.password, b->made, b->made_len, true,
	    on_verified, b);
	if (b->job == NULL)
		on_verified(b, -EAGAIN, 0);
}

static void
on_made(void *arg, int rc, const void *verifier, size_t len)
{
	struct behind *b = arg;
	struct cred next = *b->cred;

	b->job = NULL;
	if (rc < 0 || len == 0 || len > CRYPT_MAX_VERIFIER) {
		left_undone(b, "it could not be made");
		return;
	}
	free(b->made);
	b->made = xmalloc(len);
	b->made_len = len;
	memcpy(b->made, verifier, len);
	next.verifier = b->made;
	next.verifier_len = len;
	next.stored_at = keep_wall_s(b->l);
	mark_proven(b->l, &next);
	b->keep = keep_cred_wait(b->l, &next, STORE_LIMIT_MS, on_stored, b);
}

static void
make(struct behind *b)
{
	b->job = crypt_make(b->l->crypt, b->now.password, true, on_made, b);
	if (b->job == NULL)
		left_undone(b, "too many are being made");
}

/* ---- the one we have ---- */

static void
on_checked(void *arg, int rc, int took_ms)
{
	struct behind *b = arg;
	bool is_same = rc == 1 && b->version == b->cred->version;

	b->job = NULL;
	if (rc == 0 || rc == 1)
		checks_took(b->l, took_ms);
	if (rc == -ECANCELED) {
		end(b);
	} else if (b->now.what == WHAT_DENIED) {
		if (is_same)
			suspend(b->l, b->cred, b->name);
		end(b);
	} else if (is_same && b->now.overtaken) {
		end(b);
	} else if (is_same) {
		mark_proven(b->l, b->cred);
		keep_cred(b->l, b->cred);
		end(b);
	} else {
		make(b);
	}
}

static void
begin(struct behind *b)
{
	struct cred *c = b->cred;

	if (b->now.what == WHAT_DENIED && (c->verifier == NULL || c->suspended)) {
		end(b);
		return;
	}
	if (login_is_opening(b->l))
		return; /* behind_key_came() */
	if (c->verifier == NULL) {
		make(b);
		return;
	}
	b->version = c->version;
	b->job = crypt_check(b->l->crypt, b->now.password, c->verifier, c->verifier_len,
	    true, on_checked, b);
	if (b->job == NULL)
		left_undone(b, "too many are being verified");
}

void
behind_key_came(struct login *l)
{
	struct cred *c, *next;
	size_t pos;

	for (c = creds_any(&l->creds, &pos); c != NULL; c = next) {
		next = creds_next(&l->creds, c, &pos);
		if (c->behind != NULL && c->behind->job == NULL &&
		    c->behind->keep == NULL)
			begin(c->behind);
	}
}

/* ---- what the server said ---- */

/* An acceptance is worth more than a refusal, the newer more than the older. */
static void
add(struct login *l, struct cred *c, const char *name, enum what what,
    struct secret *password)
{
	struct behind *b = c->behind;

	if (!login_has_key(l) || password == NULL) {
		secret_free(password);
		return;
	}
	if (b == NULL) {
		b = xcalloc(1, sizeof(*b));
		b->l = l;
		b->cred = c;
		b->now = (struct errand){ .what = what, .password = password };
		(void)snprintf(b->name, sizeof(b->name), "%s", name);
		c->behind = b;
		begin(b);
		return;
	}
	if (b->next.what == WHAT_NOTHING && what == b->now.what &&
	    secret_is_same(b->now.password, password)) {
		b->now.overtaken = false;
		secret_free(password);
		return;
	}
	if (what < b->next.what) {
		secret_free(password);
		return;
	}
	clear(&b->next);
	b->next = (struct errand){ .what = what, .password = password };
}

static bool
is_about(const struct behind_hint *hint, const struct cred *c, enum cached cached)
{
	return hint->cached == cached && hint->version == c->version &&
	    c->verifier != NULL;
}

void
behind_accepted(struct login *l, const struct uuid *uuid, const char *name,
    struct secret *password, struct behind_hint hint)
{
	struct cred *c = creds_get(&l->creds, uuid);

	c->was_refused = false;
	if (is_about(&hint, c, CACHED_ACCEPTS) && c->behind == NULL) {
		mark_proven(l, c);
		keep_cred(l, c);
		secret_free(password);
		return;
	}
	forgive(l, c);
	add(l, c, name, WHAT_ACCEPTED, password);
}

void
behind_denied(struct login *l, const struct uuid *uuid, const char *name,
    struct secret *password, struct behind_hint hint)
{
	struct cred *c = creds_find(&l->creds, uuid);

	if (c == NULL || is_about(&hint, c, CACHED_REJECTS)) {
		secret_free(password);
		return;
	}
	if (is_about(&hint, c, CACHED_ACCEPTS)) {
		if (c->behind != NULL)
			c->behind->now.overtaken = c->behind->next.overtaken = true;
		suspend(l, c, name);
		secret_free(password);
		return;
	}
	add(l, c, name, WHAT_DENIED, password);
}
