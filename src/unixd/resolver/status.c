/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What `kanidm-unix status` and systemctl show. The first two pairs are the reference's
 * lines, which scripts read; the rest is for people who want to know why.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"
#include "src/unixd/store/store.h"

/* Nearer than that is near enough for certificates, validity and tokens. */
#define CLOCK_SLACK_S 300

struct out {
	resolver_pair_fn fn;
	void *arg;
};

static void printf_(3, 4) pair(const struct out *o, const char *key, const char *fmt, ...)
{
	char value[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	o->fn(o->arg, key, value);
}

static int64_t
next_try_s(const struct resolver *r)
{
	int64_t left = r->link.next_try - r->ts->now.mono_ns;

	return left > 0 ? (left + CLOCK_S - 1) / CLOCK_S : 0;
}

static void
pairs_link(const struct resolver *r, const struct out *o)
{
	const struct link *l = &r->link;

	o->fn(o->arg, "system", "online");
	o->fn(o->arg, "Kanidm", link_is_online(l) ? "online" : "offline");
	if (l->state == LINK_STARTING)
		o->fn(o->arg, "reason", "first contact is under way");
	else if (l->state != LINK_ONLINE)
		pair(o, "reason", "%s", idp_reason_text(l->reason));
	if (l->state != LINK_ONLINE && l->detail[0] != '\0')
		pair(o, "detail", "%s", l->detail);
	if (l->state == LINK_OFFLINE && l->probing)
		o->fn(o->arg, "next_try", "now");
	else if (l->state == LINK_OFFLINE)
		pair(o, "next_try", "%" PRIi64 " s", next_try_s(r));
	if (l->state == LINK_ONLINE && r->fault != IDP_OK)
		pair(o, "last_fault", "%s%s%s", idp_reason_text(r->fault),
		    r->fault_detail[0] != '\0' ? ": " : "", r->fault_detail);
}

static void
pairs_certificate(const struct resolver *r, const struct out *o,
    const struct idp_identity *id)
{
	const int64_t now = r->ts->now.wall_ns / CLOCK_S;
	int64_t left = id->cert_not_after - now;
	int64_t life = id->cert_not_after - id->cert_not_before;
	const char *warning = "";
	char when[32];
	struct tm tm;
	time_t t = (time_t)id->cert_not_after;

	if (id->cert_issuer[0] != '\0')
		pair(o, "cert_issuer", "%s", id->cert_issuer);
	if (id->cert_not_after == 0 || gmtime_r(&t, &tm) == NULL)
		return;
	(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (left <= 0)
		warning = " (expired)";
	else if (id->cert_not_before != 0 && life > 0 && left < life / 10)
		warning = " (expires soon: renew it)";
	pair(o, "cert_not_after", "%s%s", when, warning);
}

/* Only while there are answers: what an old one said may have been set right since. */
static void
pairs_clock(const struct resolver *r, const struct out *o, const struct idp_identity *id)
{
	const int64_t ahead = id->ahead_s;

	if (r->link.state != LINK_ONLINE ||
	    (ahead < CLOCK_SLACK_S && ahead > -CLOCK_SLACK_S))
		return;
	pair(o, "clock", "%" PRIi64 " s %s the server's", ahead < 0 ? -ahead : ahead,
	    ahead < 0 ? "behind" : "ahead of");
}

static void
pairs_server(const struct resolver *r, const struct out *o)
{
	const struct idp_identity *id = idp_identity(r->ports.idp);

	if (id->spn[0] != '\0')
		pair(o, "identity", "%s%s", id->spn, id->token_mode ? " (token)" : "");
	if (r->cache.own_domain[0] != '\0')
		pair(o, "domain", "%s", r->cache.own_domain);
	if (id->server_version[0] != '\0')
		pair(o, "server_version", "%s", id->server_version);
	pair(o, "client_version", "%s", KU_VERSION);
	pair(o, "uri", "%s", r->config->uri != NULL ? r->config->uri : "not configured");
	pairs_certificate(r, o, id);
	pairs_clock(r, o, id);
}

struct left_out {
	size_t n;
	const char *spn; /* of one of them, to ask explain about */
};

static void
note_left_out(struct left_out *l, const char *spn)
{
	l->n++;
	l->spn = spn;
}

static void
count_left_out(const struct resolver *r, struct left_out count[VERDICT_MAX])
{
	struct cache_user *cu;
	struct cache_group *cg;
	size_t pos;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL;
	     cu = cache_user_any_next(&r->cache, cu, &pos))
		note_left_out(&count[view_judge_user(r, cu)], cu->u->spn);
	for (cg = cache_group_any(&r->cache, &pos); cg != NULL;
	     cg = cache_group_any_next(&r->cache, cg, &pos))
		note_left_out(&count[view_judge_group(r, cg)], cg->g->spn);
}

static void
pairs_left_out(const struct resolver *r, const struct out *o)
{
	struct left_out count[VERDICT_MAX] = { 0 };
	char text[960] = "";
	size_t total = 0, len = 0;
	int i;

	count_left_out(r, count);
	for (i = VERDICT_SHOWN + 1; i < VERDICT_MAX; i++) {
		total += count[i].n;
		if (count[i].n == 0 || len >= sizeof(text) / 2)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s %zu: %.255s%s", len > 0 ? ", " : "",
		    verdict_key((enum verdict)i), count[i].n, count[i].spn,
		    count[i].n > 1 ? " and more" : "");
	}
	if (total > 0)
		pair(o, "left_out", "%zu (%s)", total, text);
	else
		o->fn(o->arg, "left_out", "0");
}

