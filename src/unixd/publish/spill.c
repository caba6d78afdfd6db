/* SPDX-License-Identifier: MPL-2.0 */
/*
 * An arena of its own mapping, so that the memory of a hundred thousand records goes back
 * to the system in one piece when the first generation has been written.
 */
#include "src/unixd/publish/spill.h"

#include <string.h>
#include <sys/mman.h>

#include "src/unixd/publish/record.h"

#define SPILL_MIN 65536u
#define SPILL_MAX (UINT32_MAX - 8u)

static int
grow(struct spill *s, size_t need)
{
	size_t cap = s->cap == 0 ? SPILL_MIN : s->cap;
	void *base;

	while (cap < need)
		cap *= 2;
	if (s->base == NULL)
		base = mmap(NULL, cap, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else
		base = mremap(s->base, s->cap, cap, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		return -1;
	s->base = base;
	s->cap = cap;
	return 0;
}

uint32_t
spill_add(struct spill *s, const uint8_t *rec, uint32_t size)
{
	uint32_t off;

	if (s->used == 0)
		s->used = KU_MAP_ALIGN;
	if (size > SPILL_MAX - s->used)
		return 0;
	if (s->used + size > s->cap && grow(s, s->used + size) != 0)
		return 0;
	off = (uint32_t)s->used;
	memcpy(s->base + off, rec, size);
	s->used += size;
	return off;
}

uint8_t *
spill_at(const struct spill *s, uint32_t off)
{
	return s->base + off;
}

void
spill_drop(struct spill *s, uint32_t off)
{
	s->garbage += record_size(s->base + off);
}

void
spill_all_stale(struct spill *s)
{
	for (size_t off = KU_MAP_ALIGN; off < s->used; off += record_size(s->base + off))
		record_set_word(s->base + off, KU_MAP_E_FRESH, 0);
}

void
spill_clear(struct spill *s)
{
	if (s->base != NULL)
		(void)munmap(s->base, s->cap);
	*s = (struct spill){ 0 };
}
