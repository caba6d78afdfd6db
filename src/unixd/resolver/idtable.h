/* SPDX-License-Identifier: MPL-2.0 */
/*
 * uuid -> the uid this host has accepted for the account. A known account keeps its uid
 * when the server changes it, until root accepts the change: files belong to numbers. The
 * table outlives the cache (cache-clear must not be a way around it).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/uuid.h"
#include "src/unixd/resolver/chains.h"

struct idrow {
	uint32_t next;
	struct uuid uuid;
	uint32_t id;      /* in use here */
	uint32_t pending; /* what the server says; == id when nothing is waiting */
};

struct idtable {
	struct chains rows;
	uint32_t n;    /* of them, the last of which need not be in `rows` yet */
	uint32_t last; /* found; people are often asked for in the order of the rows */
	struct idrow **block; /* of IDTABLE_BLOCK rows: a row stays where it is */
	size_t n_blocks;
	size_t n_pending;
};

#define IDTABLE_BLOCK 128u

void idtable_init(struct idtable *t);
void idtable_deinit(struct idtable *t);

struct idrow *idtable_find(const struct idtable *t, const struct uuid *uuid);
/* Adds one that is not there; idtable_loaded() follows the last of them, before anything is
 * looked for. */
void idtable_load(struct idtable *t, const struct uuid *uuid, uint32_t id,
    uint32_t pending);
void idtable_loaded(struct idtable *t);
/* Adds or changes a row. */
struct idrow *idtable_set(struct idtable *t, const struct uuid *uuid, uint32_t id,
    uint32_t pending);
/* A row of another account that uses `id` while a change of it waits, or NULL. */
const struct idrow *idtable_holder(const struct idtable *t, uint32_t id,
    const struct uuid *but);

static inline bool
idrow_is_pending(const struct idrow *row)
{
	return row->id != row->pending;
}
