/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which ids this user namespace can hold (/proc/self/uid_map, gid_map). In a container a
 * gid outside the map makes initgroups() fail with EINVAL, and sshd then drops the session.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDMAP_MAX 340 /* as many as Linux takes */

struct idmap {
	size_t n; /* 0: no restriction known */
	struct idmap_range {
		uint32_t first;
		uint32_t count;
	} v[IDMAP_MAX];
};

/* A file that is absent or unreadable restricts nothing, nor does a map that moves no id:
 * that of a whole host, or of a unit that hides ids from the daemon alone. */
void idmap_read(struct idmap *m, const char *path);
bool idmap_holds(const struct idmap *m, uint32_t id);
