/* SPDX-License-Identifier: MPL-2.0 */
/* /proc/self/mountinfo, line by line. */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"

struct mountinfo_entry {
	unsigned long id;
	char *root;  /* what of its file system is mounted, unescaped */
	char *point; /* where, unescaped */
};

/* Calls fn for each mount until it returns false. 0 or -errno. */
int must_use_ mountinfo_each(const char *path,
    bool (*fn)(void *arg, const struct mountinfo_entry *e), void *arg);

/* Parses one line in place; false: not such a line. */
bool mountinfo_parse(char *line, struct mountinfo_entry *ret_e);
