/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The records in memory, found by name, SPN, UUID and number, and which cached people are
 * in which group.
 *
 * A key is the canonical name without the own domain: "alice", but "bob@other.example" for
 * somebody from another domain, so that equal short names of two domains never meet. The
 * short name alone is always somebody of the own domain.
 *
 * A person's private group has no entry of its own: it is groups[0] of the person.
 *
 * Times are boot seconds and may be negative (records of an earlier boot).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/name.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"
#include "src/unixd/model/model.h"
#include "src/unixd/resolver/cast.h"
#include "src/unixd/resolver/chains.h"
#include "src/unixd/resolver/people.h"

#define CACHE_NEVER INT32_MIN

struct cache_times {
	int32_t fetched; /* when the server said so */
	int32_t soft_at;
	int32_t hard_at;
	int32_t
	    retry_at; /* not asked again before: a refresh went wrong or is under way */
	int64_t login_ms; /* mono: when a login last began to wait for it, 0: never */
};

struct cache_user {
	uint32_t next_key, next_uuid, next_uid; /* in their chains */
	uint32_t number;                        /* people.h */
	struct user *u;
	struct cache_times t;
	int32_t stored_at;  /* boot seconds of the last write, or of what was loaded */
	uint32_t uid;       /* accepted, what NSS shows */
	uint32_t published; /* id under which it is in the map, 0: not */
	uint32_t listed;    /* groups on whose list the person is */
	bool foreign;       /* of another domain */
	bool held;          /* uid belongs to another account: hidden, not in by_uid */
	uint8_t verdict;    /* view.c, as of `judged` */
	uint16_t judged;    /* 0: not judged */
};

struct cache_group {
	struct hmap_node by_key;
	struct hmap_node by_uuid;
	struct hmap_node by_gid;
	struct list dirty; /* to be published again */
	struct groupid *g;
	struct cast cast; /* who the server said is in it, and whose record names it */
	bool has_list;    /* the server has said who is in it */
	uint32_t n_listed;
	uint32_t list_version; /* of the list, never 0 while there is one */
	bool foreign;
	struct cache_times t;
	int32_t members_at; /* when, CACHE_NEVER */
	int32_t stored_at;
	uint32_t published;
	bool to_store;   /* the list is to be written when it is shown the next time */
	bool given;      /* people's records in the map may have its number */
	uint8_t verdict; /* likewise, and as of user_version */
	uint16_t judged;
	uint32_t judged_users;
};

struct cache {
	struct people people;
	struct chains u_key, u_uuid, u_uid;
	struct hmap g_key, g_uuid, g_gid;
	char own_domain[NAME_MAX_DOMAIN + 1];
	bool groups_removed;
	uint32_t list_versions; /* given out */
	uint32_t user_version;  /* another one when names or numbers of people change */
	struct cache_group **recent; /* a look here saves most hashes */
};

void cache_init(struct cache *c);
void cache_deinit(struct cache *c);
/* Forgets all records. */
void cache_clear(struct cache *c);

static inline size_t
cache_n_users(const struct cache *c)
{
	return c->u_uuid.n;
}

static inline size_t
cache_n_groups(const struct cache *c)
{
	return c->g_uuid.n;
}

/* True when `spn` is of another domain than ours (no domain known: never). */
bool cache_is_foreign(const struct cache *c, const char *spn);
/* The key under which an entry is filed: one of its two strings, or `name` cut from spn. */
const char *cache_key(const struct cache *c, const char *name, const char *spn);
/* The same for one that is filed. */
static inline const char *
cache_user_key(const struct cache_user *cu)
{
	return cu->foreign ? cu->u->spn : cu->u->name;
}
/* New own domain: everything is filed anew. */
void cache_set_domain(struct cache *c, const char *domain);

