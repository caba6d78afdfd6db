/* SPDX-License-Identifier: MPL-2.0 */
/* An alias that is a bind mount of the home. */
#pragma once

#include "src/base/attr.h"
#include "tasks/alias.h"
#include "tasks/prefix.h"
#include "tasks/why.h"

enum mount_result {
	MOUNT_THERE = 1,
	MOUNT_MADE = 2,
};

/*
 * Makes `where`/alias show `homes`/home, a directory of a->uid. A link of ours there is
 * replaced by a directory; another home of ours mounted there is unmounted unless it is
 * busy; what is not ours stays. Mounts of this home under an old name go likewise.
 * enum mount_result, or -errno and *why.
 */
int must_use_ mount_bind(const struct prefix *where, const struct prefix *homes,
    const struct alias *a, struct why *why);
