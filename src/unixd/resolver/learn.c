/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the server says becomes what we know. The awkward cases are all here: a group or
 * person made anew under the name of an old one, a number that changed, two that claim the
 * same number. Rules: the server's word on names counts at once; a person known here keeps
 * the uid his files have until root accepts another; no number is ever shown for two.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/resolver/internal.h"
#include "src/unixd/store/store.h"

void
times_set(struct resolver *r, struct cache_times *t, int32_t fetched)
{
	int32_t ttl = (int32_t)resolver_ttl(r);
	uint32_t spread = (uint32_t)ttl / 10 + 1;

	t->fetched = fetched;
	t->soft_at = fetched + ttl / 2 + (int32_t)(resolver_random(r) % spread);
	t->hard_at = fetched + ttl;
	t->retry_at = fetched;
	t->login_ms = 0;
}

static int64_t
wall_of(struct resolver *r, int32_t fetched)
{
	return resolver_wall_s(r) - (resolver_boot_s(r) - fetched);
}

static bool
names_are_good(const char *name, const char *spn)
{
	return name_canonical_len(name, NAME_SHORT) != 0 &&
	    name_canonical_len(spn, NAME_SPN) != 0;
}

static void
forget_negatives(struct resolver *r, enum kind kind, const char *name, const char *spn,
    const struct uuid *uuid, uint32_t id)
{
	char text[UUID_TEXT_LEN + 1];

	negative_forget(&r->negative, kind, name);
	negative_forget(&r->negative, kind, spn);
	uuid_format(uuid, text);
	negative_forget(&r->negative, kind, text);
	(void)snprintf(text, sizeof(text), "%" PRIu32, id);
	negative_forget(&r->negative, kind, text);
}

/* The first one only: status counts them, explain names each. */
static void
tell_unmapped(struct resolver *r, enum verdict v, const char *what, const char *spn,
    uint32_t id)
{
	if (v != VERDICT_UNMAPPED || r->told_unmapped)
		return;
	r->told_unmapped = true;
	log_warn("%s: %s is left out: %s %s=%" PRIu32, what, spn, verdict_text(v),
	    streq(what, "user") ? "uid" : "gid", id);
}

/* ---- groups ---- */

void
learn_store_group(struct resolver *r, struct cache_group *cg)
{
	int32_t at = cg->members_at != CACHE_NEVER ? cg->members_at : cg->t.fetched;
	cleanup_(freep) struct member *v = NULL;
	struct members m;

	if (r->loading)
		return;
	cg->stored_at = resolver_boot_s(r);
	cg->to_store = false;
	if (cg->has_list)
		cache_group_members(&r->cache, cg, &m, &v);
	store_put_group(r->ports.store, cg->g, cg->has_list ? &m : NULL, wall_of(r, at));
}

/* A group that had the name or number has been made anew: its people are asked about. If it
 * was only the number, it is another group's, and none of them has it from now on. */
static void
displace_group(struct resolver *r, struct cache_group *old, const struct groupid *g)
{
	struct cache_user *cu;
	size_t pos = 0;

	if (!r->loading)
		log_info("group: %s was made anew on the server, asking about its people",
		    old->g->spn);
	if (!streq(old->g->spn, g->spn))
		sweep_group_loses_its_gid(r, old);
	while ((cu = cache_carrier(&r->cache, old, &pos)) != NULL) {
		if (uuid_equal(&cu->u->uuid, &r->learning))
			continue;
		if (cu->t.soft_at > resolver_boot_s(r))
			cu->t.soft_at = resolver_boot_s(r);
		if (r->loading)
			continue;
		/* There may be more of them than can be asked about at once. */
		show_user_stale(r, cu);
		fetch_user_behind(r, cu);
	}
	forget_group(r, old);
}

/* False when (while loading) somebody newer already stands where `g` would. */
static bool
make_room_for_group(struct resolver *r, const struct groupid *g, int32_t fetched)
{
	const char *key = cache_key(&r->cache, g->name, g->spn);
	struct cache_group *old[2] = { cache_group_by_key(&r->cache, key),
		cache_group_by_gid(&r->cache, g->gid) };
	size_t i;

	if (old[1] == old[0])
		old[1] = NULL;
	for (i = 0; i < ARRAY_SIZE(old); i++) {
		if (old[i] == NULL || uuid_equal(&old[i]->g->uuid, &g->uuid))
			continue;
		if (r->loading && old[i]->t.fetched > fetched)
			return false;
		displace_group(r, old[i], g);
	}
	return true;
}

static void
renamed_or_renumbered(struct resolver *r, struct cache_group *cg, struct groupid *g)
{
	if (cg->g->gid != g->gid && !r->loading)
		log_info("group: %s has a new gid old=%" PRIu32 " new=%" PRIu32, g->spn,
		    cg->g->gid, g->gid);
	show_hide_group(r, cg);
	cache_group_replace(&r->cache, cg, groupid_ref(g));
	show_group_later(r, cg);
	if (cg->stored_at != CACHE_NEVER)
		learn_store_group(r, cg);
	sweep_group_has_another_gid(r, cg);
}