/* `key`: canonical, own domain stripped. */
struct cache_user *cache_user_by_key(const struct cache *c, const char *key);
struct cache_user *cache_user_by_uuid(const struct cache *c, const struct uuid *uuid);
struct cache_user *cache_user_by_uid(const struct cache *c, uint32_t uid);
struct cache_group *cache_group_by_key(const struct cache *c, const char *key);
struct cache_group *cache_group_by_uuid(const struct cache *c, const struct uuid *uuid);
struct cache_group *cache_group_by_gid(const struct cache *c, uint32_t gid);

/* The group that a record names. */
static inline struct cache_group *
cache_group_of(const struct cache *c, const struct groupid *g)
{
	return cache_group_by_uuid(c, &g->uuid);
}

/* Name, SPN or UUID. */
struct cache_user *cache_user_find(const struct cache *c, const struct name *name);
struct cache_group *cache_group_find(const struct cache *c, const struct name *name);

/*
 * Files a record; the caller has removed whoever had its key or uid, and filed the groups
 * it names. Takes over the reference. `held`: keep it out of the index by uid. Calls
 * touched(arg, group) for each group the person has come into or left.
 */
typedef void (*cache_touched_fn)(void *arg, struct cache_group *g);
struct cache_user *cache_user_add(struct cache *c, struct user *u, uint32_t uid,
    bool held, cache_touched_fn touched, void *arg);
/* New content for the same uuid. */
void cache_user_replace(struct cache *c, struct cache_user *cu, struct user *u,
    uint32_t uid, bool held, cache_touched_fn touched, void *arg);
void cache_user_remove(struct cache *c, struct cache_user *cu, cache_touched_fn touched,
    void *arg);

struct cache_group *cache_group_add(struct cache *c, struct groupid *g);
void cache_group_replace(struct cache *c, struct cache_group *cg, struct groupid *g);
/* The people who carry it stay; their records name a group that is not here. */
void cache_group_remove(struct cache *c, struct cache_group *cg);

/* cache_lists.c */
void cache_lists_forget(struct cache *c, const struct cache_group *cg);
/* The list as the server said it. True when it is another one than before. */
bool cache_group_set_members(struct cache *c, struct cache_group *cg,
    const struct members *m);
/* Takes somebody off the list. False: was not on it. */
bool cache_group_unlist(struct cache *c, struct cache_group *cg, uint32_t number);
/* The list again, in no order: `m` refers to *ret_v (free it) and to the records. */
void cache_group_members(const struct cache *c, const struct cache_group *cg,
    struct members *m, struct member **ret_v);

/* A list of its own, for keeping; NULL when there is none. */
struct members *cache_group_copy_list(const struct cache *c,
    const struct cache_group *cg);

struct cache_person {
	struct cache_user *cu; /* NULL: a stranger */
	const char *name;
	const char *spn;
	bool foreign;
	bool carries;
	bool listed;
};
/* The one at *pos, which goes on; false at the end. */
bool cache_group_person(const struct cache *c, const struct cache_group *cg, size_t *pos,
    struct cache_person *ret);
/* The next one in whose record the group is, or NULL. */
struct cache_user *cache_carrier(const struct cache *c, const struct cache_group *cg,
    size_t *pos);
/* The number of whoever has this SPN, 0: nobody. */
uint32_t cache_person_number(const struct cache *c, const char *spn);
/* So many people are about to be loaded into an empty cache. */
void cache_expect(struct cache *c, size_t n_users);
/* Memory that was for growing is given back. */
void cache_fit(struct cache *c);

/* The person's private group, or NULL. */
struct groupid *cache_private_group(const struct user *u);
/* Is groups[i] of the person the private one? */
bool cache_is_private(const struct user *u, const struct groupid *g);

/* Walk in no order; the current one may be removed before asking for the next. */
struct cache_user *cache_user_any(const struct cache *c, size_t *pos);
struct cache_user *cache_user_any_next(const struct cache *c, const struct cache_user *cu,
    size_t *pos);
struct cache_group *cache_group_any(const struct cache *c, size_t *pos);
struct cache_group *cache_group_any_next(const struct cache *c,
    const struct cache_group *cg, size_t *pos);
