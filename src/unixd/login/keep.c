/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A count of guesses is worth something only when it is on the disk before the guess is
 * judged; a disk that hangs must not end logins. So who waits for the disk waits a bounded
 * time, and the promise to the store (its answer comes some day, or never when it closes
 * first) is held by a ticket that may outlive everybody who cared.
 */
#include "src/unixd/login/keep.h"

#include <errno.h>
#include <stdlib.h>

#include "src/base/le.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/credential.h"
#include "src/unixd/login/internal.h"
#include "src/unixd/store/store.h"

struct keep {
	struct list link;
	struct login *l; /* NULL: nobody waits */
	struct timer limit;
	keep_fn fn;
	void *arg;
};

void
keeper_init(struct keeper *kp)
{
	*kp = (struct keeper){ 0 };
	list_init(&kp->tickets);
}

void
keeper_deinit(struct keeper *kp)
{
	while (!list_is_empty(&kp->tickets)) {
		struct keep *k = container_of(kp->tickets.next, struct keep, link);

		keep_cancel(k);
		list_remove(&k->link);
		free(k);
	}
}

static void
tell(struct keep *k, int rc)
{
	struct login *l = TAKE_PTR(k->l);

	timers_unset(l->ts, &k->limit);
	k->fn(k->arg, rc);
}

static void
on_done(void *arg, int rc)
{
	struct keep *k = arg;

	list_remove(&k->link);
	if (k->l != NULL)
		tell(k, rc);
	free(k);
}

static void
on_limit(struct timer *t)
{
	tell(container_of(t, struct keep, limit), -ETIMEDOUT);
}

static struct keep *
keep_new(struct login *l, int limit_ms, keep_fn fn, void *arg)
{
	struct keep *k = xcalloc(1, sizeof(*k));

	list_append(&l->keeper.tickets, &k->link);
	k->l = l;
	k->fn = fn;
	k->arg = arg;
	timer_init(&k->limit, on_limit);
	timers_set(l->ts, &k->limit, limit_ms * CLOCK_MS);
	return k;
}

struct keep *
keep_value_wait(struct login *l, const char *key, const void *blob, size_t len,
    int limit_ms, keep_fn fn, void *arg)
{
	struct keep *k = keep_new(l, limit_ms, fn, arg);

	store_put_value(l->ports.store, key, blob, len, on_done, k);
	return k;
}

struct keep *
keep_cred_wait(struct login *l, const struct cred *c, int limit_ms, keep_fn fn, void *arg)
{
	struct keep *k = keep_new(l, limit_ms, fn, arg);
	uint8_t blob[CRED_MAX_BLOB];
	size_t len = cred_pack(c, l->ts->now.boot_ns, blob);

	store_put_cred(l->ports.store, &c->uuid, blob, len, on_done, k);
	return k;
}

void
keep_cancel(struct keep *k)
{
	struct login *l;

	if (k == NULL || k->l == NULL)
		return;
	l = TAKE_PTR(k->l);
	timers_unset(l->ts, &k->limit);
}

void
keep_cred(struct login *l, const struct cred *c)
{
	uint8_t blob[CRED_MAX_BLOB];

	if (cred_is_empty(c))
		store_del_cred(l->ports.store, &c->uuid);
	else
		store_put_cred(l->ports.store, &c->uuid, blob,
		    cred_pack(c, l->ts->now.boot_ns, blob), NULL, NULL);
}

void
keep_judge_disk(struct login *l, int rc)
{
	bool slow = rc != 0;

	if (slow && !l->keeper.slow)
		log_warn("login: guesses are counted in memory only: %s",
		    rc == -ETIMEDOUT ? "the disk is slow" : "the disk cannot be written");
	else if (!slow && l->keeper.slow)
		log_info("login: guesses are counted on disk again");
	l->keeper.slow = slow;
	l->keeper.failed = rc == -EIO;
}

/* ---- the wall ---- */

int64_t
keep_wall_s(struct login *l)
{
	l->keeper.wall_s = login_wall_s(l);
	return l->keeper.wall_s;
}

void
keep_wall_save(struct login *l)
{
	int64_t now = keep_wall_s(l);
	uint8_t blob[8];

	if (now == l->keeper.wall_stored_s)
		return;
	l->keeper.wall_stored_s = now;
	le32_put(blob, (uint32_t)now);
	le32_put(blob + 4, (uint32_t)((uint64_t)now >> 32));
	store_put_value(l->ports.store, STORE_VALUE_WALL, blob, sizeof(blob), NULL, NULL);
}
