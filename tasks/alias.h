/* SPDX-License-Identifier: MPL-2.0 */
/* The name under which a person sees the home: a link to the real directory. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "tasks/prefix.h"
#include "tasks/why.h"

struct alias {
	const char *name; /* in its prefix */
	const char *home; /* name of the real directory in its prefix */
	const char *uuid; /* of the person */
	uid_t uid;
};

enum alias_result {
	ALIAS_THERE = 1,
	ALIAS_MADE = 2,
	ALIAS_KEPT = 3, /* a directory of the person's own stands there */
};

/*
 * `where` holds the alias, `homes` the real directory. An old alias of the same home (the
 * person was renamed) goes when a new one is made. enum alias_result, or -errno and *why;
 * -EEXIST: something that is not ours stands there and was left.
 */
int must_use_ alias_link(const struct prefix *where, const struct prefix *homes,
    const struct alias *a, struct why *why);

/* Whether `target`, the text of a link of root's, leads to a home of this client's, and
 * whether to this one. */
/* Whether a directory of this name could be a home of ours that stood behind this alias:
 * named by UUID, or by a name of this very person. */
bool alias_home_is_ours(const struct alias *a, const char *name);
bool alias_target_is_ours(const struct prefix *homes, const struct alias *a,
    const char *target);
bool alias_target_is_home(const struct prefix *homes, const struct alias *a,
    const char *target);
