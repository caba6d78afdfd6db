/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The life of the engine and of its calls. A call is in one list from its begin to its
 * answer, whatever kind it is, so that a caller who leaves and a daemon that stops are the
 * same one step for each: the call's own drop().
 *
 * The key that protects cached credentials is opened while the first calls come in. A key
 * that cannot be had costs offline logins and nothing else, and what is on the disk stays
 * for the day it can be had again; only a key that is known to be another one makes what is
 * there void.
 */
#include "src/unixd/login/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "src/base/le.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/login/behind.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/store/store.h"

#define KEY_VALUE        "hmac-key"
#define KEY_LIMIT_MS     2000
#define CHORES_S         600
#define SUSPENDED_KEEP_S (30 * 86400)
/* Until something was measured: a server nearby, and one run of scrypt. */
#define FIRST_ONLINE_MS  80
#define FIRST_OFFLINE_MS 300

/* ---- calls ---- */

/* A word of a journal line: a remote host's name must not look like another field. */
static const char *
word(char *buf, size_t cap, const char *text)
{
	char *p;

	(void)snprintf(buf, cap, "%s", text != NULL ? text : "");
	for (p = buf; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == 0x7f)
			*p = '?';
	}
	return buf;
}

static size_t
n_auths_of(const struct login *l, uid_t caller)
{
	struct list *it;
	size_t n = 0;

	list_for_each(it, &l->calls) {
		const struct login_call *c = container_of(it, struct login_call, link);

		n += c->kind == LOGIN_AUTH && c->q.caller == caller;
	}
	return n;
}

/* The other kinds end with their connection, and connections are counted elsewhere. */
static bool
has_room(const struct login *l, enum login_kind kind, uid_t caller)
{
	if (l->n_calls >= LOGIN_MAX_CALLS)
		return false;
	if (caller == 0)
		return true;
	return l->n_others < LOGIN_MAX_OTHERS &&
	    (kind != LOGIN_AUTH || n_auths_of(l, caller) < caller_max_auths(l, caller));
}

bool
login_call_begin(struct login *l, struct login_call *c, enum login_kind kind,
    const struct login_request *q, void (*drop)(struct login_call *c))
{
	if (!has_room(l, kind, q->caller))
		return false;
	c->l = l;
	c->kind = kind;
	c->q = *q;
	c->q.service = word(c->service, sizeof(c->service), q->service);
	c->q.tty = word(c->tty, sizeof(c->tty), q->tty);
	c->q.rhost = word(c->rhost, sizeof(c->rhost), q->rhost);
	c->drop = drop;
	list_append(&l->calls, &c->link);
	l->n_calls++;
	l->n_others += q->caller != 0;
	return true;
}

void
login_call_end(struct login_call *c)
{
	list_remove(&c->link);
	c->l->n_calls--;
	c->l->n_others -= c->q.caller != 0;
}

void
login_cancel(struct login_call *c)
{
	if (c != NULL)
		c->drop(c);
}

/* ---- small things ---- */

uint64_t
login_random(struct login *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	return l->random;
}

bool
secret_is_same(const struct secret *a, const struct secret *b)
{
	uint8_t diff = 0;
	size_t i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		diff |= a->data[i] ^ b->data[i];
	return diff == 0;
}

int64_t
login_wall_s(const struct login *l)
{
	int64_t now = l->ts->now.wall_ns / CLOCK_S;

	return now > l->keeper.wall_s ? now : l->keeper.wall_s;
}

bool
login_is_too_old(const struct login *l, const struct cred *c)
{
	int64_t limit = l->config->offline_auth_max_age_s;

	return limit > 0 && login_wall_s(l) - c->proven_at > limit;
}

/* ---- the key ---- */

bool
login_has_key(const struct login *l)
{
	return l->crypt != NULL && crypt_state(l->crypt) != CRYPT_NONE;
}

bool
login_is_opening(const struct login *l)
{
	return l->opening;
}

