/* SPDX-License-Identifier: MPL-2.0 */
/* The processes through which libc asks for names instead of loading the module itself. */
#pragma once

#include <stddef.h>

struct cacher {
	char pid[16];
	char program[32]; /* "nscd", or "nsncd", which keeps nothing */
};

/* Those that run on the host below `root` ("" for this one), at most `cap`. A program of such
 * a name that an ordinary user has started is none. */
size_t cachers_find(const char *root, struct cacher *v, size_t cap);
