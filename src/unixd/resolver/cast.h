/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is in one group, from both sources: on the list that the server gave of the group
 * (LISTED), or somebody whose own record names the group (CARRIES). Four bytes a person,
 * in order of their numbers (people.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAST_CARRIES 1u
#define CAST_LISTED  2u

struct cast {
	uint32_t *v; /* number << 2 | flags */
	uint32_t n;
	uint32_t cap;
};

static inline uint32_t
cast_number(uint32_t entry)
{
	return entry >> 2;
}

void cast_deinit(struct cast *c);
/* Flags of a person, 0: not in it. */
uint32_t cast_get(const struct cast *c, uint32_t number);
/* False: had it. */
bool cast_set(struct cast *c, uint32_t number, uint32_t flag);
/* False: had it not. */
bool cast_unset(struct cast *c, uint32_t number, uint32_t flag);
/* The people with `flag` are exactly these, ascending, each once; other flags stay. */
void cast_set_all(struct cast *c, uint32_t flag, const uint32_t *number, uint32_t n);
/* No room that is not needed. */
void cast_fit(struct cast *c);
