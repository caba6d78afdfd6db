/* SPDX-License-Identifier: MPL-2.0 */
/*
 * People whom the server lists as members of a group and then says do not exist (a group
 * inside a group, an account without POSIX attributes). They stay off the list for as long
 * as the server sends that same list, so that each refresh does not bring them back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
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

/* What is kept of a list: begin with { 0 }, add everybody on it once, in any order. */
struct leftout_print {
	uint64_t sum;
	uint32_t n;
};
void leftout_print_add(struct leftout_print *p, const char *spn);

/* The server knows nobody of that spn. False: leftout_add() has to say of which list. */
bool must_use_ leftout_more(struct leftouts *l, const struct uuid *group,
    const char *spn);
/* `shown`: of the list in use, spn still on it. */
void leftout_add(struct leftouts *l, const struct uuid *group,
    const struct leftout_print *shown, const char *spn);
/* She exists after all. */
void leftout_readmit(struct leftouts *l, const char *spn);
/* What is to be used of the list that came from the server: a new reference. */
struct members *leftout_apply(struct leftouts *l, const struct uuid *group,
    struct members *list);
