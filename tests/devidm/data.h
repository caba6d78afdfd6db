/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The directory: every person, service account and group, in creation order, with one
 * flat case-insensitive index over spn, name, decimal gid and UUID, as the server has it.
 * Callers hold store->mu for every call and for as long as they keep an entry.
 */
#pragma once

#include <pthread.h>

#include "tests/devidm/util.h"

#define UUID_ANONYMOUS   "00000000-0000-0000-0000-ffffffffffff"
#define UUID_UNIX_READ   "00000000-0000-0000-0000-000000000053"
#define UUID_ALL_PERSONS "00000000-0000-0000-0000-000000000035"
#define UUID_ALL_ACCTS   "00000000-0000-0000-0000-000000000036"
#define UUID_SELF_NAME   "00000000-0000-0000-0000-000000000048"
#define UUID_IDM_ADMINS  "00000000-0000-0000-0000-000000000001"

enum entry_kind {
	ENTRY_PERSON,
	ENTRY_SERVICE,
	ENTRY_GROUP,
};

struct sshkey {
	char *label;
	char *text; /* "type base64 comment", a trailing space when there is no comment */
};

struct api_token {
	char token_id[UUID_LEN + 1];
	char *label;
	int64_t issued;
	int64_t expiry; /* 0: none */
	bool writable;
};

/* Failures of the day and the end of the present lock, as in the server: in memory. */
struct softlock {
	unsigned failures;
	int64_t day;
	int64_t unlock_ms;
};

struct entry {
	enum entry_kind kind;
	bool builtin;
	bool posix;
	bool dead; /* removed; the memory stays, since others may point here */
	uint32_t gid;
	char uuid[UUID_LEN + 1];
	char *name;
	char *spn;
	char *domain; /* NULL: our own; else an entry of a trusted domain */
	char *display;
	char *shell;
	char *posix_password;
	char *password;
	bool has_from, has_until;
	int64_t from, until;
	struct sshkey *keys; /* sorted by label */
	size_t key_count;
	struct api_token *tokens;
	size_t token_count;
	struct entry **members; /* groups: sorted by UUID */
	size_t member_count;
	struct entry **parents; /* groups this entry was put into, sorted by UUID */
	size_t parent_count;
	struct softlock lock_posix, lock_web;
	uint64_t serial; /* creation order */
	unsigned mark;
	struct index_node *index[4];
};

struct store {
	pthread_mutex_t mu;
	char *domain;
	struct entry **entries;
	size_t entry_count, entry_cap;
	uint64_t serial;
	struct index_node **buckets;
	size_t bucket_count, node_count;
	unsigned mark;
	char cid[90];
	int64_t clock_offset_ms;
	int64_t clock_stopped_ms; /* 0: runs */
	bool primary_fallback;    /* no POSIX password: the primary one counts */
};

struct refs {
	struct entry **v;
	size_t n, cap;
};

void store_init(struct store *st, const char *domain);
void store_free(struct store *st);

/* The server's clock: moved and stopped by control commands only. */
int64_t store_now_ms(const struct store *st);
int64_t store_now(const struct store *st);

/* NULL and a reason in *ret_why when name, UUID or gid are taken or refused. A NULL uuid
 * means a random one, gid 0 the default for the UUID. */
struct entry *store_add(struct store *st, enum entry_kind kind, const char *name,
    const char *uuid, const char *domain, const char **ret_why);
void store_remove(struct store *st, struct entry *e);
const char *store_rename(struct store *st, struct entry *e, const char *name);
/* gid 0: the default one. The entry becomes POSIX. NULL, or why not. */
const char *store_set_gid(struct store *st, struct entry *e, uint32_t gid);
void store_unset_posix(struct store *st, struct entry *e);
void store_set_key(struct entry *e, const char *label, const char *text);
bool store_remove_key(struct entry *e, const char *label);
void store_add_member(struct entry *group, struct entry *member);
bool store_remove_member(struct entry *group, struct entry *member);

enum id_result {
	ID_FOUND,
	ID_UNKNOWN,
	ID_INVALID, /* nothing left of it after the server's parser */
};

/* The server's id parser and lookup: "name=alice" and "alice,x" are alice. */
enum id_result store_resolve(struct store *st, const char *id, struct entry **ret);
struct entry *store_find(struct store *st, const char *key);

/* Membership: what the entry is directly in, builtin dynamic groups included, and the
 * closure of that. Sorted by UUID. */
void store_direct_groups(struct store *st, const struct entry *e, struct refs *ret);
void store_all_groups(struct store *st, const struct entry *e, struct refs *ret);
bool store_is_in(struct store *st, const struct entry *e, const char *group_uuid);
void refs_add(struct refs *r, struct entry *e);
void refs_free(struct refs *r);

bool entry_valid(const struct store *st, const struct entry *e);
bool gid_allowed(uint32_t gid);
