/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A 404 deletes what we know, so it must be true. A client that has lost its right to read
 * gets 404 for everybody, and one that believed it would empty its cache and lock everyone
 * out. So a 404 for a record we hold counts only when something proves in the same moment
 * that we still may read, asked for after the 404 was heard; for a name never heard of,
 * the proof may be a minute old.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"
#include "src/unixd/store/store.h"

#define PROOF_STRANGER (60 * CLOCK_S)
#define NEGATIVE_TTL_S 60

/* The groups that stood back behind this person's private one: of its name, of its gid. */
static void
private_group_ends(struct resolver *r, const struct cache_user *cu)
{
	const char *key = cache_key(&r->cache, cu->u->name, cu->u->spn);
	struct cache_group *cg = cache_group_by_key(&r->cache, key);

	if (cg != NULL)
		show_group_later(r, cg);
	cg = cache_group_by_gid(&r->cache, cu->uid);
	if (cg != NULL)
		show_group_later(r, cg);
}

void
forget_user(struct resolver *r, struct cache_user *cu)
{
	uint32_t uid = cu->uid;
	bool held = cu->held;

	private_group_ends(r, cu);
	show_hide_user(r, cu);
	if (!r->loading)
		former_note(&r->former, cache_key(&r->cache, cu->u->name, cu->u->spn),
		    uid, resolver_boot_s(r));
	if (!r->loading)
		store_del_user(r->ports.store, &cu->u->uuid);
	if (r->has_sample && uuid_equal(&r->sample, &cu->u->uuid))
		r->has_sample = false;
	cache_user_remove(&r->cache, cu, show_group_touched, r);
	if (!held && !r->loading)
		learn_release_held(r, uid);
}

void
forget_group(struct resolver *r, struct cache_group *cg)
{
	show_hide_group(r, cg);
	if (!r->loading)
		store_del_group(r->ports.store, &cg->g->uuid);
	cache_group_remove(&r->cache, cg);
}

static bool
is_number(const char *id)
{
	return id[0] != '\0' && id[strspn(id, "0123456789")] == '\0';
}

void
forget_negative(struct resolver *r, enum kind kind, const char *id, bool quiet)
{
	enum publish_kind pk = kind == KIND_USER ? PUBLISH_USER : PUBLISH_GROUP;
	int64_t until = resolver_boot_s(r);
	struct uuid uuid;

	until += resolver_ttl(r) < NEGATIVE_TTL_S ? resolver_ttl(r) : NEGATIVE_TTL_S;
	negative_add(&r->negative, kind, id, until);
	if (quiet || r->ports.publish == NULL || uuid_parse(id, strlen(id), &uuid) == 0)
		return;
	if (is_number(id))
		publish_negative(r->ports.publish, pk, NULL,
		    (uint32_t)strtoul(id, NULL, 10), (uint32_t)until);
	else
		publish_negative(r->ports.publish, pk, id, 0, (uint32_t)until);
}

static void
tell_forgotten(struct resolver *r, const struct uuid *uuid)
{
	if (r->forgotten != NULL)
		r->forgotten(r->forgotten_arg, uuid);
}

static void
user_is_gone(struct resolver *r, struct cache_user *cu)
{
	struct idrow *row = idtable_find(&r->ids, &cu->u->uuid);

	log_info("user: %s is gone from the server", cu->u->spn);
	/* It waits for nothing any more; the number stays known. */
	if (row != NULL && idrow_is_pending(row)) {
		idtable_set(&r->ids, &row->uuid, row->id, row->id);
		store_put_id(r->ports.store, &row->uuid, row->id, row->id);
	}
	members_drop(r, cu->u->spn);
	tell_forgotten(r, &cu->u->uuid);
	forget_user(r, cu);
}

static void
group_is_gone(struct resolver *r, struct cache_group *cg)
{
	struct cache_user *cu;
	size_t pos = 0;

	log_info("group: %s is gone from the server", cg->g->spn);
	while ((cu = cache_carrier(&r->cache, cg, &pos)) != NULL) {
		cu->t.soft_at = resolver_boot_s(r);
		show_user_stale(r, cu);
		fetch_user_behind(r, cu);
	}
	forget_group(r, cg);
}

/* The 404 is true. */
static void
believe(struct resolver *r, struct flight *f)
{
	struct cache_user *cu = NULL;
	struct cache_group *cg = NULL;
	struct uuid uuid;

	if (f->of_record && f->kind == KIND_USER)
		cu = cache_user_by_uuid(&r->cache, &f->uuid);
	else if (f->of_record)
		cg = cache_group_by_uuid(&r->cache, &f->uuid);
	if (cu != NULL)
		user_is_gone(r, cu);
	else if (cg != NULL)
		group_is_gone(r, cg);
	if (!f->of_record) {
		forget_negative(r, f->kind, f->id, f->quiet);
		/* Whoever lost the name to somebody else is asked for by UUID. */
		if (f->kind == KIND_USER && uuid_parse(f->id, strlen(f->id), &uuid) == 0)
			tell_forgotten(r, &uuid);
		if (f->kind == KIND_USER && !is_number(f->id))
			members_leave_out(r, f->id);
	}
	resolver_status_changed(r);
	fetch_land(r, f, LANDED);
}

/* Nobody waits for what is fetched ahead, and it would hear "not found" of everybody. */
static bool
needs_proof(const struct flight *f)
{
	return f->of_record || (f->ahead && list_is_empty(&f->waiters));
}

void
forget_judge(struct resolver *r, struct flight *f)
{
	if (!needs_proof(f) && r->rights_at != 0 &&
	    r->ts->now.mono_ns - r->rights_at <= PROOF_STRANGER) {
		believe(r, f);
		return;
	}
	flight_judge(&r->flights, f);
	f->proof = linkctl_proof(r);
}

void
forget_verdict(struct resolver *r, bool proven)
{
	struct list judged, *it, *tmp;
	bool more = false;

	list_init(&judged);
	list_for_each_safe(it, tmp, &r->flights.judged) {
		struct flight *f = container_of(it, struct flight, place);

		/* Heard while that probe was out already: it may have passed just before. */
		if (proven && needs_proof(f) && (int)(f->proof - r->n_probes) > 0) {
			more = true;
			continue;
		}
		list_remove(it);
		list_append(&judged, it);
	}
	while (!list_is_empty(&judged)) {
		struct flight *f = container_of(judged.next, struct flight, place);

		if (proven)
			believe(r, f);
		else
			fetch_land(r, f, LANDED_NOT);
	}
	if (more)
		(void)linkctl_proof(r);
}
