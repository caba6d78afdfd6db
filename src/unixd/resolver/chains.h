/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hash table of numbered things: four bytes a bucket, and four in each thing for the number
 * of the next one in its bucket. It grows by one bucket at a time, so there is no moment at
 * which everything is moved. Number 0 is nobody.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct chains {
	uint32_t *head;
	size_t n_heads;
	size_t cap;
	size_t n;
};

/* How the things of one table are stored. */
struct chains_of {
	uint64_t (*hash)(const void *owner, uint32_t item);
	uint32_t *(*next)(const void *owner, uint32_t item);
};

void chains_init(struct chains *t);
void chains_deinit(struct chains *t); /* the table, not the things */

/* Room for n things that are about to come; without effect on a table that has any. */
void chains_expect(struct chains *t, size_t n);

/* The thing knows its hash already, and still does when it is removed. */
void chains_insert(struct chains *t, const struct chains_of *of, const void *owner,
    uint32_t item);
void chains_remove(struct chains *t, const struct chains_of *of, const void *owner,
    uint32_t item);
/* The first one in the bucket of this hash, or 0: walk by `next` and compare. */
uint32_t chains_first(const struct chains *t, uint64_t hash);
/* Soon that will be asked. */
void chains_prefetch(const struct chains *t, uint64_t hash);
