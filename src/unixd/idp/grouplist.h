/* SPDX-License-Identifier: MPL-2.0 */
/*
 * All groups of the domain with their direct members, for the one question that needs
 * them: who is in this group, through however many groups? And the set of SPNs from which
 * an answer is made.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"

struct members;

/* SPNs, canonical, in any order, perhaps more than once. At most MODEL_MAX_MEMBERS. */
struct memberset {
	char *text; /* SPNs, each with its NUL */
	size_t len;
	size_t room;
	size_t n;
};

int must_use_ memberset_add(struct memberset *set, const char *spn); /* -E2BIG */
struct members *memberset_make(const struct memberset *set);
void memberset_clear(struct memberset *set);

struct grouplist;

struct grouplist *grouplist_new(void);
struct grouplist *grouplist_free(struct grouplist *l);

/* Building: a group, then its members. -E2BIG beyond a million of either. */
int must_use_ grouplist_add(struct grouplist *l, const struct uuid *uuid,
    const char *spn);
int must_use_ grouplist_add_member(struct grouplist *l, const char *spn);
/* Ready to be asked; may then be read from any one thread at a time. */
void grouplist_seal(struct grouplist *l);

/*
 * Everybody in the group, directly or through other groups; groups themselves left out.
 * 0, -ENOENT when the list has no such group, -E2BIG.
 */
int must_use_ grouplist_members(const struct grouplist *l, const struct uuid *uuid,
    struct members **ret_members);
