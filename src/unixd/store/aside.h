/* SPDX-License-Identifier: MPL-2.0 */
/* Moving a database that cannot be used out of the way. Internal to this folder. */
#pragma once

/* How many PATH.broken-* are kept; the oldest go first. */
#define ASIDE_KEEP 5u

/*
 * Renames PATH, PATH-wal, PATH-shm and PATH-journal to PATH.broken-YYYYMMDD-HHMMSS (UTC)
 * and so on. The malloc'ed new path, or NULL with errno set.
 */
char *aside_move(const char *path);
