/* SPDX-License-Identifier: MPL-2.0 */
/*
 * At most a thousand of them, searched from end to end: they are looked through when a
 * record appears, and most of the time there are none. People type passwords where a name
 * is asked for, so this text is wiped when it goes, and never leaves the process.
 */
#include "src/unixd/publish/negative.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "src/base/siphash.h"
#include "src/prog/xalloc.h"

void
negatives_init(struct negatives *ns)
{
	memset(ns, 0, sizeof(*ns));
	(void)!getrandom(ns->key, sizeof(ns->key), 0);
}

static uint64_t
tag_of(const struct negatives *ns, enum ku_map_kind kind, const char *name, uint32_t id)
{
	struct siphash_key key = { ns->key[0] ^ (uint64_t)kind,
		ns->key[1] ^ (uint64_t)(name == NULL) };
	uint64_t tag = name != NULL ? siphash13(&key, name, strlen(name))
				    : siphash13(&key, &id, sizeof(id));

	return tag == 0 ? 1 : tag;
}

static bool
is_same(const struct negative *n, enum ku_map_kind kind, const char *name, uint32_t id)
{
	if (n->kind != kind || (n->name == NULL) != (name == NULL))
		return false;
	return name != NULL ? strcmp(n->name, name) == 0 : n->id == id;
}

struct negative *
negatives_find(struct negatives *ns, enum ku_map_kind kind, const char *name, uint32_t id)
{
	uint64_t tag;

	if (ns->n == 0)
		return NULL;
	tag = tag_of(ns, kind, name, id);
	for (size_t i = 0; i < NEGATIVE_MAX; i++)
		if (ns->v[i].tag == tag && is_same(&ns->v[i], kind, name, id))
			return &ns->v[i];
	return NULL;
}

struct negative *
negatives_place(struct negatives *ns)
{
	struct negative *n = &ns->v[ns->hand];

	for (size_t i = 0; ns->n < NEGATIVE_MAX && n->tag != 0; i++)
		n = &ns->v[(ns->hand + i) % NEGATIVE_MAX];
	ns->hand = ((size_t)(n - ns->v) + 1) % NEGATIVE_MAX;
	return n;
}

void
negatives_set(struct negatives *ns, struct negative *n, enum ku_map_kind kind,
    const char *name, uint32_t id, uint32_t until)
{
	negatives_drop(ns, n);
	*n = (struct negative){ .tag = tag_of(ns, kind, name, id),
		.kind = kind,
		.name = name != NULL ? xstrdup(name) : NULL,
		.id = id,
		.until = until };
	ns->n++;
}

void
negatives_drop(struct negatives *ns, struct negative *n)
{
	if (n->tag == 0)
		return;
	if (n->name != NULL) {
		explicit_bzero(n->name, strlen(n->name));
		free(n->name);
	}
	*n = (struct negative){ 0 };
	ns->n--;
}

void
negatives_clear(struct negatives *ns)
{
	for (size_t i = 0; i < NEGATIVE_MAX; i++)
		negatives_drop(ns, &ns->v[i]);
}
