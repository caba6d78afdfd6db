/* SPDX-License-Identifier: MPL-2.0 */
/* Trees of files as root handles them: the copy of /etc/skel, and taking one away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "tasks/label.h"
#include "tasks/why.h"

#define TREE_MAX_DEPTH   32u
#define TREE_MAX_ENTRIES 10000u
#define TREE_MAX_BYTES   (256u * 1024u * 1024u)

struct tree_owner {
	bool set; /* false: what is made stays the caller's */
	uid_t uid;
	gid_t gid;
};

/*
 * Copies what is in `source` into `to`, an empty directory nobody else can reach. Links
 * stay links; modes are kept without setuid, setgid and sticky; sockets, devices, pipes and
 * what cannot be read are left out with a line in the log. `shown` is the path that labels
 * are looked up for. 0, or -errno and *why.
 */
int must_use_ tree_copy(const char *source, int to, const struct tree_owner *owner,
    struct label *label, const char *shown, struct why *why);

/*
 * Removes directory `name` in `dir` with all that is in it, whoever owns it: each directory
 * is made root's before it is read, so that nobody moves anything out of it any more
 * (what is the caller's own, by its fsuid, is only closed to others). Crosses no mount and
 * follows no link. `dir` must be root's. 0, or -errno and *why.
 */
int must_use_ tree_remove(int dir, const char *name, struct why *why);
