/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From "is this the password?" to the answer of the cached credential:
 *
 *	LINE	  another password of the same account is being verified
 *	COMMIT	  counted as a guess; waiting until the count is on the disk
 *	SLOT	  waiting for a free place in the queue of the lanes
 *	WORK	  the lanes are at it
 *	OVER	  everybody was told; the count stands until the last login has said
 *		  whether it used the answer
 *
 * Somebody who comes with the password that is being verified joins. That is what makes
 * five hundred logins of one person cost one verification, and it tells nobody anything: a
 * wrong password that is typed twice at the same moment is one guess.
 *
 * How many may be in line is a question of time, not of number: who could not be served by
 * the deadline is told "busy" at once.
 */
#include "src/unixd/login/check.h"

#include <errno.h>
#include <stdlib.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/login/credential.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/login/keep.h"

#define LANES         2
#define FIRST_TOOK_MS 300u

enum stage {
	STAGE_LINE,
	STAGE_COMMIT,
	STAGE_SLOT,
	STAGE_WORK,
	STAGE_OVER,
};

struct check {
	struct login *l;
	struct cred *cred; /* until it is over */
	struct uuid uuid;
	struct list in_line;
	struct list in_slot;
	struct list users;
	enum stage stage;
	struct secret *password;
	bool hidden;
	bool valid;
	bool counted;
	int64_t count; /* for guess_take_back() */
	bool used;
	bool telling; /* not to be freed under tell() */
	enum cached result;
	unsigned seconds;
	uint32_t version;
	struct keep *keep;
	struct crypt_job *job;
};

void
checks_init(struct checks *cs)
{
	*cs = (struct checks){ .took_ms = FIRST_TOOK_MS };
	list_init(&cs->slot_line);
}

/* Slower is believed sooner than faster. */
void
checks_took(struct login *l, int took_ms)
{
	uint32_t *avg = &l->checks.took_ms, ms = took_ms > 0 ? (uint32_t)took_ms : 0;

	*avg = ms > *avg ? (*avg + ms) / 2 : (*avg * 3 + ms) / 4;
}

static struct guess *
guess_of(struct cred *c, bool hidden)
{
	return hidden ? &c->hidden : &c->guess;
}

/* ---- may it be asked? ---- */

static enum cached
judge(struct login *l, const struct cred *c, bool valid, bool hidden,
    unsigned *ret_seconds)
{
	struct cached_facts f = {
		.valid = valid,
		.has_key = login_has_key(l),
		.has_verifier = c != NULL && c->verifier != NULL,
	};

	/* A later turn back of the clock must not undo what is seen now. */
	(void)keep_wall_s(l);
	if (f.has_verifier) {
		f.suspended = c->suspended;
		f.too_old = login_is_too_old(l, c);
		f.wait_s = guess_left_s(hidden ? &c->hidden : &c->guess,
		    l->ts->now.boot_ns);
	}
	*ret_seconds = f.wait_s;
	return judge_cached(&f);
}

/* ---- the end of one ---- */

static void next_of_account(struct login *l, struct cred *c);

static void
destroy(struct check *k)
{
	secret_free(k->password);
	free(k);
}

static void
take_back(struct check *k)
{
	struct cred *c = creds_find(&k->l->creds, &k->uuid);

	if (!k->counted || k->used || c == NULL)
		return;
	guess_take_back(guess_of(c, k->hidden), k->count);
	keep_cred(k->l, c);
}

/* Out of the lines and off the lanes; the account is free for the next one. */
static void
stop(struct check *k)
{
	struct login *l = k->l;

	list_remove(&k->in_line);
	list_remove(&k->in_slot);
	keep_cancel(TAKE_PTR(k->keep));
	if (k->job != NULL) {
		crypt_cancel(TAKE_PTR(k->job));
		l->checks.n_working--;
	}
	if (k->stage != STAGE_OVER)
		l->checks.n--;
	k->stage = STAGE_OVER;
	if (k->cred != NULL && k->cred->running == k)
		k->cred->running = NULL;
	k->cred = NULL;
}

static void
tell(struct check *k, enum cached result, unsigned seconds)
{
	struct list waiting;

	stop(k);
	k->result = result;
	k->seconds = seconds;
	k->telling = true;
	list_init(&waiting);
	list_move_all(&waiting, &k->users);
	while (!list_is_empty(&waiting)) {
		struct check_user *u = container_of(waiting.next, struct check_user,
		    link);

		list_remove(&u->link);
		list_append(&k->users, &u->link);
		u->version = k->version;
		u->fn(u, result, seconds);
	}
	k->telling = false;
	if (list_is_empty(&k->users)) {
		take_back(k);
		destroy(k);
	}
}

