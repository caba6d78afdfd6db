/* SPDX-License-Identifier: MPL-2.0 */
/* Which generation a call reads, and when an old one may go. Internal to src/map. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/map/view.h"

#define HOLD_ENUM_SECONDS 60u

/* A generation for the length of one call: a slot that cannot be unmapped meanwhile, or a
 * descriptor of its own. */
struct access {
	const struct map_view *view;
	uint32_t slot; /* number + 1; 0: `own` */
	uint32_t lease;
	bool live;  /* state LIVE */
	bool alive; /* the lease is valid: the daemon runs */
	struct map_view own;
	sigset_t mask; /* of the caller, while `own` is open */
};

/* CLOCK_BOOTTIME in seconds. */
uint32_t hold_now(void);

/* False: there is no map to use. Otherwise hold_release() must follow. */
bool must_use_ hold_acquire(struct map *m, uint32_t now, struct access *a);

/* The generation that enumeration `which` (0 or 1) keeps to, if it is the one with the
 * number `tag` under `mask`. */
bool must_use_ hold_acquire_held(struct map *m, unsigned which, uint32_t tag,
    uint32_t mask, uint32_t now, struct access *a);

void hold_release(struct map *m, struct access *a);

/* Keep to the generation of `a`; drop what is kept to. */
void hold_keep(struct map *m, unsigned which, const struct access *a, uint32_t now);
void hold_drop(struct map *m, unsigned which);

void hold_close(struct map *m);