static void
key_came(struct login *l)
{
	l->opening = false;
	check_pump(l);
	behind_key_came(l);
}

/* Whatever another key made accepts nobody any more. */
static void
drop_void(struct login *l)
{
	struct cred *c;
	size_t pos;

	for (c = creds_any(&l->creds, &pos); c != NULL;
	     c = creds_next(&l->creds, c, &pos)) {
		if (c->verifier == NULL)
			continue;
		/* Whoever waits for it finds out in check_pump(). */
		cred_set_verifier(c, NULL, 0);
		c->suspended = false;
		guess_reset(&c->guess);
		keep_cred(l, c);
		l->n_void++;
	}
	if (l->n_void > 0)
		log_warn(
		    "login: the key of cached credentials is new, the old pin is gone: "
		    "%zu dropped, offline logins need one online login again",
		    l->n_void);
}

static void
drop_sealed_key(struct login *l)
{
	free(l->sealed_key);
	l->sealed_key = NULL;
	l->sealed_key_len = 0;
}

static void
on_key_stored(void *arg, int rc)
{
	struct login *l = arg;

	l->key_keep = NULL;
	if (rc != 0) {
		log_warn("login: the key of cached credentials cannot be stored: until "
			 "the disk takes it offline logins last until the next restart");
		/* Tried again, and before any credential that it seals. */
		store_put_value(l->ports.store, KEY_VALUE, l->sealed_key,
		    l->sealed_key_len, NULL, NULL);
	}
	drop_sealed_key(l);
	key_came(l);
}

static void
on_opened(void *arg, enum crypt_state state, const void *sealed, size_t len)
{
	struct login *l = arg;

	if (state == CRYPT_NEW_KEY)
		drop_void(l);
	else if (state == CRYPT_NONE)
		log_warn("login: no offline logins: %s", crypt_text(l->crypt));
	if (sealed == NULL || len == 0 || len > STORE_MAX_VALUE) {
		key_came(l);
		return;
	}
	drop_sealed_key(l);
	l->sealed_key = xmalloc(len);
	l->sealed_key_len = len;
	memcpy(l->sealed_key, sealed, len);
	l->key_keep = keep_value_wait(l, KEY_VALUE, sealed, len, KEY_LIMIT_MS,
	    on_key_stored, l);
}

/* ---- what the store has ---- */

struct loading {
	struct login *l;
	uint8_t sealed[STORE_MAX_VALUE];
	size_t sealed_len;
	unsigned n_bad;
};

static void
on_cred(void *arg, const struct uuid *uuid, const void *blob, size_t len)
{
	struct loading *ld = arg;
	struct cred *c = creds_get(&ld->l->creds, uuid);

	if (cred_unpack(blob, len, ld->l->ts->now.boot_ns, c) == 0)
		return;
	creds_remove(&ld->l->creds, c);
	ld->n_bad++;
}

static void
on_value(void *arg, const char *key, const void *blob, size_t len)
{
	struct loading *ld = arg;
	const uint8_t *p = blob;

	if (streq(key, KEY_VALUE) && len <= sizeof(ld->sealed)) {
		memcpy(ld->sealed, blob, len);
		ld->sealed_len = len;
	} else if (streq(key, STORE_VALUE_WALL) && len == 8) {
		ld->l->keeper.wall_s = (int64_t)((uint64_t)le32_get(p) |
		    (uint64_t)le32_get(p + 4) << 32);
		ld->l->keeper.wall_stored_s = ld->l->keeper.wall_s;
	}
}

