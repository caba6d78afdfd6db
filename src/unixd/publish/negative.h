/* SPDX-License-Identifier: MPL-2.0 */
/* What the server lately said does not exist. The text stays in this process: the map gets
 * a keyed hash. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ku/map.h"

#define NEGATIVE_MAX 1024u

struct negative {
	uint64_t tag; /* quick comparison, keyed; 0: free */
	enum ku_map_kind kind;
	char *name; /* NULL: by id */
	uint32_t id;
	uint32_t until;
};

struct negatives {
	struct negative v[NEGATIVE_MAX];
	uint64_t key[2];
	size_t n;
	size_t hand; /* where the next one goes when all are taken */
};

void negatives_init(struct negatives *ns);
void negatives_clear(struct negatives *ns);

struct negative *negatives_find(struct negatives *ns, enum ku_map_kind kind,
    const char *name, uint32_t id);
/* A free place, or the oldest one: the caller has first to take that out of the map, and
 * then calls negatives_set(). */
struct negative *negatives_place(struct negatives *ns);
void negatives_set(struct negatives *ns, struct negative *n, enum ku_map_kind kind,
    const char *name, uint32_t id, uint32_t until);
void negatives_drop(struct negatives *ns, struct negative *n);
