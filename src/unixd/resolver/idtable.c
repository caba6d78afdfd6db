/* SPDX-License-Identifier: MPL-2.0 */
/* A table of accepted ids; rows are never removed while the daemon runs. */
#include "src/unixd/resolver/idtable.h"

#include <stdlib.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static struct idrow *
row_of(struct hmap_node *node)
{
	return container_of(node, struct idrow, node);
}

void
idtable_init(struct idtable *t)
{
	hmap_init(&t->rows);
	t->n_pending = 0;
}

void
idtable_deinit(struct idtable *t)
{
	struct hmap_node *node, *next;
	size_t bucket = 0;

	for (node = hmap_any(&t->rows, &bucket); node != NULL; node = next) {
		next = hmap_any_next(&t->rows, node, &bucket);
		free(row_of(node));
	}
	hmap_deinit(&t->rows);
}

struct idrow *
idtable_find(const struct idtable *t, const struct uuid *uuid)
{
	struct hmap_node *node;

	node = hmap_first(&t->rows, hmap_hash(uuid->b, sizeof(uuid->b)));
	for (; node != NULL; node = hmap_same(node)) {
		if (uuid_equal(&row_of(node)->uuid, uuid))
			return row_of(node);
	}
	return NULL;
}

struct idrow *
idtable_set(struct idtable *t, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	struct idrow *row = idtable_find(t, uuid);

	if (row == NULL) {
		row = xcalloc(1, sizeof(*row));
		row->uuid = *uuid;
		hmap_insert(&t->rows, &row->node, hmap_hash(uuid->b, sizeof(uuid->b)));
	} else if (idrow_is_pending(row)) {
		t->n_pending--;
	}
	row->id = id;
	row->pending = pending;
	if (idrow_is_pending(row))
		t->n_pending++;
	return row;
}

const struct idrow *
idtable_holder(const struct idtable *t, uint32_t id, const struct uuid *but)
{
	struct hmap_node *node;
	size_t bucket = 0;

	if (t->n_pending == 0)
		return NULL;
	for (node = hmap_any(&t->rows, &bucket); node != NULL;
	     node = hmap_any_next(&t->rows, node, &bucket)) {
		const struct idrow *row = row_of(node);

		if (row->id == id && idrow_is_pending(row) &&
		    !uuid_equal(&row->uuid, but))
			return row;
	}
	return NULL;
}
