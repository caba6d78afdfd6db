/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Stand-ins for what the resolver talks to, linked under the names of the ports: a server
 * whose people and moods a test sets, a store that outlives the resolver, and a map whose
 * records can be looked at. Everything happens on the test's own timers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/uuid.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/idp/idp.h"

#define WORLD_MAX    4096
#define WORLD_GROUPS 64

/* A person or a group on the fake server. */
struct entity {
	bool is_group;
	bool deleted;
	bool broken; /* the server answers 500 for this one */
	bool ghost;  /* on lists of members, and 404 when asked for */
	bool invalid;
	bool locked;       /* the right password is refused, too */
	char password[64]; /* "": none set */
	char name[65];
	char domain[64];
	char display[128];
	char shell[128];
	struct uuid uuid;
	uint32_t id;
	unsigned n_keys;
	char groups[WORLD_GROUPS][65]; /* names */
	size_t n_groups;
	unsigned fetches;
};

enum mood {
	MOOD_OK,
	MOOD_HANGS,       /* takes connections, answers nothing: times out after 4 s */
	MOOD_DNS_HANGS,   /* fails after 10 s */
	MOOD_DOWN,        /* connection refused, at once */
	MOOD_TLS,         /* unknown issuer */
	MOOD_REFUSES,     /* 401, again after logging in */
	MOOD_NO_RIGHTS,   /* 404 for everybody, and a probe says why */
	MOOD_ERROR,       /* 500 for entries; the probe works */
	MOOD_UNAVAILABLE, /* 503 for everything */
	MOOD_BLIND,       /* groups without a member list */
};

struct world {
	struct entity *v[WORLD_MAX];
	size_t n;
	enum mood mood;
	int64_t latency_ns;
	int64_t auth_latency_ns; /* of a password */
	bool rights_by_sample;   /* a probe needs an existing sample to prove rights */
	char domain[64];
	int64_t cert_not_before, cert_not_after;
	int64_t ahead_s;
	unsigned requests; /* entries asked for */
	unsigned probes;
	unsigned auths; /* passwords asked about */
	unsigned running, max_running;
};

extern struct world world;

void world_init(void);
void world_deinit(void);
struct entity *world_find(bool is_group, const char *name);
struct entity *world_add(bool is_group, const char *name);
void world_new_uuid(struct entity *e);
struct user *world_user(const struct entity *e);
struct groupid *world_groupid(const struct entity *e);
struct members *world_members(const struct entity *e);

struct idp *fake_idp_new(struct timers *ts);
/* Requests that are out are answered IDP_CANCELLED, as the real one does. */
void fake_idp_free(struct idp *p);

struct store *fake_store_new(struct timers *ts);
void fake_store_free(struct store *s);
/* How long a credential or value takes to the disk (10 ms), and whether it gets there. */
void fake_store_set_disk(struct store *s, int64_t latency_ns, bool fails);
/* The daemon ends: nobody is told any more. `lose`: as if the power had failed. */
void fake_store_stop(struct store *s, bool lose);
/* What is on the disk for this account, or NULL. */
const void *fake_store_cred(const struct store *s, const struct uuid *uuid,
    size_t *ret_len);
size_t fake_store_n_creds(const struct store *s);
const void *fake_store_value(const struct store *s, const char *key, size_t *ret_len);
bool fake_store_has(const struct store *s, bool is_group, const char *name);
unsigned fake_store_writes(const struct store *s);
void fake_store_set_trouble(struct store *s, const char *text);
void fake_store_set_memory(struct store *s, bool in_memory);

struct publish *fake_publish_new(void);
void fake_publish_free(struct publish *p);
struct published {
	bool is_group;
	uint32_t id;
	char name[320];
	char key[320];
	char list[4096]; /* members, or gids */
	uint32_t fresh_until;
	bool gone;
	bool overrides;
	unsigned writes; /* how often it was handed in */
};
/* The last state of a record with this key that is in the map, or NULL. */
const struct published *fake_publish_find(const struct publish *p, bool is_group,
    const char *key);
size_t fake_publish_negatives(const struct publish *p);
uint32_t fake_publish_floor(const struct publish *p);
bool fake_publish_is_put_off(const struct publish *p);
bool fake_publish_committed(const struct publish *p);
const char *fake_publish_domain(const struct publish *p);
const char *fake_publish_except(const struct publish *p);
