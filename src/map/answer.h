/* SPDX-License-Identifier: MPL-2.0 */
/* From an entry to what libc wants. Internal to src/map. */
#pragma once

#include "src/map/find.h"

/* Compiled in: whatever the map says, nobody in it is a system account. */
bool answer_user_is_allowed(const struct found *f);

struct passwd_to {
	struct passwd *pw;
	char *buf;
	size_t cap;
};

struct group_to {
	struct group *gr;
	char *buf;
	size_t cap;
};

/* MAP_HIT, MAP_RANGE, or MAP_ABSENT when the entry is not what it should be. */
typedef enum map_answer (
    *answer_fn)(const struct map_view *v, const struct found *f, void *to);

/* `to`: struct passwd_to, struct group_to. */
enum map_answer answer_passwd(const struct map_view *v, const struct found *f, void *to);
enum map_answer answer_group(const struct map_view *v, const struct found *f, void *to);
