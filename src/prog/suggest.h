/* SPDX-License-Identifier: MPL-2.0 */
/* "did you mean": the nearest of some words. */
#pragma once

#include <stddef.h>

/*
 * Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`,
 * ASCII case ignored. Words longer than 64 bytes are as far apart as the longer is long.
 */
size_t suggest_distance(const char *a, const char *b);

/* Keeps the better of *best (may be NULL) and `candidate` for what was typed; a candidate
 * that is too far away to be a slip is never taken. */
void suggest_consider(const char *typed, const char *candidate, const char **best);
