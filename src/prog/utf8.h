/* SPDX-License-Identifier: MPL-2.0 */
/* Is it UTF-8: the one question the TOML reader and the JSON writer share. */
#pragma once

#include <stddef.h>

/* Bytes of the well-formed sequence at `s` (`left` bytes, at least 1), or 0: overlong
 * forms, surrogates and code points beyond U+10FFFF are not well-formed. */
static inline size_t
utf8_length(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1
	    : s[0] < 0xc2      ? 0
	    : s[0] < 0xe0      ? 2
	    : s[0] < 0xf0      ? 3
			       : 4;

	if (n == 0 || s[0] > 0xf4 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}