/* Which group it is, without its members. NULL: not taken in. */
static struct cache_group *
learn_groupid(struct resolver *r, struct groupid *g, int32_t fetched)
{
	struct cache_group *cg = cache_group_of(&r->cache, g);

	if (cg != NULL && cg->g == g)
		return cg;
	if (!names_are_good(g->name, g->spn))
		return NULL;
	if (cg != NULL && (groupid_equal(cg->g, g) || fetched < cg->t.fetched))
		return cg;
	if (!make_room_for_group(r, g, fetched))
		return NULL;
	/* What made room may have been this very entry's old self. */
	cg = cache_group_by_uuid(&r->cache, &g->uuid);
	if (cg != NULL) {
		renamed_or_renumbered(r, cg, g);
		return cg;
	}
	cg = cache_group_add(&r->cache, groupid_ref(g));
	times_set(r, &cg->t, fetched);
	tell_unmapped(r, view_judge_group(r, cg), "group", g->spn, g->gid);
	/* A name given to us by UUID: now it is known which one. */
	if (!r->loading && view_is_overridden_group(r, cg))
		show_local(r);
	show_group_later(r, cg);
	return cg;
}

static void
take_group(struct resolver *r, struct groupid *g, struct members *m, int32_t fetched)
{
	struct cache_group *cg = learn_groupid(r, g, fetched);
	struct members *shown = NULL;
	bool changed = false;

	if (cg == NULL)
		return;
	if (m != NULL) {
		shown = leftout_apply(&r->leftouts, &g->uuid, m);
		changed = cache_group_set_members(&r->cache, cg, shown);
	}
	/* Asked for and not to be had is not "never asked". */
	if (m != NULL || !r->loading)
		cg->members_at = fetched;
	times_set(r, &cg->t, fetched);
	members_unref(shown);
	show_group_later(r, cg);
	if (r->loading) {
		cg->stored_at = fetched;
		return;
	}
	forget_negatives(r, KIND_GROUP, cache_key(&r->cache, g->name, g->spn), g->spn,
	    &g->uuid, g->gid);
	if (changed || cg->stored_at == CACHE_NEVER ||
	    resolver_boot_s(r) - cg->stored_at > prefetch_store_group_again_s(r, cg))
		learn_store_group(r, cg);
}

void
learn_group(struct resolver *r, struct groupid *g, struct members *m, int32_t fetched)
{
	/* A person's private group is known through the person. */
	if (cache_user_by_uuid(&r->cache, &g->uuid) == NULL)
		take_group(r, g, m, fetched);
	groupid_unref(g);
	members_unref(m);
	resolver_status_changed(r);
}

/* ---- people ---- */

static struct idrow *
accept_id(struct resolver *r, const struct user *u)
{
	struct idrow *row = idtable_find(&r->ids, &u->uuid);

	if (row != NULL && row->pending == u->id)
		return row;
	if (row == NULL) {
		row = idtable_set(&r->ids, &u->uuid, u->id, u->id);
	} else {
		row = idtable_set(&r->ids, &u->uuid, row->id, u->id);
		if (idrow_is_pending(row))
			log_warn(
			    "user: the server has a new uid for %s, the old one stays until "
			    "root says: kanidm-unix accept-id %s old=%" PRIu32
			    " new=%" PRIu32,
			    u->spn, cache_key(&r->cache, u->name, u->spn), row->id,
			    u->id);
	}
	store_put_id(r->ports.store, &row->uuid, row->id, row->pending);
	return row;
}

/* Somebody else had the name or number. If that person still exists under another name,
 * asking by UUID will tell. */
static void
displace_user(struct resolver *r, struct cache_user *old)
{
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format(&old->u->uuid, uuid);
	if (!r->loading)
		log_info("user: %s is another account now", old->u->spn);
	forget_user(r, old);
	if (!r->loading)
		fetch_id_behind(r, KIND_USER, uuid);
}

/* False when (while loading) a newer record stands there. */
static bool
make_room_for_name(struct resolver *r, const struct user *u, int32_t fetched)
{
	const char *key = cache_key(&r->cache, u->name, u->spn);
	struct cache_user *old = cache_user_by_key(&r->cache, key);

	if (old == NULL || uuid_equal(&old->u->uuid, &u->uuid))
		return true;
	if (r->loading && old->t.fetched > fetched)
		return false;
	displace_user(r, old);
	return true;
}

/*
 * Two accounts and one number. Whoever keeps it only because a change waits for root keeps
 * it, and the other one is hidden; otherwise the server has given it to this one.
 */
static bool
is_held(struct resolver *r, const struct user *u, uint32_t uid)
{
	struct cache_user *other = cache_user_by_uid(&r->cache, uid);

	if (idtable_holder(&r->ids, uid, &u->uuid) != NULL)
		return true;
	if (other == NULL || uuid_equal(&other->u->uuid, &u->uuid))
		return false;
	if (u->id != uid || other->u->id != uid)
		return true;
	displace_user(r, other);
	/* Somebody who had been held for the number may have it now. */
	return cache_user_by_uid(&r->cache, uid) != NULL;
}

