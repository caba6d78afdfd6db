/* SPDX-License-Identifier: MPL-2.0 */
/* How many generations the last hour saw, to the minute. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RATE_MINUTES 60

struct rate {
	uint16_t n[RATE_MINUTES];
	int64_t minute; /* of the newest place */
};

static inline void
rate_move(struct rate *r, int64_t minute)
{
	int64_t from = minute - r->minute > RATE_MINUTES ? minute - RATE_MINUTES
							 : r->minute;

	while (++from <= minute)
		r->n[from % RATE_MINUTES] = 0;
	if (minute > r->minute)
		r->minute = minute;
}

static inline void
rate_count(struct rate *r, int64_t minute)
{
	rate_move(r, minute);
	r->n[r->minute % RATE_MINUTES]++;
}

static inline size_t
rate_sum(const struct rate *r, int64_t minute)
{
	struct rate moved = *r;
	size_t sum = 0;

	rate_move(&moved, minute);
	for (unsigned i = 0; i < RATE_MINUTES; i++)
		sum += moved.n[i];
	return sum;
}
