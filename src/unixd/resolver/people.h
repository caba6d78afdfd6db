/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A small number for everybody who may be in a group: cached people, and strangers, who are
 * on some group's list but have not been looked up. Groups keep these numbers (cast.h), so
 * that a name is in memory once however many groups it is in, and a walk over everybody is
 * one that can be interrupted.
 *
 * Somebody is the same person by name and SPN. Who is forgotten while on a list becomes a
 * stranger; a stranger who is looked up becomes a cached person of the same number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/resolver/chains.h"

struct cache_user;

struct stranger {
	uint32_t next;
	uint32_t listed; /* groups that list this person; at least one */
	uint32_t spn_at; /* in `text`, behind the name */
	char text[];
};

struct people {
	uintptr_t *slot; /* cached person, stranger, or a free number */
	uint32_t n;      /* numbers ever given out, and 0 */
	uint32_t cap;
	uint32_t free;
	struct chains strangers; /* by SPN */
};

void people_init(struct people *p);
/* Strangers only; cached people are the cache's. */
void people_deinit(struct people *p);

uint32_t people_add(struct people *p, struct cache_user *cu);
void people_remove(struct people *p, uint32_t number);
/* NULL: a stranger, or nobody. */
struct cache_user *people_user(const struct people *p, uint32_t number);
/* Soon this one will be looked at. */
void people_prefetch(const struct people *p, uint32_t number);
/* Soon the stranger of this hash will be looked for: each step asks for the memory that the
 * one after it reads, and is to be done for some others before that. */
uint64_t people_hash(const char *spn);
void people_prefetch_head(const struct people *p, uint64_t hash);
void people_prefetch_slot(const struct people *p, uint64_t hash);
void people_prefetch_stranger(const struct people *p, uint64_t hash);
struct stranger *people_stranger(const struct people *p, uint32_t number);
/* 0: there is no such stranger. `name` NULL: whatever it is. */
uint32_t people_find_stranger(const struct people *p, const char *name, const char *spn);
uint32_t people_find_hashed(const struct people *p, uint64_t hash, const char *name,
    const char *spn);
/* A new one; counted by the caller. */
uint32_t people_add_stranger(struct people *p, const char *name, const char *spn);
/* The number changes its kind. */
void people_make_stranger(struct people *p, uint32_t number, const char *name,
    const char *spn, uint32_t listed);
/* How many groups list them. */
uint32_t people_make_user(struct people *p, uint32_t number, struct cache_user *cu);
