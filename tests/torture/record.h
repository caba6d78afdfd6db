/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The records of a torture run. Every field is a function of who it is and of a version,
 * and one field names the version: so a record that is a mixture of two cannot pass.
 */
#pragma once

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/model/view.h"
#include "torture/shared.h"

struct person {
	struct passwd_view view;
	const char *keys[2];
	char name[16];
	char alias[48];
	char gecos[48];
	char dir[RECORD_CAP];
	char shell[64];
	uint32_t gids[MAX_GIDS];
};

struct crew {
	struct group_view view;
	const char *key;
	char name[16];
	const char *members[MAX_MEMBERS];
	char text[MAX_MEMBERS][24];
};

/* Names and aliases: `cap` bytes are enough when they are 48. */
void record_name(char *to, size_t cap, uint32_t who);
void record_alias(char *to, size_t cap, uint32_t who);

/* `who` counts people from 0, groups from N_PEOPLE. */
void record_person(struct person *p, uint32_t who, uint32_t version);
void record_crew(struct crew *c, uint32_t who, uint32_t version);

/* Which version it is; false: none that was ever made. */
bool record_is_person(const struct passwd *pw, uint32_t who, uint32_t *ret_version);
bool record_is_crew(const struct group *gr, uint32_t who, uint32_t *ret_version);
bool record_is_gids(const gid_t *gids, size_t n, uint32_t who, uint32_t *ret_version);
