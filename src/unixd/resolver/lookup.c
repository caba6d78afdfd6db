/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From a question to what is known about it. Local names and numbers end it before any
 * record is looked at; then the record's age and the link go through the table of policy.c,
 * and out comes an answer, or the flight that may bring one.
 */
#include <inttypes.h>
#include <stdio.h>

#include "src/base/ids.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/unixd/resolver/internal.h"

#define LINK_WAIT_NS (POLICY_STALE_WAIT_MS * CLOCK_MS)

/* ---- who is meant ---- */

static void
key_of(const struct resolver *r, const struct question *q, struct name *ret_key)
{
	*ret_key = q->name;
	if (ret_key->kind != NAME_UUID)
		name_strip_domain(ret_key, r->cache.own_domain);
}

static bool
has_private_group(const struct cache_user *cu)
{
	return cu != NULL && cache_private_group(cu->u) != NULL;
}

static void
find(const struct resolver *r, const struct question *q, struct step *s)
{
	s->user = q->by_id ? cache_user_by_uid(&r->cache, q->id)
			   : cache_user_find(&r->cache, &q->name);
	s->group = NULL;
	if (q->kind != ASK_GROUP || has_private_group(s->user))
		return;
	s->user = NULL;
	s->group = q->by_id ? cache_group_by_gid(&r->cache, q->id)
			    : cache_group_find(&r->cache, &q->name);
}

static bool
is_known(const struct step *s)
{
	return s->user != NULL || s->group != NULL;
}

/* The record found is listed in allow_local_account_override, or the name asked is. */
static bool
is_overridden(const struct resolver *r, const struct question *q, const struct step *s,
    const char *key)
{
	const struct subject asked = { key, key, NULL };

	if (s->user != NULL)
		return view_is_overridden_user(r, s->user);
	if (s->group != NULL)
		return view_is_overridden_group(r, s->group);
	return !q->by_id && filter_is_overridden(&r->filter, &asked);
}

/* Belongs to this host's own files: nothing is looked up, nobody is asked. */
static bool
is_local(const struct resolver *r, const struct question *q, const struct step *s)
{
	const struct local *l = r->ports.local;
	struct name key;
	bool local;

	key_of(r, q, &key);
	if (q->by_id)
		local = q->kind == ASK_GROUP ? local_has_gid(l, q->id)
					     : local_has_uid(l, q->id);
	else if (key.kind == NAME_UUID)
		return false;
	else
		local = q->kind == ASK_GROUP ? local_has_group(l, key.text)
					     : local_has_user(l, key.text);
	return local && !is_overridden(r, q, s, key.text);
}

static const char *
mapped_name(const struct resolver *r, const struct question *q, struct name *buf)
{
	if (q->kind != ASK_GROUP || r->config->n_map_group == 0)
		return NULL;
	if (q->by_id)
		return mapgroup_of_gid(r, q->id);
	key_of(r, q, buf);
	return mapgroup_is_local_name(r, buf->text) ? buf->text : NULL;
}

/* ---- how old is it ---- */

static enum freshness
age_of(const struct resolver *r, const struct cache_times *t, const struct question *q)
{
	int32_t now = resolver_boot_s(r);

	/* `invalidate` moves hard_at, not what was fetched when. */
	if (q->fresh)
		return now - t->fetched < POLICY_LOGIN_FRESH_S && now < t->hard_at
		    ? RECORD_FRESH
		    : RECORD_HARD;
	if (now < t->soft_at)
		return RECORD_FRESH;
	return now < t->hard_at ? RECORD_SOFT : RECORD_HARD;
}

static enum freshness
freshness_of(const struct resolver *r, const struct question *q, const struct step *s)
{
	const struct cache_times *t = s->user != NULL ? &s->user->t : &s->group->t;
	const struct uuid *uuid;
	char id[UUID_TEXT_LEN + 1];
	enum freshness f;

	f = age_of(r, t, q);
	if (s->group != NULL && s->group->members_at == CACHE_NEVER)
		f = RECORD_HARD;
	if (f == RECORD_FRESH || resolver_boot_s(r) >= t->retry_at)
		return f;
	/* Asked lately in vain: as good as it gets, unless it is being asked for now. */
	uuid = s->user != NULL ? &s->user->u->uuid : &s->group->g->uuid;
	uuid_format(uuid, id);
	if (flight_find(&r->flights, s->user != NULL ? KIND_USER : KIND_GROUP, id) ==
	    NULL)
		return RECORD_FRESH;
	return f;
}

static enum kind
kind_of(const struct question *q)
{
	return q->kind == ASK_GROUP ? KIND_GROUP : KIND_USER;
}

/* The words in which the server is asked, and under which a negative is filed. */
static void
words_of(const struct resolver *r, const struct question *q, char out[NAME_MAX_TEXT + 1])
{
	struct name key;

	if (q->by_id) {
		(void)snprintf(out, NAME_MAX_TEXT + 1, "%" PRIu32, q->id);
		return;
	}
	key_of(r, q, &key);
	(void)snprintf(out, NAME_MAX_TEXT + 1, "%s", key.text);
}

/*
 * A login is several questions: keys, account, account again. They wait for the server once
 * together, and what it did not answer then is not asked for again at the next of them.
 */
static void
share_wait(const struct resolver *r, struct cache_times *t, struct decision *d)
{
	int64_t now = r->ts->now.mono_ns / CLOCK_MS;
	int64_t since = now - t->login_ms;

	if (t->login_ms == 0 || since >= POLICY_LOGIN_FRESH_S * INT64_C(1000)) {
		t->login_ms = now;
		return;
	}
	if (since < d->wait_ms)
		d->wait_ms -= (int)since;
	else
		*d = (struct decision){ ACT_RECORD, false, 0 };
}

