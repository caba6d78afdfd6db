/* SPDX-License-Identifier: MPL-2.0 */
/*
 * UUIDs, the only identity of an entry that never changes. One text form is accepted: the
 * braces, URNs and bare 32 digits that others take would be further spellings of a name.
 */
#include "src/base/uuid.h"

#include <errno.h>

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_hyphen_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

int
uuid_parse(const char *text, size_t len, struct uuid *ret_uuid)
{
	struct uuid u = { { 0 } };
	size_t at = 0;

	if (len != UUID_TEXT_LEN)
		return -EINVAL;
	for (size_t i = 0; i < UUID_TEXT_LEN;) {
		int hi, lo;

		if (is_hyphen_place(i)) {
			if (text[i++] != '-')
				return -EINVAL;
			continue;
		}
		hi = hex_value(text[i]);
		lo = hex_value(text[i + 1]);
		if (hi < 0 || lo < 0)
			return -EINVAL;
		u.b[at++] = (uint8_t)(hi << 4 | lo);
		i += 2;
	}
	*ret_uuid = u;
	return 0;
}

void
uuid_format(const struct uuid *uuid, char out[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(uuid->b); i++) {
		if (is_hyphen_place(at))
			out[at++] = '-';
		out[at++] = digits[uuid->b[i] >> 4];
		out[at++] = digits[uuid->b[i] & 0x0f];
	}
	out[at] = '\0';
}
