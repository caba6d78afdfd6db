/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The resolver's functions over a handful of constants, so that what the server sends can be
 * compared byte by byte and a question can be kept waiting for as long as a test likes.
 */
#include "unit/src/unixd/server/fake_resolver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct waiter {
	struct list link;
	struct resolver *r;
	resolver_passwd_fn passwd;
	void (*probe)(void *arg);
	void (*stored)(void *arg, bool stored);
	void *arg;
};

static const uint32_t alice_gids[] = { 70010, 70011 };
static const struct passwd_view alice = {
	.uid = 70001,
	.gid = 70001,
	.name = "alice",
	.gecos = "Alice",
	.dir = "/home/alice",
	.shell = "/bin/sh",
	.n_gids = 2,
	.gids = alice_gids,
};

void
fake_init(struct resolver *r)
{
	*r = (struct resolver){ .n_members = 2 };
	list_init(&r->waiting);
}

static struct waiter *
wait_for(struct resolver *r, resolver_passwd_fn passwd, void (*probe)(void *), void *arg)
{
	struct waiter *w = xcalloc(1, sizeof(*w));

	w->r = r;
	w->passwd = passwd;
	w->probe = probe;
	w->arg = arg;
	list_append(&r->waiting, &w->link);
	r->n_waiting++;
	return w;
}

static void
drop(struct waiter *w)
{
	list_remove(&w->link);
	w->r->n_waiting--;
	free(w);
}

void
fake_release(struct resolver *r)
{
	while (!list_is_empty(&r->waiting)) {
		struct waiter w = *container_of(r->waiting.next, struct waiter, link);

		drop(container_of(r->waiting.next, struct waiter, link));
		if (w.passwd != NULL)
			w.passwd(w.arg, ANSWER_FOUND, &alice);
		else if (w.stored != NULL)
			w.stored(w.arg, !r->disk_fails);
		else
			w.probe(w.arg);
	}
}

void
resolver_cancel(struct waiter *w)
{
	w->r->n_cancelled++;
	drop(w);
}

static enum answer
judge(struct resolver *r, const char *name, const char *known, int budget_ms)
{
	r->n_asked++;
	r->last_budget_ms = budget_ms;
	if (streq(name, known))
		return ANSWER_FOUND;
	if (streq(name, "local"))
		return ANSWER_LOCAL;
	if (streq(name, "unavail"))
		return ANSWER_UNAVAIL;
	return streq(name, "busy") ? ANSWER_BUSY : ANSWER_NOTFOUND;
}

struct waiter *
resolver_passwd_by_name(struct resolver *r, const struct name *name, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	enum answer a = judge(r, name->text, "alice", budget_ms);

	if (strncmp(name->text, "slow", 4) == 0)
		return wait_for(r, fn, NULL, arg);
	fn(arg, a, a == ANSWER_FOUND ? &alice : NULL);
	return NULL;
}

struct waiter *
resolver_initgroups(struct resolver *r, const struct name *name, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	return resolver_passwd_by_name(r, name, budget_ms, fn, arg);
}

void
resolver_asked_by(struct resolver *r, uid_t uid)
{
	if (uid != 0)
		r->last_asked_by = uid;
	r->asked_by = uid;
}

struct waiter *
resolver_passwd_by_uid(struct resolver *r, uint32_t uid, int budget_ms,
    resolver_passwd_fn fn, void *arg)
{
	enum answer a = judge(r, uid == 70001 ? "alice" : "", "alice", budget_ms);

	fn(arg, a, a == ANSWER_FOUND ? &alice : NULL);
	return NULL;
}

static void
give_group(struct resolver *r, enum answer a, const char *name, resolver_group_fn fn,
    void *arg)
{
	const char **members = xcalloc(r->n_members + 1, sizeof(*members));
	struct group_view v = { .gid = 70010, .name = name, .members = members };

	for (v.n_members = 0; v.n_members < r->n_members; v.n_members++)
		members[v.n_members] = v.n_members == 0 ? "alice" : "bob";
	fn(arg, a, a == ANSWER_FOUND ? &v : NULL);
	freep(&members);
}

struct waiter *
resolver_group_by_name(struct resolver *r, const struct name *name, int budget_ms,
    resolver_group_fn fn, void *arg)
{
	give_group(r, judge(r, name->text, "staff", budget_ms), name->text, fn, arg);
	return NULL;
}

struct waiter *
resolver_group_by_gid(struct resolver *r, uint32_t gid, int budget_ms,
    resolver_group_fn fn, void *arg)
{
	give_group(r, judge(r, gid == 70010 ? "staff" : "", "staff", budget_ms), "staff",
	    fn, arg);
	return NULL;
}

struct waiter *
resolver_ssh_keys(struct resolver *r, const struct name *name, int budget_ms,
    resolver_keys_fn fn, void *arg)
{
	static const char *const keys[] = { "ssh-ed25519 AAAA1 a",
		"ssh-ed25519 AAAA2 b" };
	enum answer a = judge(r, name->text, "alice", budget_ms);

	fn(arg, a, keys, a == ANSWER_FOUND ? 2 : 0);
	return NULL;
}

void
resolver_passwd_next(struct resolver *r, bool started, uint32_t after,
    resolver_passwd_fn fn, void *arg)
{
	bool more = !started || after < alice.uid;

	r->n_asked++;
	fn(arg, more ? ANSWER_FOUND : ANSWER_NOTFOUND, more ? &alice : NULL);
}

void
resolver_group_next(struct resolver *r, bool started, uint32_t after,
    resolver_group_fn fn, void *arg)
{
	bool more = !started || after < 70010;

	r->n_asked++;
	give_group(r, more ? ANSWER_FOUND : ANSWER_NOTFOUND, "staff", fn, arg);
}

void
resolver_invalidate(struct resolver *r)
{
	r->invalidated++;
}

void
resolver_clear(struct resolver *r)
{
	r->cleared++;
}

int
resolver_accept_id(struct resolver *r, const struct name *name, uint32_t *ret_old,
    uint32_t *ret_new)
{
	(void)r;
	if (streq(name->text, "bob"))
		return -EALREADY;
	if (!streq(name->text, "alice"))
		return -ENOENT;
	*ret_old = 70001;
	*ret_new = 70099;
	return 0;
}

struct waiter *
resolver_stored(struct resolver *r, int budget_ms, void (*fn)(void *arg, bool stored),
    void *arg)
{
	struct waiter *w;

	r->last_budget_ms = budget_ms;
	if (r->is_stored) {
		fn(arg, true);
		return NULL;
	}
	w = wait_for(r, NULL, NULL, arg);
	w->stored = fn;
	return w;
}

void
resolver_status(const struct resolver *r, resolver_pair_fn fn, void *arg)
{
	(void)r;
	fn(arg, "system", "online");
	fn(arg, "Kanidm", "offline");
}

void
resolver_explain(struct resolver *r, const struct name *name, resolver_line_fn fn,
    void *arg)
{
	(void)r;
	fn(arg, name->text);
	fn(arg, "is known");
}

struct waiter *
resolver_probe(struct resolver *r, int budget_ms, void (*fn)(void *arg), void *arg)
{
	r->last_budget_ms = budget_ms;
	r->n_probed++;
	if (r->probe_waits)
		return wait_for(r, NULL, fn, arg);
	fn(arg);
	return NULL;
}