/* ---- the step ---- */

static void
wait_for_record(struct resolver *r, struct step *s, const struct decision *d)
{
	const struct uuid *uuid = s->user != NULL ? &s->user->u->uuid
						  : &s->group->g->uuid;
	enum kind kind = s->user != NULL ? KIND_USER : KIND_GROUP;

	s->flight = fetch_record(r, kind, uuid, true);
	s->wait_ms = d->wait_ms;
	if (s->user != NULL)
		show_user_asked(r, s->user);
	else
		show_group_asked(r, s->group);
	fetch_pump(r);
}

static void
wait_for_stranger(struct resolver *r, const struct question *q, struct step *s,
    const struct decision *d)
{
	char words[NAME_MAX_TEXT + 1];
	int64_t left;

	s->answer = ANSWER_UNAVAIL;
	s->wait_ms = d->wait_ms;
	s->for_link = d->act == ACT_WAIT_LINK;
	if (s->for_link && r->link.state == LINK_OFFLINE) {
		linkctl_do(r, link_demand(&r->link, r->ts->now.mono_ns));
		left = LINK_WAIT_NS - (r->ts->now.mono_ns - r->link.probe_since);
		if (!r->link.probing || left <= 0)
			return;
		if (left / CLOCK_MS < s->wait_ms)
			s->wait_ms = (int)(left / CLOCK_MS);
	}
	words_of(r, q, words);
	s->flight = fetch_id(r, kind_of(q), words, true);
	if (s->flight == NULL) {
		s->answer = ANSWER_BUSY;
		return;
	}
	/* A password typed as a name must not end in the map, not even as a hash. */
	if (q->kind != ASK_KEYS && q->kind != ASK_ACCOUNT)
		s->flight->quiet = false;
	fetch_pump(r);
}

/* Fills in the flight to wait for, or the answer. */
static void
consider_remote(struct resolver *r, const struct question *q, int budget_ms,
    struct step *s)
{
	char words[NAME_MAX_TEXT + 1];
	enum freshness f;
	struct decision d;

	if (is_known(s)) {
		f = freshness_of(r, q, s);
	} else {
		words_of(r, q, words);
		f = negative_is_fresh(&r->negative, kind_of(q), words, resolver_boot_s(r))
		    ? RECORD_NEGATIVE
		    : RECORD_ABSENT;
	}
	d = policy_decide(f, link_mode(&r->link),
	    q->fresh ? QUESTION_LOGIN : QUESTION_LOOKUP, budget_ms);
	if (d.act == ACT_WAIT && q->fresh && s->user != NULL)
		share_wait(r, &s->user->t, &d);
	switch (d.act) {
	case ACT_RECORD:
		s->answer = ANSWER_FOUND;
		if (d.refresh && s->user != NULL)
			fetch_user_behind(r, s->user);
		else if (d.refresh)
			fetch_group_behind(r, s->group);
		return;
	case ACT_NOTFOUND:
		s->answer = ANSWER_NOTFOUND;
		return;
	case ACT_WAIT:
	case ACT_WAIT_LINK:
		break;
	}
	if (is_known(s)) {
		s->answer = ANSWER_FOUND;
		wait_for_record(r, s, &d);
	} else {
		wait_for_stranger(r, q, s, &d);
	}
}

/* A local group with more people: first what its Kanidm groups are now. */
static void
consider_mapped(struct resolver *r, const struct question *q, int budget_ms,
    struct step *s)
{
	struct question with = *q;
	size_t i = 0;

	with.by_id = false;
	while (mapgroup_with(r, s->mapped, &i, &with.name)) {
		struct step one = { 0 };

		find(r, &with, &one);
		if (has_private_group(one.user))
			continue;
		consider_remote(r, &with, budget_ms, &one);
		if (one.flight == NULL)
			continue;
		s->flight = one.flight;
		s->wait_ms = one.wait_ms;
		s->for_link = one.for_link;
		return;
	}
	s->answer = ANSWER_FOUND;
}

void
lookup_consider(struct resolver *r, const struct question *q, int budget_ms,
    struct step *s, struct name *buf)
{
	*s = (struct step){ 0 };
	s->mapped = mapped_name(r, q, buf);
	if (s->mapped != NULL) {
		consider_mapped(r, q, budget_ms, s);
		return;
	}
	find(r, q, s);
	if (is_local(r, q, s))
		s->answer = ANSWER_LOCAL;
	else if (q->by_id && !ids_is_allowed(q->id))
		s->answer = ANSWER_NOTFOUND;
	else
		consider_remote(r, q, budget_ms, s);
}

void
lookup_settle(struct resolver *r, const struct question *q, struct step *s,
    struct name *buf)
{
	char words[NAME_MAX_TEXT + 1];

	*s = (struct step){ 0 };
	s->mapped = mapped_name(r, q, buf);
	if (s->mapped != NULL) {
		s->answer = ANSWER_FOUND;
		return;
	}
	find(r, q, s);
	words_of(r, q, words);
	if (is_local(r, q, s))
		s->answer = ANSWER_LOCAL;
	else if (is_known(s))
		s->answer = ANSWER_FOUND;
	else if (negative_is_fresh(&r->negative, kind_of(q), words, resolver_boot_s(r)))
		s->answer = ANSWER_NOTFOUND;
	else
		s->answer = ANSWER_UNAVAIL;
}
