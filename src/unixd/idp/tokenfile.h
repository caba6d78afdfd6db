/* SPDX-License-Identifier: MPL-2.0 */
/* The service account's token: first line of a file. */
#pragma once

#include "src/base/attr.h"

struct tokenfile {
	char *path;   /* malloc'ed; NULL: none configured */
	char *bearer; /* NULL: there is no such file */
	char problem[160];
};

/* On the lane: a disk may hang. Sets bearer, or problem, or neither (no file). */
void tokenfile_read(struct tokenfile *t) ON_WORKER;
void tokenfile_clear(struct tokenfile *t);
