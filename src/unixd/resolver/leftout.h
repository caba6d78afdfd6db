/* SPDX-License-Identifier: MPL-2.0 */
/*
 * People whom the server lists as members of a group and then says do not exist (a group
 * inside a group, an account without POSIX attributes). They stay off the list for as long
 * as the server sends that same list, so that each refresh does not bring them back.
 */
#pragma once

#include <stddef.h>

#include "src/base/uuid.h"
#include "src/unixd/core/list.h"

#define LEFTOUT_GROUPS 256

struct members;

struct leftouts {
	struct list groups;
	size_t n;
};

void leftout_init(struct leftouts *l);
void leftout_clear(struct leftouts *l);

/* The server knows nobody of that spn. `shown`: the list in use, spn still on it. */
void leftout_add(struct leftouts *l, const struct uuid *group, struct members *shown,
    const char *spn);
/* She exists after all. */
void leftout_readmit(struct leftouts *l, const char *spn);
/* What is to be used of the list that came from the server: a new reference. */
struct members *leftout_apply(struct leftouts *l, const struct uuid *group,
    struct members *list);
