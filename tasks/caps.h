/* SPDX-License-Identifier: MPL-2.0 */
/* The privileges that are left of root's. */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"

enum caps_role {
	CAPS_HOMES,     /* CHOWN, FOWNER */
	CAPS_HOMES_NFS, /* and SETUID, SETGID, where homes are on NFS */
	CAPS_MOUNT,     /* SYS_ADMIN, DAC_READ_SEARCH */
};

/*
 * Gives up everything else, for good: permitted, effective, inheritable, ambient, and the
 * bounding set where that is allowed. What is not there to begin with is not asked for.
 * 0 or -errno.
 */
int must_use_ caps_drop(enum caps_role which);

/* "cap_chown,cap_fowner": what a role keeps where the unit leaves it that. Allocated. */
char *caps_role_text(enum caps_role role);
/* The same, as far as this process has them now. Allocated. */
char *caps_text(void);
/* True when this process may do something as another user. */
bool caps_can_become_others(void);
