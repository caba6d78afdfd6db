/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reading one generation, mapped or through a descriptor, without believing it: every load
 * is checked against the length that fstat gave, happens once, and goes into a local.
 * Internal to src/map.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "ku/map.h"
#include "src/base/attr.h"
#include "src/map/map.h"

/* Checks the header of the file on `fd`, `len` bytes long, all but its state, and fills *v
 * (base NULL). The caller sets dev and ino, and base when it maps the file. */
bool must_use_ view_open(struct map_view *v, int fd, uint32_t len);

/* The slow half of view_words() and view_bytes(). */
bool must_use_ view_pread(const struct map_view *v, uint32_t off, void *to, uint32_t n);

static inline bool
view_has(const struct map_view *v, uint32_t off, uint32_t n)
{
	return n <= v->len && off <= v->len - n;
}

/* Loads `n` words from a multiple of 4. They are what another process stored at some time,
 * each for itself; false when they are not all inside. */
static inline bool must_use_
view_words(const struct map_view *v, uint32_t off, uint32_t *to, uint32_t n)
{
	const uint32_t *from;

	if (off % 4 != 0 || !view_has(v, off, n * 4))
		return false;
	if (v->base == NULL)
		return view_pread(v, off, to, n * 4);
	from = (const uint32_t *)(const void *)(v->base + off);
	for (uint32_t i = 0; i < n; i++)
		to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
	return true;
}

/* One word with acquire: what was stored before it can be seen. */
static inline bool must_use_
view_word(const struct map_view *v, uint32_t off, uint32_t *to)
{
	if (off % 4 != 0 || !view_has(v, off, 4))
		return false;
	if (v->base == NULL)
		return view_pread(v, off, to, 4);
	*to = __atomic_load_n((const uint32_t *)(const void *)(v->base + off),
	    __ATOMIC_ACQUIRE);
	return true;
}

static inline bool must_use_
view_bytes(const struct map_view *v, uint32_t off, void *to, uint32_t n)
{
	if (!view_has(v, off, n))
		return false;
	if (v->base == NULL)
		return view_pread(v, off, to, n);
	memcpy(to, v->base + off, n);
	return true;
}

/* Do these bytes of the file equal `text`? */
bool view_equal(const struct map_view *v, uint32_t off, const char *text, size_t len);

/* A header word that may change; 0 when it cannot be read. */
static inline uint32_t
view_header(const struct map_view *v, enum ku_map_header_word word)
{
	uint32_t value;

	return view_word(v, (uint32_t)word * 4, &value) ? value : 0;
}

/* Is `at` in the future, and by no more than our own daemon could have meant? */
static inline bool
view_ahead(uint32_t at, uint32_t now, uint32_t most)
{
	return at > now && at - now <= most;
}
