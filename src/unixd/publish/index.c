/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Chunks of sorted entries behind a sorted array of chunks. A new generation is written in
 * order of id, in slices between which entries come and go: "the next one from id N" is the
 * question that never goes stale, and here it is two binary searches.
 */
#include "src/unixd/publish/index.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "src/prog/xalloc.h"

#define CHUNK 128u

struct index_chunk {
	uint32_t n;
	struct index_entry e[CHUNK];
};

static bool
is_in_chunk(const struct index *ix, size_t at, uint32_t id)
{
	return at < ix->n_chunks && (at == 0 || ix->chunk[at]->e[0].id <= id) &&
	    (at + 1 == ix->n_chunks || ix->chunk[at + 1]->e[0].id > id);
}

/* The last chunk that begins at or below `id`, or the first. */
static size_t
chunk_of(const struct index *ix, uint32_t id)
{
	size_t low = 0, high = ix->n_chunks;

	if (is_in_chunk(ix, ix->last, id))
		return ix->last;
	while (high - low > 1) {
		size_t mid = (low + high) / 2;

		if (ix->chunk[mid]->e[0].id <= id)
			low = mid;
		else
			high = mid;
	}
	/* Remembering is no change of the index. */
	((struct index *)(uintptr_t)ix)->last = low;
	return low;
}

/* The first place in the chunk that is not below `id`. */
static uint32_t
place_of(const struct index_chunk *c, uint32_t id)
{
	uint32_t low = 0, high = c->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (c->e[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct index_entry *
index_from(const struct index *ix, uint32_t id)
{
	size_t at;
	uint32_t place;

	if (ix->n_chunks == 0)
		return NULL;
	at = chunk_of(ix, id);
	place = place_of(ix->chunk[at], id);
	if (place < ix->chunk[at]->n)
		return &ix->chunk[at]->e[place];
	return at + 1 < ix->n_chunks ? &ix->chunk[at + 1]->e[0] : NULL;
}

struct index_entry *
index_find(const struct index *ix, uint32_t id)
{
	struct index_entry *e = index_from(ix, id);

	return e != NULL && e->id == id ? e : NULL;
}

static void
insert_chunk(struct index *ix, size_t at)
{
	if (ix->n_chunks == ix->cap) {
		ix->cap = ix->cap == 0 ? 16 : ix->cap * 2;
		ix->chunk = xreallocarray(ix->chunk, ix->cap, sizeof(ix->chunk[0]));
	}
	memmove(ix->chunk + at + 1, ix->chunk + at,
	    (ix->n_chunks - at) * sizeof(ix->chunk[0]));
	ix->chunk[at] = xcalloc(1, sizeof(*ix->chunk[0]));
	ix->n_chunks++;
}

/* Makes room in chunk `at`; ids that come in order leave full chunks behind. */
static void
split(struct index *ix, size_t at, uint32_t id)
{
	struct index_chunk *c = ix->chunk[at];
	uint32_t keep = id > c->e[CHUNK - 1].id ? CHUNK - 1 : CHUNK / 2;
	struct index_chunk *next;

	insert_chunk(ix, at + 1);
	next = ix->chunk[at + 1];
	next->n = c->n - keep;
	memcpy(next->e, c->e + keep, next->n * sizeof(c->e[0]));
	c->n = keep;
}

struct index_entry *
index_add(struct index *ix, uint32_t id)
{
	struct index_chunk *c;
	uint32_t place;
	size_t at;

	if (ix->n_chunks == 0)
		insert_chunk(ix, 0);
	at = chunk_of(ix, id);
	if (ix->chunk[at]->n == CHUNK) {
		split(ix, at, id);
		at = chunk_of(ix, id);
	}
	c = ix->chunk[at];
	place = place_of(c, id);
	memmove(c->e + place + 1, c->e + place, (c->n - place) * sizeof(c->e[0]));
	c->e[place] = (struct index_entry){ .id = id };
	c->n++;
	ix->n++;
	return &c->e[place];
}

void
index_set(struct index *ix, uint32_t id, uint32_t value)
{
	struct index_entry *e = index_find(ix, id);

	if (e == NULL)
		e = index_add(ix, id);
	e->value = value;
}

void
index_remove(struct index *ix, uint32_t id)
{
	struct index_chunk *c;
	uint32_t place;
	size_t at;

	if (ix->n_chunks == 0)
		return;
	at = chunk_of(ix, id);
	c = ix->chunk[at];
	place = place_of(c, id);
	if (place == c->n || c->e[place].id != id)
		return;
	memmove(c->e + place, c->e + place + 1, (c->n - place - 1) * sizeof(c->e[0]));
	c->n--;
	ix->n--;
	if (c->n > 0)
		return;
	free(c);
	memmove(ix->chunk + at, ix->chunk + at + 1,
	    (ix->n_chunks - at - 1) * sizeof(ix->chunk[0]));
	ix->n_chunks--;
}

void
index_clear(struct index *ix)
{
	for (size_t i = 0; i < ix->n_chunks; i++)
		free(ix->chunk[i]);
	free(ix->chunk);
	*ix = (struct index){ 0 };
}
