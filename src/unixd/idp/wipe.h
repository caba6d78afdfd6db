/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Memory that held a secret is wiped before it goes back: bearer tokens live in libcurl's
 * buffers, in JSON trees and in our own strings, and none of them may be found in a core.
 */
#pragma once

#include <stddef.h>

/* free(3), wiping the whole block first. */
void wipe_free(void *p);
/* realloc(3) that never leaves the old bytes behind. */
void *wipe_realloc(void *p, size_t size);
/* Wipes and frees a string, and sets it to NULL. Also for cleanup_(). */
void wipe_string(char **s);
