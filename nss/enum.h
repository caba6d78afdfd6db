/* SPDX-License-Identifier: MPL-2.0 */
/*
 * getXXent: the one thing an NSS module must remember between calls, kept as two words and
 * no descriptor. Any number of threads may enumerate at once: each entry goes to exactly one
 * of them, as with the C library's own databases.
 */
#pragma once

#include <nss.h>
#include <stddef.h>
#include <stdint.h>

#include "nss/ask.h"
#include "nss/pack.h"

/* All zeros is "at the beginning". */
struct enum_state {
	uint64_t cursor; /* the map's */
	uint64_t walk;   /* the daemon's, once there was no map: flags and the last id */
};

/* Where one entry goes, and how it is got. */
struct enum_target {
	uint16_t op;
	size_t max_len;
	enum map_answer (*from_map)(uint64_t *cursor, struct enum_target *t);
	/* Sets t->id. */
	enum answer (
	    *pack)(const uint8_t head[PACK_HEAD_LEN], size_t len, struct enum_target *t);

	void *result;
	char *buf;
	size_t cap;
	uint32_t id;
};

void enum_reset(struct enum_state *s);
enum nss_status enum_next(struct enum_state *s, struct enum_target *t, int *errnop);
