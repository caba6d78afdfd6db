/* SPDX-License-Identifier: MPL-2.0 */
/*
 * May a group of this host have people of the server? Only where root says so, and not where
 * the daemon does: whoever is in sudo, disk or shadow is as good as root.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* For a gid below IDS_FIRST: does the configuration have map_group, and the name that
 * /etc/group has for this gid? No allocation; errno is left as it was. */
bool granted_gid(uint32_t gid);

/* The same of these files. */
bool granted_gid_in(const char *group, const char *config, uint32_t gid);
