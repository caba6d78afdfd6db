/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The header of a generation, checked once and copied out of reach: what a hostile writer
 * does to those words afterwards changes nothing. The length comes from fstat and must be
 * the one the file claims, so a file that was cut before it was opened is no map at all.
 */
#include "src/map/view.h"

#include <errno.h>

bool
view_pread(const struct map_view *v, uint32_t off, void *to, uint32_t n)
{
	uint8_t *p = to;

	while (n > 0) {
		ssize_t got = pread(v->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		off += (uint32_t)got;
		n -= (uint32_t)got;
	}
	return true;
}

bool
view_equal(const struct map_view *v, uint32_t off, const char *text, size_t len)
{
	char copy[NAME_MAX_TEXT];

	if (len > sizeof(copy) || !view_has(v, off, (uint32_t)len))
		return false;
	if (v->base != NULL)
		return memcmp(v->base + off, text, len) == 0;
	return view_pread(v, off, copy, (uint32_t)len) && memcmp(copy, text, len) == 0;
}

static uint64_t
two_words(const uint32_t *w)
{
	return (uint64_t)w[0] | (uint64_t)w[1] << 32;
}

static bool
tables_fit(struct map_view *v, const uint32_t *w)
{
	for (unsigned i = 0; i < KU_MAP_N_TABLES; i++) {
		uint32_t off = w[2 * i], n = w[2 * i + 1];

		if (n == 0 || off % 4 != 0 || off < KU_MAP_HEADER_LEN || off > v->len ||
		    n > (v->len - off) / 4)
			return false;
		v->table[i].off = off;
		v->table[i].n = n;
	}
	return true;
}

bool
view_open(struct map_view *v, int fd, uint32_t len)
{
	uint32_t w[KU_MAP_H_STATE + 1];

	memset(v, 0, sizeof(*v));
	v->fd = fd;
	v->len = len;
	if (len < KU_MAP_HEADER_LEN || !view_pread(v, 0, w, sizeof(w)))
		return false;
	if (w[KU_MAP_H_MAGIC_LO] != KU_MAP_MAGIC_LO ||
	    w[KU_MAP_H_MAGIC_HI] != KU_MAP_MAGIC_HI ||
	    w[KU_MAP_H_VERSION] != KU_MAP_VERSION || w[KU_MAP_H_LEN] != len)
		return false;
	v->generation = w[KU_MAP_H_GENERATION];
	v->seed[0] = two_words(w + KU_MAP_H_SEED);
	v->seed[1] = two_words(w + KU_MAP_H_SEED + 2);
	v->data = w[KU_MAP_H_DATA];
	v->base_end = w[KU_MAP_H_BASE_END];
	v->max_ttl = w[KU_MAP_H_MAX_TTL];
	v->offline_limit = w[KU_MAP_H_OFFLINE];
	v->domain_len = w[KU_MAP_H_DOMAIN_LEN];
	if (v->data % KU_MAP_ALIGN != 0 || v->data < KU_MAP_HEADER_LEN || v->data > len ||
	    v->base_end < v->data || v->base_end > len || v->domain_len > NAME_MAX_DOMAIN)
		return false;
	return tables_fit(v, w + KU_MAP_H_TABLES);
}
