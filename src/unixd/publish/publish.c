/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What may be seen by every process of the host without asking us, and since when.
 * Entries are kept by entries.c, generations made by build.c; this is what comes in.
 */
#include "src/unixd/publish/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/ids.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/publish/state.h"

static uint32_t
boot_now(const struct publish *p)
{
	return (uint32_t)clock_boot_s(&p->ts->now);
}

/* Readers take a time further ahead for one from another clock. */
static uint32_t
clamp(const struct publish *p, uint32_t until)
{
	uint32_t most = boot_now(p) + p->max_ttl;

	return until > most ? most : until;
}

void
publish_user(struct publish *p, const struct passwd_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until)
{
	record_keys(&p->keys, keys, n_keys, p->domain);
	if (v->uid < IDS_FIRST || v->gid < IDS_FIRST ||
	    !record_user(&p->rec, v, &p->keys)) {
		log_warn("map: left out a user that does not fit uid=%u", v->uid);
		entries_drop(p, KU_MAP_USER, v->uid);
		return;
	}
	entries_publish(p, clamp(p, fresh_until));
}

void
publish_group(struct publish *p, const struct group_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until)
{
	record_keys(&p->keys, keys, n_keys, p->domain);
	if (!record_group(&p->rec, v, &p->keys)) {
		log_warn("map: left out a group that does not fit gid=%u", v->gid);
		entries_drop(p, KU_MAP_GROUP, v->gid);
		return;
	}
	entries_publish(p, clamp(p, fresh_until));
}

void
publish_touch(struct publish *p, enum publish_kind kind, uint32_t id,
    uint32_t fresh_until)
{
	entries_touch(p, map_kind(kind), id, clamp(p, fresh_until));
}

void
publish_all_stale(struct publish *p)
{
	entries_all_stale(p);
}

void
publish_remove(struct publish *p, enum publish_kind kind, uint32_t id)
{
	entries_drop(p, map_kind(kind), id);
	if (p->cur.base != NULL && gen_is_crowded(&p->cur))
		build_want(p, false);
}

void
publish_withdraw(struct publish *p, struct gen *g)
{
	if (g->base == NULL)
		return;
	gen_store(g, 0, KU_MAP_H_STATE, KU_MAP_WITHDRAWN);
	let_go(&p->let_go, g);
}

void
publish_clear(struct publish *p)
{
	struct gen old = p->cur;

	build_abort(p);
	p->cur = (struct gen){ 0 };
	entries_clear(p);
	/* Renamed over first: who looks for something newer finds it at any moment. */
	if (old.base == NULL || build_now(p) != 0) {
		publish_withdraw(p, &p->prev);
		(void)unlink(p->path);
		/* The first one, which may have been half written. */
		p->wanted = true;
		build_restart(p);
	}
	publish_withdraw(p, &old);
}

/* The name as the map's keys have it. NULL: it is none, and nothing is said about it. */
static const char *
canonical(const struct publish *p, const char *text, struct name *name)
{
	if (name_parse(text, strlen(text), name) != 0 || name->kind == NAME_UUID)
		return NULL;
	name_strip_domain(name, p->domain);
	return name->text;
}

static bool
is_published(const struct publish *p, enum ku_map_kind kind, const char *name,
    uint32_t id)
{
	if (name == NULL)
		return entries_find(p, kind, id) != NULL;
	return p->cur.base != NULL &&
	    gen_find_key(&p->cur, kind, name, strlen(name)) != 0;
}

void
publish_negative(struct publish *p, enum publish_kind kind, const char *name, uint32_t id,
    uint32_t until)
{
	enum ku_map_kind k = map_kind(kind);
	struct negative *n;
	struct name parsed;

	if (name != NULL) {
		id = 0;
		name = canonical(p, name, &parsed);
		if (name == NULL)
			return;
	}
	until = clamp(p, until);
	if (until <= boot_now(p) || is_published(p, k, name, id))
		return;
	n = negatives_find(&p->negatives, k, name, id);
	if (n == NULL) {
		n = negatives_place(&p->negatives);
		if (n->tag != 0)
			entries_drop_negative(p, n->kind, n->name, n->id);
		negatives_set(&p->negatives, n, k, name, id, until);
	}
	n->until = until;
	(void)gen_put_negative(&p->cur, k, name, id, until);
	if (p->build.phase > BUILD_NEGATIVES)
		(void)gen_put_negative(&p->build.next, k, name, id, until);
	if (p->cur.base != NULL && gen_is_crowded(&p->cur))
		build_want(p, false);
}

