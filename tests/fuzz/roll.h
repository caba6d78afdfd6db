/* SPDX-License-Identifier: MPL-2.0 */
/* Chance from the input: what of libc fails, and how bytes come in pieces. */
#pragma once

/* Below n. The seed is not 0 afterwards: 0 says that nothing fails. */
static inline unsigned
roll(unsigned *seed, unsigned n)
{
	*seed = (*seed * 1103515245u + 12345u) | 1u;
	return (*seed >> 16) % n;
}
