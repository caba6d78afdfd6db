/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a disk has of a directory when the power goes: per file the bytes of its last sync, and
 * the names of the directory's own last sync.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct power;

/* What is there now is on the disk. `names`: they are lost, too. */
struct power *power_new(const char *dir, bool names);
/* The thread syncs this descriptor. */
void power_synced(struct power *p, pid_t tid, int fd);
/* Makes the directory what the disk has of it. */
void power_lost(struct power *p);
struct power *power_free(struct power *p);
