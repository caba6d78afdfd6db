/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is in a group, transitively, in as few requests as the server allows:
 *
 *  1. one SCIM query for the POSIX accounts that have the group among their groups; the
 *     server refuses it to callers without an API token when more than 1,024 entries
 *     match, and a group it was refused for is not asked about that way for an hour;
 *  2. then all groups of the domain with their direct members, fetched once for everybody
 *     who asks within 30 s, and the closure over it;
 *  3. when that fails too, the group's direct members.
 */
#pragma once

#include <stdbool.h>

#include "src/base/uuid.h"
#include "src/unixd/core/list.h"
#include "src/unixd/idp/kanidm.h"

struct loop;
struct members;
struct memberlist;
struct memberlist_query;

typedef void (*memberlist_fn)(struct memberlist_query *q);

struct memberlist_query {
	struct uuid uuid;
	memberlist_fn done;
	struct members *members; /* when done: the caller's; NULL: could not be learnt */

	/* memberlist.c's. */
	struct memberlist *owner;
	struct session_request request;
	struct list link;
	char path[256];
	int result;
	bool refused;
};

struct memberlist *memberlist_new(struct loop *l, struct http *http, struct session *s);
/* After the http lane has been freed. */
struct memberlist *memberlist_free(struct memberlist *ml);

/* `done` comes later, on the loop. */
void memberlist_ask(struct memberlist *ml, struct memberlist_query *q);

/* What was fetched counts no more. */
void memberlist_forget(struct memberlist *ml);
