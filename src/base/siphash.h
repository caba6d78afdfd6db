/* SPDX-License-Identifier: MPL-2.0 */
/* SipHash-1-3 (Aumasson, Bernstein): a keyed hash for tables whose keys others choose. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t k0;
	uint64_t k1;
};

uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len);
