/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `kanidm-unix explain NAME`: everything this daemon knows and thinks about one name, in
 * sentences. Nothing is fetched: it tells what a lookup would find.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/resolver/internal.h"

struct out {
	resolver_line_fn fn;
	void *arg;
};

static void printf_(2, 3) line(const struct out *o, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	o->fn(o->arg, text);
}

static const char *
age_text(const struct resolver *r, const struct cache_times *t)
{
	int32_t now = resolver_boot_s(r);

	if (now < t->soft_at)
		return "fresh";
	return now < t->hard_at ? "due for a refresh"
				: "stale, served while the server is away";
}

static void
line_source(const struct resolver *r, const struct out *o, const struct cache_times *t)
{
	line(o, "from: cache, told by the server %" PRIi32 " s ago (%s)",
	    resolver_boot_s(r) - t->fetched, age_text(r, t));
}

static void
line_server(const struct resolver *r, const struct out *o)
{
	if (link_is_online(&r->link))
		line(o, "server: online");
	else
		line(o, "server: offline: %s", idp_reason_text(r->link.reason));
}

static void
line_override(const struct out *o, bool overridden, bool local)
{
	if (overridden && local)
		line(o,
		    "override: listed in allow_local_account_override, over a local entry; "
		    "no effect for lookups while `files` or `compat` stands before `kanidm` "
		    "in nsswitch.conf");
	else if (overridden)
		line(o,
		    "override: listed in allow_local_account_override; there is no local "
		    "entry of that name");
}

static void
lines_groups(struct resolver *r, const struct out *o, const struct cache_user *cu)
{
	uint32_t i;

	for (i = 0; i < cu->u->n_groups && i < 256; i++) {
		const struct groupid *g = cu->u->groups[i];
		const struct cache_group *cg = cache_group_by_uuid(&r->cache, &g->uuid);
		enum verdict v;

		if (cache_is_private(cu->u, g))
			continue;
		if (cg == NULL) {
			line(o,
			    "group: %s gid=%" PRIu32 " (gone since, being asked about)",
			    g->spn, g->gid);
			continue;
		}
		v = view_judge_group(r, cg);
		if (v == VERDICT_SHOWN)
			line(o, "group: %s gid=%" PRIu32,
			    view_group_name(r, cg->g->name, cg->g->spn), cg->g->gid);
		else
			line(o, "group: %s gid=%" PRIu32 " left out: %s", cg->g->spn,
			    cg->g->gid, verdict_text(v));
	}
}

static void
line_mapped_gid(void *arg, uint32_t gid)
{
	line(arg, "group: local gid=%" PRIu32 " by map_group", gid);
}

static void
lines_id(const struct resolver *r, const struct out *o, const struct cache_user *cu)
{
	const struct idrow *row = idtable_find(&r->ids, &cu->u->uuid);

	if (row != NULL && idrow_is_pending(row))
		line(o,
		    "uid: %" PRIu32 " is kept; the server says %" PRIu32
		    " now, root may accept it: kanidm-unix accept-id %s",
		    row->id, row->pending, cache_user_key(cu));
}

static void
lines_user(struct resolver *r, const struct out *o, const struct cache_user *cu)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	enum verdict v = view_judge_user(r, cu);
	const struct user *u = cu->u;
	char uuid[UUID_TEXT_LEN + 1];
	enum shell_verdict sv;

	uuid_format(&u->uuid, uuid);
	line(o, "user: %s uuid=%s uid=%" PRIu32, u->spn, uuid, cu->uid);
	line_source(r, o, &cu->t);
	if (v != VERDICT_SHOWN)
		line(o, "left out: %s", verdict_text(v));
	line_override(o, view_is_overridden_user(r, cu),
	    local_has_user(r->ports.local, cache_user_key(cu)));
	lines_id(r, o, cu);
	view_passwd(r, cu, &b);
	line(o, "passwd: %s:x:%" PRIu32 ":%" PRIu32 ":%s:%s:%s", b.pw.name, b.pw.uid,
	    b.pw.gid, b.pw.gecos, b.pw.dir, b.pw.shell);
	line(o, "name: as shown, and to be typed at sshd: %s%s", b.pw.name,
	    cu->foreign ? " (of another domain: always by SPN)" : "");
	lines_groups(r, o, cu);
	mapgroup_gids(r, u, line_mapped_gid, (void *)(uintptr_t)o);
	line(o, "validity: %s",
	    u->valid ? "valid" : "not valid now (expired or not yet begun)");
	sv = shells_judge(&r->shells, u->shell, clock_boot_s(&r->ts->now));
	line(o, "shell: %s: %s%s%s%s", b.pw.shell, shell_verdict_text(sv),
	    shell_is_taken(sv) || u->shell == NULL ? "" : " (",
	    shell_is_taken(sv) || u->shell == NULL ? "" : u->shell,
	    shell_is_taken(sv) || u->shell == NULL ? "" : ")");
	line(o, "home: %s", b.pw.dir);
	if (former_is_others(&r->former, cache_user_key(cu), cu->uid, resolver_boot_s(r)))
		line(o,
		    "name: was another account's until lately: nobody logs in by it for up to "
		    "%d s",
		    FORMER_S);
	if (v == VERDICT_SHOWN && !view_is_overridden_user(r, cu))
		line(o, "local: %s",
		    local_has_gid(r->ports.local, cu->uid)
			? "the group of this host with this name and number is this person's own"
			: "no account or group of this host has this name or number");
}

