/* SPDX-License-Identifier: MPL-2.0 */
/* Opening one name in one directory, and nothing that name might lead to. */
#pragma once

#include <sys/types.h>

#include "src/base/attr.h"

/*
 * Opens `name`, one component, in the directory `dir`; never follows a link. CLOEXEC.
 * `mode` counts with O_CREAT only. The descriptor, or -errno.
 */
int must_use_ at_open(int dir, const char *name, int flags, mode_t mode);
