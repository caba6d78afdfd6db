/* SPDX-License-Identifier: MPL-2.0 */
/* See phases_fake.h. */
#include "unit/src/unixd/login/phases/phases_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct phases phases;

/* The only one that is out at a time. */
static struct waiter *const the_waiter = (struct waiter *)&phases.account_fn;
static struct taskq_waiter *const the_home = (struct taskq_waiter *)&phases.home_fn;

static struct groupid *
group_of(const char *spn, uint32_t gid)
{
	struct uuid uuid = { { 0xaa, 0xbb } };
	char name[100];

	memcpy(uuid.b + 4, &gid, sizeof(gid));
	snprintf(name, sizeof(name), "%s", spn);
	name[strcspn(name, "@")] = '\0';
	return groupid_new(&uuid, gid, name, spn);
}

void
phases_groups(bool valid, const char *const *spns)
{
	struct groupid *groups[9];
	struct user tmpl = { .id = 70001,
		.uuid = { { 0xa1 } },
		.valid = valid,
		.name = "alice",
		.spn = "alice@idm.example",
		.displayname = "Alice",
		.groups = groups,
		.n_groups = 1 };
	uint32_t i;

	groups[0] = groupid_new(&tmpl.uuid, 70001, "alice", "alice@idm.example");
	for (i = 0; spns[i] != NULL; i++)
		groups[tmpl.n_groups++] = group_of(spns[i], 5000 + i);
	if (phases.view.user != NULL)
		user_unref((struct user *)(uintptr_t)phases.view.user);
	phases.view.user = user_new(&tmpl);
	for (i = 0; i < tmpl.n_groups; i++)
		groupid_unref(groups[i]);
}

void
phases_init(void)
{
	static const char *const groups[] = { "shell_users@idm.example", NULL };

	memset(&phases, 0, sizeof(phases));
	timers_init(&phases.ts);
	phases.ts.now.mono_ns = 1000 * CLOCK_S;
	phases.own_domain = "idm.example";
	phases.groups[0] = (char *)(uintptr_t) "shell_users";
	phases.config.pam_allowed_login_groups = phases.groups;
	phases.config.pam_allowed_callers = phases.callers;
	phases.config.auth_deadline_ms = 2500;
	phases.config.uri = (char *)(uintptr_t) "https://idm.example";
	phases.config.home_prefix = (char *)(uintptr_t) "/";
	phases.l.config = &phases.config;
	phases.l.ts = &phases.ts;
	phases.l.ports.taskq = (struct taskq *)&phases;
	phases.l.ports.uid_map_path = "/dev/null";
	list_init(&phases.l.calls);
	caller_init(&phases.l);
	homefs_init(&phases.l.homefs);
	phases_groups(true, groups);
	phases.view.uid = 70001;
	phases.view.shown = "alice@idm.example";
	phases.view.key = "alice";
	phases.view.home = "/home/alice";
	phases.answer = ANSWER_FOUND;
	phases.home_text = "";
}

void
phases_deinit(void)
{
	user_unref((struct user *)(uintptr_t)phases.view.user);
	timers_deinit(&phases.ts);
}

/* ---- the engine ---- */

bool
login_call_begin(struct login *l, struct login_call *c, enum login_kind kind,
    const struct login_request *q, void (*drop)(struct login_call *c))
{
	if (phases.full)
		return false;
	c->l = l;
	c->kind = kind;
	c->q = *q;
	c->drop = drop;
	list_append(&l->calls, &c->link);
	l->n_calls++;
	return true;
}

void
login_call_end(struct login_call *c)
{
	list_remove(&c->link);
	c->l->n_calls--;
}

/* ---- the resolver ---- */

struct waiter *
resolver_account(struct resolver *r, const struct name *name, bool fresh, int budget_ms,
    resolver_account_fn fn, void *arg)
{
	(void)r, (void)name;
	phases.asked_fresh = fresh;
	phases.budget_ms = budget_ms;
	phases.account_fn = fn;
	phases.account_arg = arg;
	if (phases.later)
		return the_waiter;
	phases_answer();
	return NULL;
}

void
phases_answer(void)
{
	resolver_account_fn fn = TAKE_PTR(phases.account_fn);

	fn(phases.account_arg, phases.answer,
	    phases.answer == ANSWER_FOUND ? &phases.view : NULL);
}

void
resolver_cancel(struct waiter *w)
{
	if (w == NULL)
		return;
	if (w != the_waiter || phases.account_fn == NULL)
		abort();
	phases.account_fn = NULL;
	phases.cancelled++;
}

const char *
resolver_own_domain(const struct resolver *r)
{
	(void)r;
	return phases.own_domain;
}

bool
resolver_local_uid(const struct resolver *r, const char *name, uint32_t *ret_uid)
{
	(void)r;
	if (phases.local_name == NULL || !streq(phases.local_name, name))
		return false;
	*ret_uid = phases.local_uid;
	return true;
}

/* ---- tasks ---- */

struct taskq_waiter *
taskq_home(struct taskq *q, const struct taskq_home *home, int budget_ms, taskq_fn fn,
    void *arg)
{
	(void)q;
	phases.homes++;
	phases.home = *home;
	snprintf(phases.home_names[0], sizeof(phases.home_names[0]), "%s", home->name);
	snprintf(phases.home_names[1], sizeof(phases.home_names[1]), "%s", home->spn);
	snprintf(phases.home_names[2], sizeof(phases.home_names[2]), "%s", home->shown);
	phases.home_budget_ms = budget_ms;
	phases.home_fn = fn;
	phases.home_arg = arg;
	if (phases.home_later)
		return the_home;
	phases_home();
	return NULL;
}

void
phases_home(void)
{
	taskq_fn fn = TAKE_PTR(phases.home_fn);

	fn(phases.home_arg, phases.home_result, phases.home_text);
}

void
taskq_cancel(struct taskq_waiter *w)
{
	if (w == NULL)
		return;
	if (w != the_home || phases.home_fn == NULL)
		abort();
	phases.home_fn = NULL;
	phases.homes_cancelled++;
}
