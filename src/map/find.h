/* SPDX-License-Identifier: MPL-2.0 */
/* From a name or an id to an entry of one generation. Internal to src/map. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/name.h"
#include "src/map/view.h"

enum found_kind {
	FOUND_NOTHING,
	FOUND_ENTRY,
	FOUND_LOCAL,
	FOUND_NEGATIVE,
};

/* A user or group entry whose parts have been checked to lie inside it. Offsets are from
 * the beginning of the file. */
struct found {
	uint32_t off;
	uint32_t size;
	uint32_t id;
	uint32_t fresh_until;
	uint32_t first;
	bool superseded;
	uint32_t gid; /* users */
	uint32_t text;
	uint32_t name_len;
	uint32_t gecos_len;
	uint32_t dir_len;
	uint32_t shell_len;
	uint32_t key;
	uint32_t key_len;
	uint32_t list; /* the gids, or the members */
	uint32_t n_list;
	uint32_t members_len;
};

/* `name` NULL: by id. Its domain, if it is our own, has been taken off. Superseded entries
 * are passed over, and so are negatives that have run out. */
enum found_kind find(const struct map_view *v, enum ku_map_kind kind,
    const struct name *name, uint32_t id, uint32_t now, struct found *ret_found);

/* The newest version of an id, also when it is superseded; false when there is none. */
bool find_newest(const struct map_view *v, enum ku_map_kind kind, uint32_t id,
    struct found *ret_found);

/* The next entry at or behind *off that is the first version of its id: moves *off behind
 * it. False at the end. */
bool find_next_first(const struct map_view *v, enum ku_map_kind kind, uint32_t *off,
    uint32_t *ret_id, uint32_t *ret_off);
