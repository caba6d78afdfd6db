/* SPDX-License-Identifier: MPL-2.0 */
/* Records that are in no generation (yet): before the first one, and while none can be
 * written. Offsets are never 0. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct spill {
	uint8_t *base;
	size_t cap;
	size_t used;
	size_t garbage;
};

/* 0 when there is no memory for it. */
uint32_t spill_add(struct spill *s, const uint8_t *rec, uint32_t size);
uint8_t *spill_at(const struct spill *s, uint32_t off);
void spill_drop(struct spill *s, uint32_t off);
void spill_all_stale(struct spill *s);
void spill_clear(struct spill *s);