void
publish_negatives_clear(struct publish *p)
{
	for (size_t i = 0; i < NEGATIVE_MAX; i++) {
		const struct negative *n = &p->negatives.v[i];

		if (n->tag != 0)
			entries_drop_negative(p, n->kind, n->name, n->id);
	}
}

static void
store_ident(struct gen *g, unsigned word, const struct local_ident *ident)
{
	const uint64_t v[] = { ident->dev, ident->ino, ident->size,
		(uint64_t)ident->mtime_ns };

	for (unsigned i = 0; i < KU_MAP_IDENT_WORDS; i++)
		gen_store(g, 0, word + i, (uint32_t)(v[i / 2] >> (i % 2 * 32)));
}

void
publish_store_idents(struct publish *p, struct gen *g)
{
	store_ident(g, KU_MAP_H_IDENT, &p->local.passwd);
	store_ident(g, KU_MAP_H_IDENT + KU_MAP_IDENT_WORDS, &p->local.group);
}

void
publish_local(struct publish *p, const struct local *l, const char *const *except)
{
	struct local_set old = p->local;

	local_set_fill(&p->local, l, except);
	if (!local_set_equal(&old, &p->local) && !local_apply(p, &old)) {
		p->local_is_newer = true;
		build_want(p, true);
	}
	local_set_clear(&old);
	if (p->cur.base != NULL && !p->local_is_newer)
		publish_store_idents(p, &p->cur);
}

void
publish_header(struct publish *p, struct gen *g)
{
	size_t len = strlen(p->domain);

	gen_store(g, 0, KU_MAP_H_GENERATION, p->generation);
	gen_store(g, 0, KU_MAP_H_MAX_TTL, p->max_ttl);
	gen_store(g, 0, KU_MAP_H_OFFLINE, p->offline_limit);
	if (len > NAME_MAX_DOMAIN)
		len = 0;
	gen_store(g, 0, KU_MAP_H_DOMAIN_LEN, (uint32_t)len);
	memcpy(g->base + (size_t)KU_MAP_H_DOMAIN * 4, p->domain, len);
	publish_store_idents(p, g);
	gen_store(g, 0, KU_MAP_H_LEASE,
	    p->lease != 0 ? p->lease : boot_now(p) + KU_MAP_LEASE);
	gen_store(g, 0, KU_MAP_H_FLOOR, p->floor);
}

/* Somebody removed the file, or put another one there: processes that start now find
 * nothing. */
static bool
path_is_ours(const struct publish *p)
{
	struct stat st;

	return lstat(p->path, &st) == 0 && (uint64_t)st.st_dev == p->cur.dev &&
	    (uint64_t)st.st_ino == p->cur.ino;
}

void
publish_lease(struct publish *p, uint32_t now, uint32_t floor)
{
	p->lease = now + KU_MAP_LEASE;
	p->floor = floor > now + p->max_ttl ? now + p->max_ttl : floor;
	for (size_t i = 0; i < NEGATIVE_MAX; i++)
		if (p->negatives.v[i].tag != 0 && p->negatives.v[i].until <= now)
			entries_drop_negative(p, p->negatives.v[i].kind,
			    p->negatives.v[i].name, p->negatives.v[i].id);
	entries_forget_recent(p);
	if (p->cur.base == NULL)
		return;
	gen_store(&p->cur, 0, KU_MAP_H_LEASE, p->lease);
	gen_store(&p->cur, 0, KU_MAP_H_FLOOR, p->floor);
	/* Taken back from outside (removal of the package): it stays away. */
	if (gen_load(&p->cur, 0, KU_MAP_H_STATE) == KU_MAP_LIVE && !path_is_ours(p))
		build_want(p, false);
}

