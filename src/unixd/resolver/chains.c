/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Linear hashing. With m buckets, L the largest power of two that is not above m: a hash
 * belongs into bucket (h mod 2L), or, where that is not there yet, (h mod L). One more
 * bucket takes its things from exactly one other, so growing costs what one insertion costs.
 * Hashes are not kept: those of a bucket that is divided are computed again.
 */
#include "src/unixd/resolver/chains.h"

#include <stdlib.h>

#include "src/prog/xalloc.h"

#define FIRST_HEADS ((size_t)8)

void
chains_init(struct chains *t)
{
	*t = (struct chains){ 0 };
}

void
chains_deinit(struct chains *t)
{
	free(t->head);
	*t = (struct chains){ 0 };
}

void
chains_expect(struct chains *t, size_t n)
{
	if (t->head != NULL || n < FIRST_HEADS)
		return;
	t->n_heads = t->cap = n;
	t->head = xcalloc(t->cap, sizeof(*t->head));
}

static size_t
bucket_of(const struct chains *t, uint64_t hash)
{
	size_t low = (size_t)1 << (63 - __builtin_clzll(t->n_heads));
	size_t at = (size_t)hash & (2 * low - 1);

	return at < t->n_heads ? at : at & (low - 1);
}

static void
link_in(struct chains *t, const struct chains_of *of, const void *owner, uint32_t item)
{
	uint32_t *head = &t->head[bucket_of(t, of->hash(owner, item))];

	*of->next(owner, item) = *head;
	*head = item;
}

static void
add_bucket(struct chains *t, const struct chains_of *of, const void *owner)
{
	size_t low = (size_t)1 << (63 - __builtin_clzll(t->n_heads));
	size_t from = t->n_heads - low;
	uint32_t item, next;

	if (t->n_heads == t->cap) {
		t->cap += t->cap / 4;
		t->head = xreallocarray(t->head, t->cap, sizeof(*t->head));
	}
	t->head[t->n_heads++] = 0;
	item = t->head[from];
	t->head[from] = 0;
	for (; item != 0; item = next) {
		next = *of->next(owner, item);
		link_in(t, of, owner, item);
	}
}

void
chains_insert(struct chains *t, const struct chains_of *of, const void *owner,
    uint32_t item)
{
	if (t->head == NULL) {
		t->n_heads = t->cap = FIRST_HEADS;
		t->head = xcalloc(t->cap, sizeof(*t->head));
	} else if (t->n >= t->n_heads) {
		add_bucket(t, of, owner);
	}
	link_in(t, of, owner, item);
	t->n++;
}

void
chains_remove(struct chains *t, const struct chains_of *of, const void *owner,
    uint32_t item)
{
	uint32_t *at;

	if (t->head == NULL)
		return;
	at = &t->head[bucket_of(t, of->hash(owner, item))];
	while (*at != 0 && *at != item)
		at = of->next(owner, *at);
	if (*at == 0)
		return;
	*at = *of->next(owner, item);
	t->n--;
}

uint32_t
chains_first(const struct chains *t, uint64_t hash)
{
	return t->head == NULL ? 0 : t->head[bucket_of(t, hash)];
}

void
chains_prefetch(const struct chains *t, uint64_t hash)
{
	if (t->head != NULL)
		__builtin_prefetch(&t->head[bucket_of(t, hash)]);
}
