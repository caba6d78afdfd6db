/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SELinux labels of what is made for a home. Without libselinux (KU_SELINUX), without
 * SELinux in the kernel, or with `selinux = false` all of it does nothing.
 */
#pragma once

#include <sys/types.h>

#include "src/base/attr.h"
#include "tasks/why.h"

struct label;

/* "+selinux" or "-selinux". */
extern const char *const label_build;

enum label_wish {
	LABEL_NEVER,     /* selinux = false */
	LABEL_IF_THERE,  /* nothing is said about it */
	LABEL_ASKED_FOR, /* selinux = true is in the file */
};

/* NULL: no labels, which is no failure; why->text says why, or is "". */
struct label *label_new(enum label_wish wish, struct why *why);
struct label *label_free(struct label *l);

/* What this thread creates next gets the label that the policy has for `path` and the file
 * type of `mode`. 0, or -errno and *why. `l` may be NULL. */
int must_use_ label_next(struct label *l, const char *path, mode_t mode, struct why *why);
/* What it creates afterwards gets the default again. */
void label_done(struct label *l);
