/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The last gate: whatever was found is judged once more by the filters, as they are now,
 * before it leaves. Entries that stand back for local ones are "local", other hidden ones
 * do not exist as far as this host is concerned; `explain` tells why.
 */
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/unixd/resolver/internal.h"

#define SAY_AGAIN (60 * CLOCK_S)

static enum answer
answer_of_verdict(enum verdict v)
{
	switch (v) {
	case VERDICT_SHOWN:
		return ANSWER_FOUND;
	case VERDICT_LOCAL_NAME:
	case VERDICT_LOCAL_UID:
	case VERDICT_LOCAL_GID:
		return ANSWER_LOCAL;
	case VERDICT_RESERVED:
	case VERDICT_UNMAPPED:
	case VERDICT_HELD:
	case VERDICT_PRIVATE:
	case VERDICT_MAX:
		break;
	}
	return ANSWER_NOTFOUND;
}

static void
answer_passwd(struct resolver *r, const struct question *q, const struct step *s)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	enum answer a = s->answer;

	if (a == ANSWER_FOUND)
		a = answer_of_verdict(view_judge_user(r, s->user));
	if (a == ANSWER_FOUND)
		view_passwd(r, s->user, &b);
	q->fn.passwd(q->arg, a, a == ANSWER_FOUND ? &b.pw : NULL);
}

static void
answer_group(struct resolver *r, const struct question *q, const struct step *s)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	enum answer a = s->answer;

	if (a == ANSWER_FOUND && s->mapped != NULL) {
		show_mapped_now(r, s->mapped);
		if (!mapgroup_view(r, s->mapped, &b))
			a = ANSWER_LOCAL;
	} else if (a == ANSWER_FOUND && s->user != NULL) {
		a = answer_of_verdict(view_judge_private(r, s->user));
		if (a == ANSWER_FOUND)
			view_private_group(r, s->user, &b);
	} else if (a == ANSWER_FOUND) {
		show_group_now(r, s->group);
		a = answer_of_verdict(view_judge_group(r, s->group));
		if (a == ANSWER_FOUND)
			view_group(r, s->group, &b);
	}
	q->fn.group(q->arg, a, a == ANSWER_FOUND ? &b.gr : NULL);
}

/* A key that was taken away while we could not hear of it must not open for ever. Younger
 * than what a login asks for anew is as good as online, whatever the limit. */
static bool
is_too_old(const struct resolver *r, const struct cache_user *cu)
{
	int64_t age = (int64_t)resolver_boot_s(r) - cu->t.fetched;

	return r->config->offline_auth_max_age_s != 0 &&
	    age > r->config->offline_auth_max_age_s &&
	    (link_mode(&r->link) != MODE_ONLINE || age >= POLICY_LOGIN_FRESH_S);
}

/* Anybody may ask for keys, and the journal is everybody's. */
static void
say_withheld(struct resolver *r, const struct user *u)
{
	int64_t now = r->ts->now.mono_ns;

	if (r->withheld_at != 0 && now - r->withheld_at < SAY_AGAIN)
		return;
	r->withheld_at = now;
	log_info("ssh-keys: %s: withheld, not heard of from the server for longer than "
		 "offline_auth_max_age",
	    u->spn);
}

/* The program that asks may have looked the number up when the name was another's. */
static bool
was_others(struct resolver *r, const struct cache_user *cu)
{
	const struct user *u = cu->u;
	int64_t now = r->ts->now.mono_ns;

	if (!former_is_others(&r->former, cache_key(&r->cache, u->name, u->spn), cu->uid,
		resolver_boot_s(r)))
		return false;
	if (r->former_at != 0 && now - r->former_at < SAY_AGAIN)
		return true;
	r->former_at = now;
	log_warn("user: %s: the name was another account's until lately, nobody logs in "
		 "by it for up to %d s",
	    u->spn, FORMER_S);
	return true;
}

static void
answer_keys(struct resolver *r, const struct question *q, const struct step *s)
{
	enum answer a = s->answer;
	struct user *u = NULL;

	if (a == ANSWER_FOUND)
		a = answer_of_verdict(view_judge_user(r, s->user));
	if (a == ANSWER_FOUND && s->user->u->valid && is_too_old(r, s->user)) {
		say_withheld(r, s->user->u);
		a = ANSWER_UNAVAIL;
	}
	if (a == ANSWER_FOUND && was_others(r, s->user))
		a = ANSWER_UNAVAIL;
	if (a == ANSWER_FOUND && s->user->u->valid)
		u = user_ref(s->user->u);
	q->fn.keys(q->arg, a, u != NULL ? u->sshkeys : NULL, u != NULL ? u->n_keys : 0);
	user_unref(u);
}

static void
answer_account(struct resolver *r, const struct question *q, const struct step *s)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	struct account_view v = { 0 };
	enum answer a = s->answer;
	struct user *u = NULL;

	if (a == ANSWER_FOUND)
		a = answer_of_verdict(view_judge_user(r, s->user));
	if (a == ANSWER_FOUND && q->name.kind != NAME_UUID && was_others(r, s->user))
		a = ANSWER_UNAVAIL;
	if (a == ANSWER_FOUND) {
		u = user_ref(s->user->u);
		view_passwd(r, s->user, &b);
		v.user = u;
		v.uid = b.pw.uid;
		v.shown = b.pw.name;
		v.key = cache_user_key(s->user);
		v.home = b.pw.dir;
		v.age_s = (int64_t)resolver_boot_s(r) - s->user->t.fetched;
	}
	q->fn.account(q->arg, a, u != NULL ? &v : NULL);
	user_unref(u);
}

void
answer_question(struct resolver *r, const struct question *q, const struct step *s)
{
	switch (q->kind) {
	case ASK_PASSWD:
		answer_passwd(r, q, s);
		return;
	case ASK_GROUP:
		answer_group(r, q, s);
		return;
	case ASK_KEYS:
		answer_keys(r, q, s);
		return;
	case ASK_ACCOUNT:
		answer_account(r, q, s);
		return;
	case ASK_STORED:
		q->fn.stored(q->arg, s->answer == ANSWER_FOUND);
		return;
	case ASK_PROBE:
		break;
	}
	q->fn.probe(q->arg);
}