static void
over(struct check *k, enum cached result, unsigned seconds)
{
	struct login *l = k->l;
	struct uuid uuid = k->uuid;
	struct cred *c;

	tell(k, result, seconds);
	/* Whoever was told may have done anything. */
	c = creds_find(&l->creds, &uuid);
	if (c != NULL)
		next_of_account(l, c);
	check_pump(l);
}

/* The right password was used: nothing was guessed. */
static void
proven(struct check *k)
{
	struct cred *c = creds_find(&k->l->creds, &k->uuid);

	k->counted = false;
	if (c == NULL || guess_of(c, k->hidden)->fails == 0)
		return;
	guess_reset(guess_of(c, k->hidden));
	keep_cred(k->l, c);
}

enum cached
check_now(const struct login *l, const struct uuid *uuid, enum cached said,
    uint32_t version)
{
	const struct cred *c;

	if (said != CACHED_ACCEPTS)
		return said;
	c = creds_find(&l->creds, uuid);
	if (c != NULL && c->suspended)
		return CACHED_SUSPENDED;
	return c != NULL && c->verifier != NULL && c->version == version ? said
									 : CACHED_BUSY;
}

void
check_leave(struct login *l, struct check_user *u, bool used)
{
	struct check *k = TAKE_PTR(u->check);
	struct cred *c;

	if (k == NULL)
		return;
	list_remove(&u->link);
	if (used && k->stage == STAGE_OVER) {
		k->used = true;
		if (k->result == CACHED_ACCEPTS)
			proven(k);
	}
	if (k->telling || !list_is_empty(&k->users))
		return;
	c = k->cred;
	stop(k);
	take_back(k);
	destroy(k);
	if (c != NULL) {
		next_of_account(l, c);
		check_pump(l);
	}
}

/* ---- work ---- */

static void
on_checked(void *arg, int rc, int took_ms)
{
	struct check *k = arg;
	struct login *l = k->l;

	k->job = NULL;
	l->checks.n_working--;
	if (rc == 0 || rc == 1)
		checks_took(l, took_ms);
	if (rc == 1) {
		over(k, CACHED_ACCEPTS, 0);
	} else if (rc == 0) {
		over(k, CACHED_REJECTS, 0);
	} else if (rc == -EBADMSG) {
		log_warn("login: a cached credential is damaged and was dropped");
		if (k->version == k->cred->version) {
			cred_set_verifier(k->cred, NULL, 0);
			keep_cred(l, k->cred);
		}
		over(k, CACHED_NONE, 0);
	} else {
		over(k, CACHED_BUSY, 0);
	}
}

/* False: the lanes are full for now. */
static bool
work(struct check *k)
{
	struct login *l = k->l;
	unsigned seconds;
	enum cached c;

	/* It may have changed, or gone, since this was counted; its own count apart. */
	c = judge(l, k->cred, k->valid, k->hidden, &seconds);
	if (c != CACHED_CHECKING && c != CACHED_WAIT) {
		over(k, c, 0);
		return true;
	}
	k->version = k->cred->version;
	k->job = crypt_check(l->crypt, k->password, k->cred->verifier,
	    k->cred->verifier_len, false, on_checked, k);
	if (k->job != NULL) {
		list_remove(&k->in_slot);
		k->stage = STAGE_WORK;
		l->checks.n_working++;
		return true;
	}
	if (l->checks.n_working > 0)
		return false;
	over(k, CACHED_BUSY, 0);
	return true;
}

void
check_pump(struct login *l)
{
	/* What ends at once comes back here: once is enough. */
	if (l->checks.pumping)
		return;
	l->checks.pumping = true;
	while (!list_is_empty(&l->checks.slot_line) && !login_is_opening(l)) {
		struct check *k = container_of(l->checks.slot_line.next, struct check,
		    in_slot);

		if (!work(k))
			break;
	}
	l->checks.pumping = false;
}

static void
on_counted(void *arg, int rc)
{
	struct check *k = arg;

	/* Not on the disk: it counts in memory, and status says so. */
	keep_judge_disk(k->l, rc);
	k->keep = NULL;
	k->stage = STAGE_SLOT;
	list_append(&k->l->checks.slot_line, &k->in_slot);
	check_pump(k->l);
}