int
publish_commit(struct publish *p)
{
	p->begun = true;
	if (p->cur.base == NULL)
		entries_flush_groups(p, true);
	if (p->cur.base != NULL && p->build.phase == BUILD_IDLE && !p->wanted)
		return 0;
	if (p->build.phase == BUILD_IDLE && !build_is_due(p))
		return p->failed;
	return build_now(p);
}

void
publish_put_off(struct publish *p)
{
	publish_withdraw(p, &p->prev);
}

void
publish_begin(struct publish *p)
{
	p->begun = true;
	p->wanted = true;
	build_restart(p);
}

static void
set_settings(struct publish *p, const struct publish_settings *s)
{
	free(p->domain);
	p->domain = xstrdup(s->own_domain != NULL ? s->own_domain : "");
	p->offline_limit = s->offline_limit_s;
	p->max_ttl = s->max_ttl_s > 0 ? s->max_ttl_s : 1;
}

struct publish *
publish_new(struct timers *ts, const struct publish_settings *s)
{
	struct publish *p = xcalloc(1, sizeof(*p));

	p->ts = ts;
	p->path = xstrdup(s->path);
	p->tmp = xasprintf("%s" GEN_TMP_SUFFIX, s->path);
	set_settings(p, s);
	negatives_init(&p->negatives);
	list_init(&p->pending);
	timer_init(&p->build_timer, build_timer_fired);
	timer_init(&p->group_timer, entries_timer_fired);
	p->build.file.fd = -1;
	(void)unlink(p->tmp);
	if (gen_file_adopt(&p->prev, p->path) == 0)
		p->generation = gen_load(&p->prev, 0, KU_MAP_H_GENERATION);
	else
		(void)!getrandom(&p->generation, sizeof(p->generation), 0);
	return p;
}

void
publish_use_loop(struct publish *p, struct loop *l)
{
	p->let_go.loop = l;
}

void
publish_end_lease(struct publish *p)
{
	/* Readers need not wait for the lease to run out to look for who comes after us. */
	if (p->cur.base != NULL)
		gen_store(&p->cur, 0, KU_MAP_H_LEASE, boot_now(p));
}

struct publish *
publish_free(struct publish *p)
{
	if (p == NULL)
		return NULL;
	build_abort(p);
	timers_unset(p->ts, &p->build_timer);
	timers_unset(p->ts, &p->group_timer);
	entries_clear(p);
	publish_end_lease(p);
	gen_file_unmap(&p->cur);
	gen_file_unmap(&p->prev);
	let_go_deinit(&p->let_go);
	local_set_clear(&p->local);
	record_buf_free(&p->rec);
	record_buf_free(&p->keys);
	record_buf_free(&p->again);
	free(p->path);
	free(p->tmp);
	free(p->domain);
	free(p);
	return NULL;
}

void
publish_reconfigure(struct publish *p, const struct publish_settings *s)
{
	uint32_t max_ttl = p->max_ttl, offline_limit = p->offline_limit;
	char *domain = xstrdup(p->domain);
	bool same;

	set_settings(p, s);
	same = strcmp(domain, p->domain) == 0 && max_ttl == p->max_ttl &&
	    offline_limit == p->offline_limit;
	free(domain);
	if (same)
		return;
	build_abort(p);
	p->wanted = false;
	build_want(p, true);
}

const char *
publish_trouble(const struct publish *p)
{
	return p->trouble[0] != '\0' ? p->trouble : NULL;
}

void
publish_stats(const struct publish *p, struct publish_stats *ret)
{
	*ret = (struct publish_stats){ .users = p->n[0],
		.groups = p->n[1],
		.negatives = p->negatives.n,
		.bytes = p->cur.base != NULL ? p->cur.len : 0,
		.generations = p->generations,
		.generations_hour = rate_sum(&p->rate, p->ts->now.mono_ns / MINUTE_NS) };
}
