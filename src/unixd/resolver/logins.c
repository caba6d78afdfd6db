/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What logins tell the resolver. A password that the server accepted came with the person's
 * record, and whatever the server made of it says as much about the link as any lookup: the
 * next login must not find out about a dead server once more.
 */
#include <stdio.h>

#include "src/base/util.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/resolver/internal.h"

void
resolver_learn_login(struct resolver *r, struct user *u)
{
	resolver_check_domain(r);
	learn_user(r, u, resolver_boot_s(r));
}

/* While the server does not accept us, one good answer proves nothing about the others: a
 * probe finds out. */
static void
heard(struct resolver *r)
{
	if (r->link.state == LINK_OFFLINE && r->link.refused)
		linkctl_do(r, link_demand(&r->link, r->ts->now.mono_ns));
	else
		linkctl_heard(r);
}

void
resolver_heard_login(struct resolver *r, const struct idp_result *res)
{
	if (res->reason == IDP_NOT_ASKED)
		return;
	switch (res->class) {
	case IDP_FOUND:
	case IDP_NOTFOUND:
		heard(r);
		return;
	case IDP_UNREACHABLE:
	case IDP_REFUSED:
		if (res->reason != IDP_CANCELLED)
			linkctl_do(r, link_trouble(&r->link, r->ts->now.mono_ns, res));
		return;
	case IDP_ERROR:
		break;
	}
	r->fault = res->reason;
	(void)snprintf(r->fault_detail, sizeof(r->fault_detail), "%s", res->detail);
}

void
resolver_login_was_late(struct resolver *r)
{
	linkctl_do(r, link_trouble(&r->link, r->ts->now.mono_ns, NULL));
}

enum link_mode
resolver_link_mode(const struct resolver *r)
{
	return link_mode(&r->link);
}

/* ---- who of this host asks ---- */

struct hunt {
	const char *name;
	bool found;
	uint32_t uid;
};

static void
look_at(void *arg, const char *canonical_name, uint32_t id)
{
	struct hunt *h = arg;

	if (h->found || !streq(h->name, canonical_name))
		return;
	h->found = true;
	h->uid = id;
}

bool
resolver_local_uid(const struct resolver *r, const char *name, uint32_t *ret_uid)
{
	struct hunt h = { .name = name };

	local_each_user(r->ports.local, look_at, &h);
	if (h.found)
		*ret_uid = h.uid;
	return h.found;
}
