/* SPDX-License-Identifier: MPL-2.0 */
/* One generation as its writer sees it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ku/map.h"
#include "src/base/siphash.h"
#include "src/unixd/publish/record.h"

struct gen {
	uint8_t *base; /* NULL: there is none */
	uint32_t len;
	uint32_t data;
	uint32_t used;
	uint32_t ordered;  /* from here to base_end first versions stand in order of id */
	uint32_t base_end; /* 0 while it is being built */
	uint32_t garbage;  /* bytes of superseded entries */
	uint32_t negative; /* bytes of negatives, dead ones included */
	uint32_t heads[KU_MAP_N_TABLES];
	uint32_t n_heads[KU_MAP_N_TABLES];
	uint32_t linked[KU_MAP_N_TABLES];
	struct siphash_key key;
	uint64_t dev, ino;
	uint64_t file_len; /* `len` is what is mapped of it */
};

static inline unsigned
gen_name_table(enum ku_map_kind kind)
{
	return kind == KU_MAP_USER ? KU_MAP_USER_NAME : KU_MAP_GROUP_NAME;
}

uint32_t gen_load(const struct gen *g, uint32_t off, unsigned word);
void gen_store(struct gen *g, uint32_t off, unsigned word, uint32_t value);
const uint8_t *gen_at(const struct gen *g, uint32_t off);

/* The newest version of this id, dead or alive; 0: never there. */
uint32_t gen_find_id(const struct gen *g, enum ku_map_kind kind, uint32_t id);
/* A live one. */
uint32_t gen_find_live(const struct gen *g, enum ku_map_kind kind, uint32_t id);
/* Does the first version of this id stand in the ordered part? */
bool gen_is_ordered(const struct gen *g, enum ku_map_kind kind, uint32_t id);
/* The next first version at or behind *off in the ordered part, and *off behind it. 0: none
 * of this kind is left. */
uint32_t gen_next_ordered(const struct gen *g, enum ku_map_kind kind, uint32_t *off);
/* The live entry that this key finds. */
uint32_t gen_find_key(const struct gen *g, enum ku_map_kind kind, const char *key,
    size_t len);

/* Appends a version of a record, swings the heads, and marks the version before it. False:
 * no room. */
bool gen_put(struct gen *g, const uint8_t *rec, uint32_t fresh_until);
void gen_supersede(struct gen *g, uint32_t off);

/* Nothing in it is fresh any more; what is negative is left alone. */
void gen_all_stale(struct gen *g);

bool gen_put_local(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id);
void gen_drop_local(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id);

/* By name, or by id (name NULL). */
bool gen_put_negative(struct gen *g, enum ku_map_kind kind, const char *name, uint32_t id,
    uint32_t until);
/* What it was a hash of cannot be found out from the file any more. */
void gen_drop_negative(struct gen *g, enum ku_map_kind kind, const char *name,
    uint32_t id);

/* Is it time for another generation? */
bool gen_is_crowded(const struct gen *g);