static void
learn_groups_of(struct resolver *r, struct user *u, int32_t fetched)
{
	struct cache_group *cg;
	uint32_t i;

	for (i = 0; i < u->n_groups; i++) {
		if (cache_is_private(u, u->groups[i]))
			continue;
		cg = learn_groupid(r, u->groups[i], fetched);
		if (cg != NULL && groupid_equal(cg->g, u->groups[i]))
			user_share_group(u, i, cg->g);
	}
	/* The private group, had it been asked for before the person was known. */
	cg = cache_group_by_uuid(&r->cache, &u->uuid);
	if (cg != NULL)
		forget_group(r, cg);
}

/* Whoever was on the list as a name already changes nothing. People come one by one, and a
 * list of thousands need not be made again for each of them. */
static void
touched_by_new(void *arg, struct cache_group *cg)
{
	struct resolver *r = arg;
	const struct cache_user *cu;

	if (r->loading)
		return; /* all of them are shown afterwards */
	cu = cache_user_by_uuid(&r->cache, &r->learning);
	if (cu == NULL || !members_looks_the_same(r, cg, cu))
		show_group_later(r, cg);
}

/* True when something other than the time has changed. */
static bool
file(struct resolver *r, struct user *u, uint32_t uid, bool held,
    struct cache_user **ret_cu)
{
	struct cache_user *cu = cache_user_by_uuid(&r->cache, &u->uuid);

	*ret_cu = cu;
	if (cu == NULL) {
		*ret_cu = cache_user_add(&r->cache, u, uid, held, touched_by_new, r);
		return true;
	}
	if (cu->uid == uid && cu->held == held && user_equal(cu->u, u)) {
		user_unref(u);
		return false;
	}
	if (!r->loading && !streq(cu->u->spn, u->spn))
		former_note(&r->former, cache_key(&r->cache, cu->u->name, cu->u->spn),
		    cu->uid, resolver_boot_s(r));
	if (cu->uid != uid || held)
		show_hide_user(r, cu);
	cache_user_replace(&r->cache, cu, u, uid, held, show_group_touched, r);
	return true;
}

static void
take_user(struct resolver *r, struct user *u, int32_t fetched)
{
	struct cache_group *cg;
	struct cache_user *cu;
	uint32_t uid;
	bool held, changed;

	uid = accept_id(r, u)->id;
	if (!make_room_for_name(r, u, fetched)) {
		user_unref(u);
		return;
	}
	held = is_held(r, u, uid);
	learn_groups_of(r, u, fetched);
	changed = file(r, u, uid, held, &cu);
	/* The number may have been a group's: a private group goes before it. */
	cg = changed ? cache_group_by_gid(&r->cache, uid) : NULL;
	if (cg != NULL && view_judge_group(r, cg) != VERDICT_SHOWN)
		sweep_group_loses_its_gid(r, cg);
	times_set(r, &cu->t, fetched);
	tell_unmapped(r, view_judge_user(r, cu), "user", cu->u->spn, uid);
	if (r->loading) {
		cu->stored_at = fetched;
		return;
	}
	u = cu->u;
	forget_negatives(r, KIND_USER, cache_key(&r->cache, u->name, u->spn), u->spn,
	    &u->uuid, uid);
	forget_negatives(r, KIND_GROUP, cache_key(&r->cache, u->name, u->spn), u->spn,
	    &u->uuid, uid);
	leftout_readmit(&r->leftouts, u->spn);
	if (changed || cu->stored_at == CACHE_NEVER ||
	    resolver_boot_s(r) - cu->stored_at > prefetch_store_again_s(r, u->spn)) {
		cu->stored_at = resolver_boot_s(r);
		store_put_user(r->ports.store, u, wall_of(r, fetched));
	}
	if (changed && view_is_overridden_user(r, cu))
		show_local(r);
	show_user(r, cu);
	/* Lists have people whose records are not known yet; this one is not to be shown. */
	if (changed && view_judge_user(r, cu) != VERDICT_SHOWN)
		members_of_user_changed(r, cu);
	members_recheck(r, cu);
}

void
learn_user(struct resolver *r, struct user *u, int32_t fetched)
{
	/* What was loaded has been looked at when it was unpacked. */
	if (!r->loading && !names_are_good(u->name, u->spn)) {
		char uuid[UUID_TEXT_LEN + 1];

		uuid_format(&u->uuid, uuid);
		log_warn("server: an entry with an unusable name is ignored uuid=%s",
		    uuid);
		user_unref(u);
		return;
	}
	r->learning = u->uuid;
	take_user(r, u, fetched);
	memset(&r->learning, 0, sizeof(r->learning));
	resolver_status_changed(r);
}

void
learn_release_held(struct resolver *r, uint32_t uid)
{
	struct cache_user *cu;
	size_t pos;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos)) {
		if (!cu->held || cu->uid != uid ||
		    cache_user_by_uid(&r->cache, uid) != NULL ||
		    idtable_holder(&r->ids, uid, &cu->u->uuid) != NULL)
			continue;
		cache_user_replace(&r->cache, cu, user_ref(cu->u), uid, false,
		    show_group_touched, r);
		show_user(r, cu);
		members_of_user_changed(r, cu);
		return;
	}
}
