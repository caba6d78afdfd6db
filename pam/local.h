/* SPDX-License-Identifier: MPL-2.0 */
/* Does this host's own file have the name? */
#pragma once

#include "src/base/attr.h"

struct name;

/* A file beyond this is nobody's /etc/passwd. */
#define LOCAL_MAX_BYTES (16u << 20)

/*
 * 1: `path` has a line with this name (ASCII letters in any case); 2: and it is uid 0, or
 * its uid is not a number; 0: it has none, or there is no such file. -errno: it cannot be
 * told. errno is kept, no descriptor stays open.
 */
int must_use_ local_find(const char *path, const struct name *name);
