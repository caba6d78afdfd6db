/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Hash map with intrusive nodes, chained, keyed by SipHash with a seed of the process
 * (names come from a server where others choose them). Grows by doubling; never shrinks.
 * One node per map an object is in.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hmap_node {
	struct hmap_node *next;
	uint64_t hash;
};

struct hmap {
	struct hmap_node **bucket;
	size_t n_buckets;
	size_t n;
};

void hmap_init(struct hmap *m);
void hmap_deinit(struct hmap *m); /* frees the table, not the nodes */

uint64_t hmap_hash(const void *key, size_t len);
uint64_t hmap_hash_u32(uint32_t key);

void hmap_insert(struct hmap *m, struct hmap_node *node, uint64_t hash);
void hmap_remove(struct hmap *m, struct hmap_node *node);

/* Walk of all nodes with this hash: compare the key yourself. NULL at the end. */
struct hmap_node *hmap_first(const struct hmap *m, uint64_t hash);
struct hmap_node *hmap_same(const struct hmap_node *node);

/* Walk of all nodes, in no order; `node` may be removed before asking for the next one. */
struct hmap_node *hmap_any(const struct hmap *m, size_t *bucket);
struct hmap_node *hmap_any_next(const struct hmap *m, const struct hmap_node *node,
    size_t *bucket);
