/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Allocation that aborts the program, for our own programs only: systemd restarts the
 * daemon and the published map serves meanwhile. Sizes that came from a peer are capped
 * before they get here.
 */
#pragma once

#include <stddef.h>

#include "src/base/attr.h"

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *printf_(1, 2) xasprintf(const char *fmt, ...);

/* For cleanup_(freep). */
void freep(void *pp);