static void
lines_group(struct resolver *r, const struct out *o, const struct cache_group *cg)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	enum verdict v = view_judge_group(r, cg);
	char uuid[UUID_TEXT_LEN + 1];

	uuid_format(&cg->g->uuid, uuid);
	line(o, "group: %s uuid=%s gid=%" PRIu32, cg->g->spn, uuid, cg->g->gid);
	line_source(r, o, &cg->t);
	if (v != VERDICT_SHOWN)
		line(o, "left out: %s", verdict_text(v));
	line_override(o, view_is_overridden_group(r, cg),
	    local_has_group(r->ports.local,
		cache_key(&r->cache, cg->g->name, cg->g->spn)));
	view_group(r, cg, &b);
	if (cg->members_at == CACHE_NEVER)
		line(o,
		    "members: %zu of those looked up here; the whole list is asked for at "
		    "the next lookup of the group",
		    b.gr.n_members);
	else
		line(o, "members: %zu", b.gr.n_members);
}

static void
lines_local(struct resolver *r, const struct out *o, const struct name *key)
{
	const struct subject s = { key->text, key->text, NULL };
	bool overridden = filter_is_overridden(&r->filter, &s);
	struct name with;
	size_t i = 0;

	if (local_has_user(r->ports.local, key->text))
		line(o, "local: there is a local user of this name%s",
		    overridden ? "" : "; it wins, the server is not asked");
	if (!local_has_group(r->ports.local, key->text))
		return;
	line(o, "local: there is a local group of this name%s",
	    overridden ? "" : "; it wins, the server is not asked");
	while (mapgroup_with(r, key->text, &i, &with))
		line(o, "map_group: the people of %s belong to it%s", with.text,
		    cache_group_find(&r->cache, &with) == NULL ? " (not known yet)" : "");
}

static void
lines_unknown(struct resolver *r, const struct out *o, const struct name *key)
{
	int32_t now = resolver_boot_s(r);

	if (negative_is_fresh(&r->negative, KIND_USER, key->text, now))
		line(o,
		    "user: the server said within the last minute that there is none");
	else
		line(o, "user: not known here");
	if (negative_is_fresh(&r->negative, KIND_GROUP, key->text, now))
		line(o,
		    "group: the server said within the last minute that there is none");
	else
		line(o, "group: not known here");
}

/* ---- in one word ---- */

static void
person_standing(struct resolver *r, const struct cache_user *cu, struct standing *st)
{
	cleanup_(view_buf_done) struct view_buf b = { 0 };
	enum verdict v = view_judge_user(r, cu);

	if (v != VERDICT_SHOWN) {
		st->kind = STANDING_LEFT_OUT;
		st->why = verdict_text(v);
		return;
	}
	st->kind = STANDING_PERSON;
	if (former_is_others(&r->former, cache_user_key(cu), cu->uid, resolver_boot_s(r)))
		st->kind = STANDING_FORMER;
	view_passwd(r, cu, &b);
	(void)snprintf(st->shell, sizeof(st->shell), "%s", b.pw.shell);
	st->shell_absent = !shell_is_taken(
	    shells_judge(&r->shells, b.pw.shell, clock_boot_s(&r->ts->now)));
}

void
resolver_standing(struct resolver *r, const struct name *name,
    struct standing *ret_standing)
{
	const struct cache_user *cu = cache_user_find(&r->cache, name);
	struct name key = *name;
	struct subject s;

	*ret_standing = (struct standing){ .kind = STANDING_UNKNOWN };
	if (!link_is_online(&r->link))
		ret_standing->away = idp_reason_text(r->link.reason);
	if (key.kind != NAME_UUID)
		name_strip_domain(&key, r->cache.own_domain);
	s = (struct subject){ key.text, key.text, NULL };
	if (key.kind != NAME_UUID && local_has_user(r->ports.local, key.text) &&
	    !(cu != NULL ? view_is_overridden_user(r, cu)
			 : filter_is_overridden(&r->filter, &s)))
		ret_standing->kind = STANDING_LOCAL;
	else if (cu != NULL)
		person_standing(r, cu, ret_standing);
	else if (cache_group_find(&r->cache, name) != NULL ||
	    local_has_group(r->ports.local, key.text))
		ret_standing->kind = STANDING_GROUP;
	else if (negative_is_fresh(&r->negative, KIND_USER, key.text, resolver_boot_s(r)))
		ret_standing->kind = STANDING_NOBODY;
}

/* ---- in all lines ---- */

void
resolver_explain(struct resolver *r, const struct name *name, resolver_line_fn fn,
    void *arg)
{
	const struct out o = { fn, arg };
	const struct cache_user *cu = cache_user_find(&r->cache, name);
	const struct cache_group *cg = cache_group_find(&r->cache, name);
	struct name key = *name;

	if (key.kind != NAME_UUID)
		name_strip_domain(&key, r->cache.own_domain);
	line(&o, "asked: %s", key.text);
	line_server(r, &o);
	lines_local(r, &o, &key);
	if (cu != NULL)
		lines_user(r, &o, cu);
	if (cg != NULL)
		lines_group(r, &o, cg);
	if (cu == NULL && cg == NULL)
		lines_unknown(r, &o, &key);
}
