/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A sorted array. People get their numbers in the order they are heard of, so most that
 * come to a group come last, and nothing has to be moved for them.
 */
#include "src/unixd/resolver/cast.h"

#include <stdlib.h>
#include <string.h>

#include "src/prog/xalloc.h"

#define GUESSES 4u
#define FEW     4u

void
cast_deinit(struct cast *c)
{
	free(c->v);
	*c = (struct cast){ 0 };
}

/* Where `number` would be if those from `low` to `last`, between which it is, were evenly
 * spread. */
static uint32_t
guess(const struct cast *c, uint32_t low, uint32_t last, uint32_t number)
{
	uint32_t from = cast_number(c->v[low]), to = cast_number(c->v[last]);

	return low + (uint32_t)((uint64_t)(number - from) * (last - low) / (to - from));
}

/*
 * The first entry that is not below `number`. A few guesses leave little to be searched:
 * whoever is loaded joins ten lists of a thousand, and halving each takes ten steps that no
 * processor foresees.
 */
static uint32_t
place_of(const struct cast *c, uint32_t number)
{
	uint32_t low = 0, high = c->n;

	if (c->n > 0 && cast_number(c->v[c->n - 1]) < number)
		return c->n;
	for (unsigned i = 0; i < GUESSES && high - low > FEW; i++) {
		uint32_t at;

		/* Nobody is at `high`, or somebody who is not below. */
		if (cast_number(c->v[low]) >= number)
			return low;
		at = guess(c, low, high < c->n ? high : high - 1, number);
		if (cast_number(c->v[at]) >= number)
			high = at;
		else
			low = at + 1;
	}
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (cast_number(c->v[mid]) < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct cast *c, uint32_t place, uint32_t number)
{
	return place < c->n && cast_number(c->v[place]) == number;
}

uint32_t
cast_get(const struct cast *c, uint32_t number)
{
	uint32_t place = place_of(c, number);

	return is_at(c, place, number) ? c->v[place] & 3u : 0;
}

bool
cast_set(struct cast *c, uint32_t number, uint32_t flag)
{
	uint32_t place = place_of(c, number);

	if (is_at(c, place, number)) {
		if ((c->v[place] & flag) != 0)
			return false;
		c->v[place] |= flag;
		return true;
	}
	if (c->n == c->cap) {
		/* By a quarter: these lists are much of what a large site costs. */
		c->cap += c->cap / 4 + 4;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	memmove(c->v + place + 1, c->v + place, (c->n - place) * sizeof(*c->v));
	c->v[place] = number << 2 | flag;
	c->n++;
	return true;
}

bool
cast_unset(struct cast *c, uint32_t number, uint32_t flag)
{
	uint32_t place = place_of(c, number);

	if (!is_at(c, place, number) || (c->v[place] & flag) == 0)
		return false;
	c->v[place] &= ~flag;
	if ((c->v[place] & 3u) != 0)
		return true;
	c->n--;
	memmove(c->v + place, c->v + place + 1, (c->n - place) * sizeof(*c->v));
	return true;
}

void
cast_set_all(struct cast *c, uint32_t flag, const uint32_t *number, uint32_t n)
{
	uint32_t *v = xreallocarray(NULL, (size_t)c->n + n + 1, sizeof(*v));
	uint32_t i = 0, k = 0, total = 0;

	while (i < c->n || k < n) {
		uint32_t had = i < c->n ? cast_number(c->v[i]) : UINT32_MAX;
		uint32_t has = k < n ? number[k] : UINT32_MAX, entry;

		if (had <= has)
			entry = c->v[i++] & ~flag;
		else
			entry = has << 2;
		if (has <= had) {
			entry |= flag;
			k++;
		}
		if ((entry & 3u) != 0)
			v[total++] = entry;
	}
	free(c->v);
	*c = (struct cast){ v, total, 0 };
	cast_fit(c);
}

void
cast_fit(struct cast *c)
{
	if (c->n == 0) {
		cast_deinit(c);
		return;
	}
	c->v = xreallocarray(c->v, c->n, sizeof(*c->v));
	c->cap = c->n;
}
