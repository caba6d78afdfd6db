/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the server said does not exist, for a minute. Bounded, least recently used goes
 * first; users and groups apart, so that a 404 for a user hides no group.
 *
 * `id` is the text that was asked: a canonical key, a UUID, or a number in decimal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"

#define NEGATIVE_MAX 1024

enum kind {
	KIND_USER,
	KIND_GROUP,
};

struct negative {
	struct hmap table;
	struct list lru; /* oldest first */
	size_t n;
};

void negative_init(struct negative *n);
void negative_deinit(struct negative *n);

/* Boot seconds. */
void negative_add(struct negative *n, enum kind kind, const char *id, int64_t until);
bool negative_is_fresh(struct negative *n, enum kind kind, const char *id, int64_t now);
void negative_forget(struct negative *n, enum kind kind, const char *id);
void negative_clear(struct negative *n);
