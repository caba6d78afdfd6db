/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory for passwords and keys: pages of their own (mmap), kept out of core dumps
 * (MADV_DONTDUMP) and of fork()ed children (MADV_WIPEONFORK), locked where the limit allows
 * (a failed mlock is no error), wiped before they are given back. Host-safe: no malloc, so
 * that no page is shared with, or unlocked under, anything of the host's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"

struct secret {
	size_t cap; /* usable bytes of `data` */
	size_t len; /* bytes in use; the owner's */
	size_t map_len;
	uint8_t data[];
};

/* `cap` bytes, all zero; NULL: no memory (errno is left as it was). */
struct secret *must_use_ secret_new(size_t cap);
/* `len` bytes of `data` in a new one (cap = len + 1, NUL behind); NULL: no memory. */
struct secret *must_use_ secret_copy(const void *data, size_t len);
/* Wipes and unmaps; NULL is fine. Returns NULL. */
struct secret *secret_free(struct secret *s);
void secret_freep(struct secret **sp);
