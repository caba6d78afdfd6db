/* SPDX-License-Identifier: MPL-2.0 */
/* Ids in order, with a word each: 8 bytes an entry. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct index_entry {
	uint32_t id;
	uint32_t value;
};

struct index_chunk;

struct index {
	struct index_chunk **chunk;
	size_t n_chunks;
	size_t cap;
	size_t n;
	size_t last; /* the chunk looked at last: most walks are in order */
};

/* Pointers to entries are good until the next add, remove or clear. */
struct index_entry *index_find(const struct index *ix, uint32_t id);
struct index_entry *index_add(struct index *ix, uint32_t id);
/* Adds it, or changes its word. */
void index_set(struct index *ix, uint32_t id, uint32_t value);
void index_remove(struct index *ix, uint32_t id);
/* The entry with the smallest id that is not below `id`, or NULL. */
struct index_entry *index_from(const struct index *ix, uint32_t id);
void index_clear(struct index *ix);
