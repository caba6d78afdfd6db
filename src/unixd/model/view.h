/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What this host makes of a server record: the passwd and group lines that NSS shows, after
 * name mapping, home and shell choice, and the filters for local conflicts. Assembled on
 * demand, valid for the call it is passed to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct passwd_view {
	uint32_t uid;
	uint32_t gid;
	const char *name;
	const char *gecos;
	const char *dir;
	const char *shell;
	size_t n_gids; /* supplementary groups, without the primary one */
	const uint32_t *gids;
	bool overrides; /* listed in allow_local_account_override */
};

struct group_view {
	uint32_t gid;
	const char *name;
	size_t n_members;
	const char *const *members;
};
