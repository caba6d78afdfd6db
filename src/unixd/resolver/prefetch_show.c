/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What `kanidm-unix status` says of fetching ahead. Counted when it is asked for: a number
 * that is kept up to date by everything that changes is the one that is wrong.
 */
#include <inttypes.h>
#include <stdio.h>

#include "src/unixd/resolver/internal.h"

static void
describe_next(const struct resolver *r, char *buf, size_t cap)
{
	const struct prefetch *p = &r->prefetch;
	int64_t now = r->ts->now.mono_ns, at = p->person_at;
	int64_t due;

	if (!link_is_online(&r->link)) {
		(void)snprintf(buf, cap, "waits for the server");
		return;
	}
	if (p->pause_until > now) {
		(void)snprintf(buf, cap,
		    "stopped after %u failures, next try in %" PRIi64 " s", p->failures,
		    (p->pause_until - now + CLOCK_S - 1) / CLOCK_S);
		return;
	}
	if (p->n_items == 0) {
		(void)snprintf(buf, cap, "nobody to fetch so far");
		return;
	}
	if (p->next >= p->n_queue && p->next_due != INT32_MAX) {
		due = now + (p->next_due - (int64_t)resolver_boot_s(r)) * CLOCK_S;
		at = due > at ? due : at;
	}
	at = at > now ? (at - now + CLOCK_S - 1) / CLOCK_S : 0;
	(void)snprintf(buf, cap, "next in %" PRIi64 " s", at);
}

void
prefetch_describe(const struct resolver *r, char *buf, size_t cap)
{
	const struct prefetch *p = &r->prefetch;
	size_t known = 0, people = 0, i;
	char next[128];
	int32_t due;

	if (p->n_groups == 0) {
		(void)snprintf(buf, cap, "off");
		return;
	}
	for (i = 0; i < p->n_items; i++) {
		enum prefetch_person what = prefetch_person(r, &p->items[i], &due);

		people += what != PREFETCH_NOT;
		known += what == PREFETCH_KNOWN;
	}
	describe_next(r, next, sizeof(next));
	(void)snprintf(buf, cap, "%zu of %zu people, %s", known, people, next);
}

bool
prefetch_describe_group(const struct resolver *r, size_t i, char *buf, size_t cap)
{
	const struct prefetch_group *g = &r->prefetch.groups[i];
	const struct cache_group *cg;

	if (i >= r->prefetch.n_groups)
		return false;
	cg = cache_group_find(&r->cache, &g->name);
	if (cg == NULL)
		(void)snprintf(buf, cap, "%s: %s", g->name.text,
		    g->absent ? "not on the server" : "not asked for yet");
	else if (!cg->has_list)
		(void)snprintf(buf, cap, "%s: members not known", g->name.text);
	else if (g->too_large)
		(void)snprintf(buf, cap,
		    "%s: too large (%" PRIu32 " members, prefetch_max %u): names only",
		    g->name.text, cg->n_listed, r->prefetch.max);
	else
		(void)snprintf(buf, cap, "%s: %" PRIu32 " members", g->name.text,
		    cg->n_listed);
	return true;
}
