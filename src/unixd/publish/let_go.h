/* SPDX-License-Identifier: MPL-2.0 */
/* Generations that nobody needs any more. */
#pragma once

#include "src/unixd/publish/gen.h"

struct lane;
struct loop;

struct let_go {
	struct loop *loop; /* borrowed; NULL: there is no other thread */
	struct lane *lane; /* NULL: not needed so far */
};

/* Unmaps *g, now or soon, and forgets it; on the loop thread. Nothing may point into it. */
void let_go(struct let_go *l, struct gen *g);
/* The same for `len` bytes of a mapping, in which `held` bytes are. NULL is nothing. */
void let_go_memory(struct let_go *l, uint8_t *base, size_t len, size_t held);
/* Waits for what is under way. */
void let_go_deinit(struct let_go *l);
