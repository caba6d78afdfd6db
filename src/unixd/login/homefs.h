/* SPDX-License-Identifier: MPL-2.0 */
/*
 * May somebody look whether a home is there, without risking to hang? Read from the table
 * of mounts, which answers whatever the file servers do; nothing under the prefix is
 * touched by us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/attr.h"

struct homefs {
	const char *mountinfo_path;
	int64_t looked_at; /* mono ns, 0: never */
	bool is_local;
};

void homefs_init(struct homefs *h);
/* False when the home prefix, where links lead from it, or anything mounted below is on
 * nfs, autofs or another file system that may not answer, or the table cannot be read.
 * Looked up at most every five seconds. `mount_prefix` may be NULL. */
bool must_use_ homefs_is_local(struct homefs *h, const char *prefix,
    const char *mount_prefix, int64_t now_ns);
/* Something was configured anew: look again. */
void homefs_forget(struct homefs *h);
