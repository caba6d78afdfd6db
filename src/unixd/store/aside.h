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

/* PATH itself has been moved by a run that was ended then: the others go after it. */
void aside_rest(const char *path);

/* What was renamed in the directory of the path stays so when the power goes. */
void aside_sync(const char *path);
