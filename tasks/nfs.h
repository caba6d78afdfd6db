/* SPDX-License-Identifier: MPL-2.0 */
/* Homes on an NFS server that does not believe root. */
#pragma once

#include "src/base/attr.h"
#include "tasks/home.h"

/* True when `err` (negative) is what such a server answers root. */
bool nfs_is_refusal(const struct prefix *p, int err);

/*
 * Tries once as the person, in a process of its own. HOME_MADE, or -errno and *why, which
 * says who has to make the home then.
 */
int must_use_ nfs_make_as_user(const struct prefix *p, const struct home *h,
    struct why *why);
