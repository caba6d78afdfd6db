/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Chained hash map over nodes that live in their objects, so that being in a map costs an
 * object two words and no allocation. The hash is stored in the node: growing moves nodes
 * without looking at keys, and a walk compares a key only where the whole hash agrees.
 *
 * The seed is of the process and random: names in the maps are chosen by people who may
 * choose them to collide.
 */
#include "src/unixd/core/hmap.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "src/base/siphash.h"
#include "src/prog/xalloc.h"

#define FIRST_BUCKETS ((size_t)16)

static struct siphash_key seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
seed_make(void)
{
	/* At most 256 bytes and no flags: cannot be short, can only wait for early boot. */
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		abort();
}

void
hmap_init(struct hmap *m)
{
	*m = (struct hmap){ 0 };
}

void
hmap_deinit(struct hmap *m)
{
	free(m->bucket);
	*m = (struct hmap){ 0 };
}

uint64_t
hmap_hash(const void *key, size_t len)
{
	(void)pthread_once(&seed_once, seed_make);
	return siphash13(&seed, key, len);
}

uint64_t
hmap_hash_u32(uint32_t key)
{
	return hmap_hash(&key, sizeof(key));
}

static struct hmap_node **
head_of(const struct hmap *m, uint64_t hash)
{
	return &m->bucket[hash & (m->n_buckets - 1)];
}

static void
grow(struct hmap *m)
{
	struct hmap old = *m;

	m->n_buckets = old.n_buckets == 0 ? FIRST_BUCKETS : old.n_buckets * 2;
	m->bucket = xcalloc(m->n_buckets, sizeof(struct hmap_node *));
	for (size_t i = 0; i < old.n_buckets; i++) {
		struct hmap_node *node = old.bucket[i];

		while (node != NULL) {
			struct hmap_node *next = node->next;
			struct hmap_node **head = head_of(m, node->hash);

			node->next = *head;
			*head = node;
			node = next;
		}
	}
	free(old.bucket);
}

void
hmap_insert(struct hmap *m, struct hmap_node *node, uint64_t hash)
{
	struct hmap_node **head;

	if (m->n >= m->n_buckets)
		grow(m);
	head = head_of(m, hash);
	node->hash = hash;
	node->next = *head;
	*head = node;
	m->n++;
}

void
hmap_remove(struct hmap *m, struct hmap_node *node)
{
	struct hmap_node **at;

	if (m->n_buckets == 0)
		return;
	for (at = head_of(m, node->hash); *at != NULL; at = &(*at)->next) {
		if (*at == node) {
			/* node->next stays: a walk may stand on this node. */
			*at = node->next;
			m->n--;
			return;
		}
	}
}

static struct hmap_node *
with_hash(struct hmap_node *node, uint64_t hash)
{
	while (node != NULL && node->hash != hash)
		node = node->next;
	return node;
}

struct hmap_node *
hmap_first(const struct hmap *m, uint64_t hash)
{
	return m->n_buckets == 0 ? NULL : with_hash(*head_of(m, hash), hash);
}

struct hmap_node *
hmap_same(const struct hmap_node *node)
{
	return with_hash(node->next, node->hash);
}

static struct hmap_node *
from_bucket(const struct hmap *m, size_t *bucket)
{
	for (; *bucket < m->n_buckets; (*bucket)++) {
		if (m->bucket[*bucket] != NULL)
			return m->bucket[*bucket];
	}
	return NULL;
}

struct hmap_node *
hmap_any(const struct hmap *m, size_t *bucket)
{
	*bucket = 0;
	return from_bucket(m, bucket);
}

struct hmap_node *
hmap_any_next(const struct hmap *m, const struct hmap_node *node, size_t *bucket)
{
	if (node->next != NULL)
		return node->next;
	(*bucket)++;
	return from_bucket(m, bucket);
}
