/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbers that the kernel, the distribution or systemd give a meaning of their own. One
 * table, asked by the daemon for what it learns and by the module for what it answers.
 */
#include "src/base/ids.h"

#include <stddef.h>

#include "src/base/util.h"

static const struct {
	uint32_t first;
	uint32_t last;
} reserved[] = {
	{ 0, IDS_FIRST - 1 },       /* the system's own accounts */
	{ 61184, 65519 },           /* systemd DynamicUser= */
	{ 65534, 65535 },           /* nobody, and (uid16_t)-1 */
	{ UINT32_MAX, UINT32_MAX }, /* (uid_t)-1: "leave unchanged" */
};

bool
ids_is_allowed(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (id >= reserved[i].first && id <= reserved[i].last)
			return false;
	}
	return true;
}

bool
ids_may_be_group(uint32_t gid)
{
	return gid != 0 && (gid < IDS_FIRST || ids_is_allowed(gid));
}
