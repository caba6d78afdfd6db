/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Root without CAP_DAC_OVERRIDE is an ordinary user who owns much: it can make and fill
 * directories of its own and, with CHOWN, give them away. FOWNER is for what it has given
 * away already: modes of what an interrupted run left. Nothing here needs to read what
 * belongs to others.
 */
#include "tasks/caps.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct role {
	size_t n;
	cap_value_t v[4];
};

static const struct role roles[] = {
	[CAPS_HOMES] = { 2, { CAP_CHOWN, CAP_FOWNER } },
	[CAPS_HOMES_NFS] = { 4, { CAP_CHOWN, CAP_FOWNER, CAP_SETGID, CAP_SETUID } },
	[CAPS_MOUNT] = { 2, { CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH } },
};

static void
cap_freep(cap_t *c)
{
	if (*c != NULL)
		(void)cap_free(*c);
}

static bool
has(cap_t caps, cap_value_t v, cap_flag_t flag)
{
	cap_flag_value_t on = CAP_CLEAR;

	return cap_get_flag(caps, v, flag, &on) == 0 && on == CAP_SET;
}

static bool
in_role(const struct role *role, cap_value_t v)
{
	for (size_t i = 0; i < role->n; i++) {
		if (role->v[i] == v)
			return true;
	}
	return false;
}

static void
drop_bounding(const struct role *role)
{
	for (cap_value_t v = 0; CAP_IS_SUPPORTED(v); v++) {
		if (!in_role(role, v))
			(void)cap_drop_bound(v);
	}
	(void)cap_reset_ambient();
}

int
caps_drop(enum caps_role which)
{
	const struct role *role = &roles[which];
	cleanup_(cap_freep) cap_t now = cap_get_proc();
	cleanup_(cap_freep) cap_t wanted = cap_init();

	if (now == NULL || wanted == NULL)
		return -ENOMEM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (has(now, CAP_SETPCAP, CAP_EFFECTIVE))
		drop_bounding(role);
	for (size_t i = 0; i < role->n; i++) {
		if (!has(now, role->v[i], CAP_PERMITTED))
			continue;
		if (cap_set_flag(wanted, CAP_PERMITTED, 1, &role->v[i], CAP_SET) < 0 ||
		    cap_set_flag(wanted, CAP_EFFECTIVE, 1, &role->v[i], CAP_SET) < 0)
			return -errno;
	}
	/* A filter that forbids capset: no matter, where the unit has left no more. */
	if (cap_set_proc(wanted) < 0)
		return cap_compare(now, wanted) == 0 ? 0 : -errno;
	return 0;
}

/* Takes `text`. */
static char *
add_name(char *text, cap_value_t v)
{
	char *name = cap_to_name(v);
	char *longer = xasprintf("%s%s%s", text, text[0] != '\0' ? "," : "",
	    name != NULL ? name : "?");

	if (name != NULL)
		(void)cap_free(name);
	free(text);
	return longer;
}

char *
caps_role_text(enum caps_role role)
{
	char *text = xstrdup("");

	for (size_t i = 0; i < roles[role].n; i++)
		text = add_name(text, roles[role].v[i]);
	return text;
}

char *
caps_text(void)
{
	cleanup_(cap_freep) cap_t now = cap_get_proc();
	char *text = xstrdup("");

	for (cap_value_t v = 0; now != NULL && CAP_IS_SUPPORTED(v); v++) {
		if (has(now, v, CAP_EFFECTIVE))
			text = add_name(text, v);
	}
	return text;
}

bool
caps_can_become_others(void)
{
	cleanup_(cap_freep) cap_t now = cap_get_proc();

	return now != NULL && has(now, CAP_SETUID, CAP_EFFECTIVE) &&
	    has(now, CAP_SETGID, CAP_EFFECTIVE);
}
