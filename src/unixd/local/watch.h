/* SPDX-License-Identifier: MPL-2.0 */
/*
 * inotify on the directories of a few files, because tools replace /etc/passwd by
 * rename(): a watch on the file itself would follow the old inode into oblivion.
 * Internal to this folder.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define WATCH_MAX_FILES 2u

struct watch {
	int fd;      /* -1: no inotify here */
	bool placed; /* every directory has its watch */
	size_t n;
	const char *path[WATCH_MAX_FILES]; /* borrowed */
	char *real[WATCH_MAX_FILES];       /* where the path leads; NULL: nowhere */
};

void watch_init(struct watch *w, const char *const *paths, size_t n);
void watch_deinit(struct watch *w);

/* (Re)places the watches: the directory of each path and of what it links to. */
void watch_place(struct watch *w);

/* Reads all pending events. touched[i] becomes true when path i was among them. */
void watch_drain(struct watch *w, bool *touched);