static void
begin(struct check *k)
{
	struct cred *c = k->cred;
	struct guess *g = guess_of(c, k->hidden);

	c->running = k;
	k->counted = true;
	k->count = guess_count(g, k->l->ts->now.boot_ns);
	k->stage = STAGE_COMMIT;
	k->keep = keep_cred_wait(k->l, c, CHECK_COMMIT_MS, on_counted, k);
}

/* The first in line whom the back-off allows; the others are told to wait. */
static void
next_of_account(struct login *l, struct cred *c)
{
	while (c->running == NULL && !list_is_empty(&c->line)) {
		struct check *k = container_of(c->line.next, struct check, in_line);
		struct uuid uuid = c->uuid;
		unsigned seconds;
		enum cached verdict = judge(l, c, k->valid, k->hidden, &seconds);

		list_remove(&k->in_line);
		if (verdict == CACHED_CHECKING) {
			begin(k);
			return;
		}
		tell(k, verdict, seconds);
		c = creds_find(&l->creds, &uuid);
		if (c == NULL)
			return;
	}
}

/* ---- wanting one ---- */

static struct check *
same_in_line(const struct cred *c, const struct check_want *w)
{
	struct check *k = c->running;
	struct list *it;

	if (k != NULL && k->hidden == w->hidden &&
	    secret_is_same(k->password, w->password))
		return k;
	list_for_each(it, &c->line) {
		k = container_of(it, struct check, in_line);
		if (k->hidden == w->hidden && secret_is_same(k->password, w->password))
			return k;
	}
	return NULL;
}

/* Those of one account follow each other, those of all share the lanes. */
static bool
would_be_late(const struct login *l, const struct cred *c, int64_t deadline_ns)
{
	const int64_t left_ms = (deadline_ns - l->ts->now.mono_ns) / CLOCK_MS;
	size_t before = l->checks.n / LANES, same = c->running != NULL ? 1 : 0;
	const struct list *it;

	list_for_each(it, &c->line)
		same++;
	if (same > before)
		before = same;
	/* With nobody before it, it may always try: else one slow run would end them all. */
	return before > 0 && (int64_t)(before + 1) * l->checks.took_ms > left_ms;
}

static struct check *
check_new(struct login *l, struct cred *c, const struct check_want *w)
{
	struct secret *copy = secret_copy(w->password->data, w->password->len);
	struct check *k;

	if (copy == NULL)
		return NULL;
	k = xcalloc(1, sizeof(*k));
	k->l = l;
	k->cred = c;
	k->uuid = c->uuid;
	k->password = copy;
	k->hidden = w->hidden;
	k->valid = w->valid;
	list_init(&k->in_line);
	list_init(&k->in_slot);
	list_init(&k->users);
	l->checks.n++;
	return k;
}

static void
join(struct check *k, struct check_user *u)
{
	u->check = k;
	list_append(&k->users, &u->link);
}

enum cached
check_want(struct login *l, const struct check_want *w, struct check_user *u,
    unsigned *ret_seconds)
{
	struct cred *c = creds_find(&l->creds, w->uuid);
	enum cached verdict = judge(l, c, w->valid, w->hidden, ret_seconds);
	struct check *k;

	if (verdict != CACHED_CHECKING && verdict != CACHED_WAIT)
		return verdict;
	k = same_in_line(c, w);
	if (k != NULL) {
		join(k, u);
		return CACHED_CHECKING;
	}
	/* While one is under way its count is on, and may still be taken back. */
	if (verdict == CACHED_WAIT && c->running == NULL)
		return CACHED_WAIT;
	if (would_be_late(l, c, w->deadline_ns))
		return CACHED_BUSY;
	k = check_new(l, c, w);
	if (k == NULL)
		return CACHED_BUSY;
	join(k, u);
	if (c->running == NULL)
		begin(k);
	else
		list_append(&c->line, &k->in_line);
	return CACHED_CHECKING;
}

void
check_drop_all(struct login *l, struct cred *c)
{
	struct check *k;

	(void)l;
	while (c->running != NULL || !list_is_empty(&c->line)) {
		k = c->running != NULL
		    ? c->running
		    : container_of(c->line.next, struct check, in_line);
		k->counted = false; /* nothing is to be written any more */
		tell(k, CACHED_NONE, 0);
	}
}
