/* SPDX-License-Identifier: MPL-2.0 */
/* The handful of expressions every C program needs; nothing here allocates or fails. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Move a pointer out of a variable: the variable is NULL afterwards. */
#define TAKE_PTR(p)                        \
	__extension__({                    \
		__typeof__(p) take_ = (p); \
		(p) = NULL;                \
		take_;                     \
	})

static inline bool
streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}
