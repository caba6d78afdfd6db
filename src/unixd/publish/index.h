/* SPDX-License-Identifier: MPL-2.0 */
/* What is published, by id, in order of id: 20 bytes an entry. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct index_entry {
	uint32_t id;
	uint32_t spill; /* where in the spill the record is; 0: in the generation */
	uint32_t fresh_until;
	uint32_t seq;   /* of two entries that claim one name the later counts */
	uint32_t stamp; /* mono ms of the last new version */
};

struct index_chunk;

struct index {
	struct index_chunk **chunk;
	size_t n_chunks;
	size_t cap;
	size_t n;
};

/* Pointers to entries are good until the next add, remove or clear. */
struct index_entry *index_find(const struct index *ix, uint32_t id);
struct index_entry *index_add(struct index *ix, uint32_t id);
void index_remove(struct index *ix, uint32_t id);
/* The entry with the smallest id that is not below `id`, or NULL. */
struct index_entry *index_from(const struct index *ix, uint32_t id);
void index_clear(struct index *ix);