/* Who waits for accept-id, by name as long as the line is short. */
static void
pairs_pending(const struct resolver *r, const struct out *o)
{
	char text[512] = "";
	struct cache_user *cu;
	size_t pos, len = 0;

	for (cu = cache_user_any(&r->cache, &pos); cu != NULL && r->ids.n_pending > 0;
	     cu = cache_user_any_next(&r->cache, cu, &pos)) {
		const struct idrow *row = idtable_find(&r->ids, &cu->u->uuid);

		if (row == NULL || !idrow_is_pending(row) || len >= sizeof(text) / 2)
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s %" PRIu32 " -> %" PRIu32, len > 0 ? ", " : "",
		    cache_user_key(cu), row->id, row->pending);
	}
	if (len > 0)
		pair(o, "ids_pending", "%zu (%s)", r->ids.n_pending, text);
	else
		pair(o, "ids_pending", "%zu", r->ids.n_pending);
}

static void
pairs_map(const struct resolver *r, const struct out *o)
{
	struct publish_stats st = { 0 };
	const char *trouble;

	if (r->ports.publish == NULL) {
		o->fn(o->arg, "map", "off");
		return;
	}
	publish_stats(r->ports.publish, &st);
	trouble = publish_trouble(r->ports.publish);
	pair(o, "map", "%s%s%zu users, %zu groups, %zu bytes",
	    r->ports.publish_settings != NULL ? r->ports.publish_settings->path : "",
	    r->ports.publish_settings != NULL ? ": " : "", st.users, st.groups, st.bytes);
	pair(o, "map_generations", "%zu", st.generations);
	pair(o, "map_generations_hour", "%zu", st.generations_hour);
	if (trouble != NULL)
		pair(o, "map_trouble", "%s", trouble);
}

static void
pairs_local(const struct resolver *r, const struct out *o)
{
	const struct local *l = r->ports.local;
	bool passwd = local_passwd_visible(l), group = local_group_visible(l);

	if (passwd && group)
		o->fn(o->arg, "local_visible", "yes");
	else
		pair(o, "local_visible", "no: local accounts not visible (%s)",
		    passwd      ? "group"
			: group ? "passwd"
				: "passwd and group");
	if (local_is_frozen(l))
		o->fn(o->arg, "local_frozen",
		    "the unit shows a frozen /etc/passwd: bind the directory or restart after "
		    "useradd");
}

static void
pairs_map_group(const struct resolver *r, const struct out *o)
{
	const struct config *c = r->config;
	struct local_group lg;
	struct name with;
	size_t i;

	for (i = 0; i < c->n_map_group; i++) {
		const struct config_map_group *m = &c->map_group[i];
		const char *state = "works";

		if (!local_get_group(r->ports.local, m->local, &lg))
			state = "no such local group";
		else if (name_parse(m->with, strlen(m->with), &with) != 0)
			state = "not a possible name";
		else if (cache_group_find(&r->cache, &with) == NULL)
			state = "not known yet";
		pair(o, "map_group", "%s <- %s: %s", m->local, m->with, state);
	}
}

static void
pairs_prefetch(const struct resolver *r, const struct out *o)
{
	char text[512];
	size_t i;

	prefetch_describe(r, text, sizeof(text));
	o->fn(o->arg, "prefetch", text);
	for (i = 0; prefetch_describe_group(r, i, text, sizeof(text)); i++)
		o->fn(o->arg, "prefetch_group", text);
}

void
resolver_status(const struct resolver *r, resolver_pair_fn fn, void *arg)
{
	const struct out o = { fn, arg };
	const char *trouble = store_trouble(r->ports.store);

	pairs_link(r, &o);
	pairs_server(r, &o);
	pair(&o, "users", "%zu", cache_n_users(&r->cache));
	pair(&o, "groups", "%zu", cache_n_groups(&r->cache));
	pair(&o, "negatives", "%zu", r->negative.n);
	pairs_pending(r, &o);
	pairs_left_out(r, &o);
	pairs_map(r, &o);
	if (trouble != NULL)
		pair(&o, "store_trouble", "%s", trouble);
	pairs_local(r, &o);
	pairs_map_group(r, &o);
	pairs_prefetch(r, &o);
}

void
resolver_status_line(const struct resolver *r, char *buf, size_t cap)
{
	const struct link *l = &r->link;
	size_t n = cache_n_users(&r->cache);

	if (link_is_online(l))
		(void)snprintf(buf, cap, "online %s · %zu user%s",
		    r->config->uri != NULL ? r->config->uri : "", n, n == 1 ? "" : "s");
	else if (l->state == LINK_STARTING)
		(void)snprintf(buf, cap, "looking for %s · %zu user%s",
		    r->config->uri != NULL ? r->config->uri : "a server", n,
		    n == 1 ? "" : "s");
	else if (l->reason == IDP_NO_URI)
		(void)snprintf(buf, cap, "offline: %s", idp_reason_text(l->reason));
	else
		(void)snprintf(buf, cap, "offline: %s, next try in %" PRIi64 " s",
		    idp_reason_text(l->reason), next_try_s(r));
}
