/* SPDX-License-Identifier: MPL-2.0 */
/*
 * This host's own accounts come first: an id that /etc/passwd or /etc/group gives to
 * another name is never anybody's here, and a name that /etc/passwd gives to another id is
 * nobody else's, unless root has given the name away (allow_local_account_override). The
 * same name with the same id is no conflict.
 */
#pragma once

#include "src/base/attr.h"
#include "tasks/request.h"

struct config;

/* 0; -EPERM: the uid, gid or name is local; another -errno: a file is there but cannot be
 * read. */
int must_use_ local_ids_check(const char *passwd_path, const char *group_path,
    const struct config *c, const struct request *r, struct why *why);