/* A store that cannot be read may be read next time: then its key must still be there. */
static void
load(struct login *l)
{
	struct loading *ld = xcalloc(1, sizeof(*ld));
	const struct store_secrets sink = { ld, on_cred, on_value };
	int rc;

	ld->l = l;
	rc = store_load_secrets(l->ports.store, &sink);
	if (ld->n_bad > 0)
		log_warn("login: cached credentials that are damaged n=%u", ld->n_bad);
	if (rc < 0) {
		l->no_key = "the store cannot be read";
		log_warn("login: no offline logins: %s: %s", l->no_key, strerror(-rc));
	} else {
		l->opening = true;
		rc = crypt_new(l->ports.loop, l->ports.pin, ld->sealed, ld->sealed_len,
		    on_opened, l, &l->crypt);
		if (rc < 0) {
			l->opening = false;
			l->crypt = NULL;
			l->no_key = "no thread for it";
			log_warn("login: no offline logins: %s", strerror(-rc));
		}
	}
	explicit_bzero(ld->sealed, sizeof(ld->sealed));
	free(ld);
}

/* ---- chores ---- */

static void
forget(struct login *l, struct cred *c)
{
	check_drop_all(l, c);
	behind_cancel(c);
	creds_remove(&l->creds, c);
}

/* Refused by the server, and nobody came to say otherwise. */
static void
prune(struct login *l)
{
	int64_t limit = l->config->offline_auth_max_age_s, wall = keep_wall_s(l);
	struct cred *c, *next;
	struct uuid uuid;
	size_t pos;

	if (limit == 0)
		limit = SUSPENDED_KEEP_S;
	for (c = creds_any(&l->creds, &pos); c != NULL; c = next) {
		next = creds_next(&l->creds, c, &pos);
		if (!c->suspended || wall - c->suspended_at <= limit)
			continue;
		uuid = c->uuid;
		forget(l, c);
		store_del_cred(l->ports.store, &uuid);
		log_info("login: a suspended credential was deleted");
	}
}

static void
on_chores(struct timer *t)
{
	struct login *l = container_of(t, struct login, chores);

	prune(l);
	keep_wall_save(l);
	timers_set(l->ts, &l->chores, CHORES_S * CLOCK_S);
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
	creds_init(&l->creds);
	checks_init(&l->checks);
	keeper_init(&l->keeper);
	l->ghosts = xcalloc(1, sizeof(*l->ghosts));
	pace_init(&l->pace_online, FIRST_ONLINE_MS);
	pace_init(&l->pace_offline, FIRST_OFFLINE_MS);
	timer_init(&l->chores, on_chores);
	if (getrandom(&l->random, sizeof(l->random), GRND_NONBLOCK) < 0 || l->random == 0)
		l->random = (uint64_t)l->ts->now.boot_ns | 1;
	caller_init(l);
	homefs_init(&l->homefs);
	load(l);
	on_chores(&l->chores);
	*ret_login = l;
	return 0;
}

struct login *
login_free(struct login *l)
{
	struct cred *c;
	size_t pos;

	if (l == NULL)
		return NULL;
	l->closing = true;
	while (!list_is_empty(&l->calls)) {
		struct login_call *call = container_of(l->calls.next, struct login_call,
		    link);

		call->drop(call);
	}
	while ((c = creds_any(&l->creds, &pos)) != NULL)
		forget(l, c);
	keep_wall_save(l);
	keeper_deinit(&l->keeper);
	if (l->crypt != NULL)
		l->crypt = crypt_free(l->crypt);
	timers_unset(l->ts, &l->chores);
	creds_deinit(&l->creds);
	drop_sealed_key(l);
	free(l->ghosts);
	free(l);
	return NULL;
}

void
login_reconfigure(struct login *l, const struct config *config)
{
	l->config = config;
	homefs_forget(&l->homefs);
}

void
login_clear(struct login *l)
{
	struct cred *c;
	size_t pos;

	store_del_all_creds(l->ports.store);
	while ((c = creds_any(&l->creds, &pos)) != NULL)
		forget(l, c);
}

void
login_forget(struct login *l, const struct uuid *uuid)
{
	struct cred *c = creds_find(&l->creds, uuid);

	if (c == NULL)
		return;
	forget(l, c);
	store_del_cred(l->ports.store, uuid);
}
