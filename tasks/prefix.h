/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The directory in which homes or aliases are made, opened and found trustworthy: only root
 * can change what is in it, and only root can change which directory the path leads to.
 */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"
#include "tasks/why.h"

struct prefix {
	int fd;     /* O_PATH */
	char *path; /* as configured, without a slash at its end; "" is the root */
	char *real; /* the same without links */
	bool is_nfs;
};

/* 0, or -errno and *why; prefix_close() in both cases. */
int must_use_ prefix_open(const char *path, struct prefix *ret_p, struct why *why);
void prefix_close(struct prefix *p);

/* True when the path's file system is NFS; false also when it cannot be told. */
bool prefix_path_is_nfs(const char *path);
