/* SPDX-License-Identifier: MPL-2.0 */
/* A table of accepted ids; rows are never removed while the daemon runs. */
#include "src/unixd/resolver/idtable.h"

#include <stdlib.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/hmap.h"

/* Rows are numbered from 1, in the order they came. */
static struct idrow *
row_at(const struct idtable *t, uint32_t i)
{
	return &t->block[(i - 1) / IDTABLE_BLOCK][(i - 1) % IDTABLE_BLOCK];
}

static uint64_t
hash_uuid(const struct uuid *uuid)
{
	return hmap_hash(uuid->b, sizeof(uuid->b));
}

static uint64_t
row_hash(const void *owner, uint32_t i)
{
	return hash_uuid(&row_at(owner, i)->uuid);
}

static uint32_t *
row_next(const void *owner, uint32_t i)
{
	return &row_at(owner, i)->next;
}

static const struct chains_of by_uuid = { row_hash, row_next };

void
idtable_init(struct idtable *t)
{
	*t = (struct idtable){ 0 };
	chains_init(&t->rows);
}

void
idtable_deinit(struct idtable *t)
{
	for (size_t i = 0; i < t->n_blocks; i++)
		free(t->block[i]);
	free(t->block);
	chains_deinit(&t->rows);
}

static bool
is_row_of(const struct idtable *t, uint32_t i, const struct uuid *uuid)
{
	return i != 0 && i <= t->n && uuid_equal(&row_at(t, i)->uuid, uuid);
}

static struct idrow *
found(const struct idtable *t, uint32_t i)
{
	/* Remembering is no change of the table. */
	((struct idtable *)(uintptr_t)t)->last = i;
	return row_at(t, i);
}

struct idrow *
idtable_find(const struct idtable *t, const struct uuid *uuid)
{
	uint32_t i = t->last + 1;

	if (is_row_of(t, i, uuid))
		return found(t, i);
	for (i = chains_first(&t->rows, hash_uuid(uuid)); i != 0;
	     i = row_at(t, i)->next) {
		if (uuid_equal(&row_at(t, i)->uuid, uuid))
			return found(t, i);
	}
	return NULL;
}

static struct idrow *
append(struct idtable *t, const struct uuid *uuid)
{
	uint32_t i = ++t->n;

	if ((i - 1) / IDTABLE_BLOCK == t->n_blocks) {
		t->block = xreallocarray(t->block, t->n_blocks + 1, sizeof(*t->block));
		t->block[t->n_blocks++] = xcalloc(IDTABLE_BLOCK, sizeof(struct idrow));
	}
	row_at(t, i)->uuid = *uuid;
	return row_at(t, i);
}

static void
set(struct idtable *t, struct idrow *row, uint32_t id, uint32_t pending)
{
	row->id = id;
	row->pending = pending;
	if (idrow_is_pending(row))
		t->n_pending++;
}

void
idtable_load(struct idtable *t, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	set(t, append(t, uuid), id, pending);
}

void
idtable_loaded(struct idtable *t)
{
	chains_expect(&t->rows, t->n);
	while (t->rows.n < t->n)
		chains_insert(&t->rows, &by_uuid, t, (uint32_t)t->rows.n + 1);
}

struct idrow *
idtable_set(struct idtable *t, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	struct idrow *row = idtable_find(t, uuid);

	if (row == NULL) {
		row = append(t, uuid);
		chains_insert(&t->rows, &by_uuid, t, t->n);
	} else if (idrow_is_pending(row)) {
		t->n_pending--;
	}
	set(t, row, id, pending);
	return row;
}

const struct idrow *
idtable_holder(const struct idtable *t, uint32_t id, const struct uuid *but)
{
	if (t->n_pending == 0)
		return NULL;
	for (uint32_t i = 1; i <= t->n; i++) {
		const struct idrow *row = row_at(t, i);

		if (row->id == id && idrow_is_pending(row) &&
		    !uuid_equal(&row->uuid, but))
			return row;
	}
	return NULL;
}
