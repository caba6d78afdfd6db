/* SPDX-License-Identifier: MPL-2.0 */
/* A home directory: made once, whole or not at all; checked ever after. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "tasks/label.h"
#include "tasks/prefix.h"
#include "tasks/why.h"

struct home {
	const char *name; /* in the prefix; no path */
	uid_t uid;
	gid_t gid;
	const char *skel; /* directory to fill it from, or NULL */
	struct label *label;
	const char *shown; /* path that labels are looked up for */
};

enum home_result {
	HOME_MADE = 1,
	HOME_THERE = 2, /* a directory of the person's; nothing was changed */
};

/* Mode 0750. enum home_result, or -errno and *why: also -EEXIST for something that is there
 * and is not a directory of this uid. */
int must_use_ home_make(const struct prefix *p, const struct home *h, struct why *why);

/* Only the check: HOME_THERE, -ENOENT, -EEXIST … */
int must_use_ home_check(const struct prefix *p, const struct home *h, struct why *why);

/* Takes away what interrupted runs left in the prefix; returns how many. */
unsigned home_clean(const struct prefix *p);

#define HOME_TEMP_PREFIX ".kanidm-"
#define HOME_TEMP_LEN    (sizeof(HOME_TEMP_PREFIX) - 1 + 16)
/* A fresh name for something unfinished. */
int must_use_ home_temp_name(char out[HOME_TEMP_LEN + 1]);
bool home_is_temp_name(const char *name);
