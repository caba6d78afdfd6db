/* SPDX-License-Identifier: MPL-2.0 */
/*
 * This host's own accounts come first: an id that /etc/passwd or /etc/group gives to
 * another name is never anybody's here. The person's own name is no conflict: whether an
 * account of the server may take the place of a local one is for the resolver to know.
 */
#pragma once

#include "src/base/attr.h"
#include "tasks/request.h"

/* 0; -EPERM: the uid or gid is local; another -errno: a file is there but cannot be read. */
int must_use_ local_ids_check(const char *passwd_path, const char *group_path,
    const struct request *r, struct why *why);
