/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The people of the login groups, fetched before somebody asks for them, so that the first
 * lookup, key login and account check of the day work without the server.
 *
 * Which groups: `prefetch_groups`, or when that is not set pam_allowed_login_groups. A
 * group with up to `prefetch_max` members: everybody in it. A larger one: its record with
 * the names of its members, and nobody of them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/name.h"
#include "src/unixd/core/timers.h"

struct cache_group;
struct flight;
struct members;
struct resolver;

/* People over all groups; what would go beyond counts as too large. */
#define PREFETCH_PEOPLE 10000

struct prefetch_group {
	struct name name;      /* as configured, own domain not stripped */
	struct members *list;  /* whose people are fetched; NULL: nobody's */
	uint32_t list_version; /* of the cached group that has it, 0: none */
	bool absent;           /* the server said so */
	bool too_large;
	int32_t not_before; /* boot seconds */
};

struct prefetch_item {
	const char *name; /* both are a list's */
	const char *spn;
	int32_t not_before;
};

struct prefetch {
	struct prefetch_group *groups;
	size_t n_groups;
	unsigned max;

	struct prefetch_item *items; /* sorted by spn, each once */
	size_t n_items;
	struct prefetch_due {
		int32_t at; /* INT32_MIN: never fetched */
		uint32_t item;
	} * queue; /* who is due, in order, from `next` on */
	size_t n_queue;
	size_t next;
	size_t n_people;  /* items that are fetched here at all */
	size_t n_missing; /* of them, not known yet */
	int32_t next_due; /* of those not in the queue; INT32_MAX: nobody */

	struct timer timer;
	int64_t person_at; /* mono ns: nobody before that; 0: not begun */
	bool flying;       /* one of ours is out */
	bool out_is_group;
	char out[NAME_MAX_TEXT + 1]; /* its name as configured, or its spn */
	unsigned failures;           /* in a row */
	int64_t pause_until;         /* mono ns */
};

enum landing;

void prefetch_init(struct resolver *r);
void prefetch_deinit(struct resolver *r);
/* Configuration or domain may be others now. */
void prefetch_reconfigure(struct resolver *r);
void prefetch_link_is_up(struct resolver *r);
/* A flight with `ahead` ends. */
void prefetch_landed(struct resolver *r, const struct flight *f, enum landing how);
/* Seconds after which a person's record is asked for again. */
int32_t prefetch_renewal_s(const struct resolver *r);

/* Seconds after which the record of that person is written again though nothing in it has
 * changed, so that a restart does not find it older than it is. */
int32_t prefetch_store_again_s(const struct resolver *r, const char *spn);
int32_t prefetch_store_group_again_s(const struct resolver *r,
    const struct cache_group *cg);

/* prefetch_show.c. For status: one line, and one for each group; false: there is no i-th. */
void prefetch_describe(const struct resolver *r, char *buf, size_t cap);
bool prefetch_describe_group(const struct resolver *r, size_t i, char *buf, size_t cap);

/* prefetch_plan.c */

/* What is known of an item here. */
enum prefetch_person {
	PREFETCH_NOT,     /* not to be fetched: local, or left the group */
	PREFETCH_MISSING, /* never fetched */
	PREFETCH_KNOWN,
};
/* ret_due: boot seconds from which on it is to be asked for. */
enum prefetch_person prefetch_person(const struct resolver *r,
    const struct prefetch_item *it, int32_t *ret_due);
struct prefetch_item *prefetch_find(const struct prefetch *p, const char *spn);
/* Takes in lists that changed; true when some did. */
bool prefetch_adopt_lists(struct resolver *r);
/* Puts everybody who is due into the queue. */
void prefetch_survey(struct resolver *r);
/* What is left of it; items borrow from lists. */
void prefetch_forget_lists(struct prefetch *p);
int32_t prefetch_spread(int32_t renewal, const char *who);
