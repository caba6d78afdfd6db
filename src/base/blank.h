/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What libc passes over in front of a name or a number in /etc/passwd and /etc/group: isspace()
 * of the C locale, but for the end of the line. Whoever decides what is local reads those files
 * as libc does, or an account that libc knows is nobody's.
 */
#pragma once

#include <stdbool.h>

#define BLANKS " \t\r\v\f"

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}
