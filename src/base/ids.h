/* SPDX-License-Identifier: MPL-2.0 */
/* Which uid and gid numbers a Kanidm entry may ever have on a host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define IDS_FIRST 1000u

/*
 * False for 0-999 (system accounts), 61184-65519 (systemd's dynamic users), 65534
 * (nobody), 65535 and 4294967295 (the two "no id" values). The server refuses these
 * too; checked again here because a uid is what the kernel believes.
 */
bool ids_is_allowed(uint32_t id);

/* More than that: a local group below 1000 that the administrator extends by map_group;
 * never 0. */
bool ids_may_be_group(uint32_t gid);
