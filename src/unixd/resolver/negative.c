/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The negative cache exists for busy hosts on the internet, where password guessers ask
 * for names that never were. It must never be the reason why a person who exists does not:
 * so it is short, it dies with any success, and an expired entry means "not known".
 */
#include "src/unixd/resolver/negative.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

struct entry {
	struct hmap_node node;
	struct list lru;
	int64_t until;
	enum kind kind;
	char id[];
};

static struct entry *
entry_of(struct hmap_node *node)
{
	return container_of(node, struct entry, node);
}

static uint64_t
hash_of(enum kind kind, const char *id)
{
	return hmap_hash(id, strlen(id)) ^ (uint64_t)kind;
}

static struct entry *
find(const struct negative *n, enum kind kind, const char *id)
{
	struct hmap_node *node = hmap_first(&n->table, hash_of(kind, id));

	for (; node != NULL; node = hmap_same(node)) {
		if (entry_of(node)->kind == kind && streq(entry_of(node)->id, id))
			return entry_of(node);
	}
	return NULL;
}

static void
drop(struct negative *n, struct entry *e)
{
	hmap_remove(&n->table, &e->node);
	list_remove(&e->lru);
	n->n--;
	free(e);
}

void
negative_init(struct negative *n)
{
	hmap_init(&n->table);
	list_init(&n->lru);
	n->n = 0;
}

void
negative_clear(struct negative *n)
{
	while (!list_is_empty(&n->lru))
		drop(n, container_of(n->lru.next, struct entry, lru));
}

void
negative_deinit(struct negative *n)
{
	negative_clear(n);
	hmap_deinit(&n->table);
}

void
negative_add(struct negative *n, enum kind kind, const char *id, int64_t until)
{
	struct entry *e = find(n, kind, id);
	size_t len = strlen(id) + 1;

	if (e == NULL) {
		if (n->n >= NEGATIVE_MAX)
			drop(n, container_of(n->lru.next, struct entry, lru));
		e = xcalloc(1, sizeof(*e) + len);
		e->kind = kind;
		memcpy(e->id, id, len);
		list_init(&e->lru);
		hmap_insert(&n->table, &e->node, hash_of(kind, id));
		n->n++;
	}
	e->until = until;
	list_remove(&e->lru);
	list_append(&n->lru, &e->lru);
}

bool
negative_is_fresh(struct negative *n, enum kind kind, const char *id, int64_t now)
{
	struct entry *e = find(n, kind, id);

	if (e == NULL)
		return false;
	if (now >= e->until) {
		drop(n, e);
		return false;
	}
	list_remove(&e->lru);
	list_append(&n->lru, &e->lru);
	return true;
}

void
negative_forget(struct negative *n, enum kind kind, const char *id)
{
	struct entry *e = find(n, kind, id);

	if (e != NULL)
		drop(n, e);
}
