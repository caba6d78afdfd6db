/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Stand-ins for everything the login engine talks to, linked under the names of the ports:
 * a server, a resolver, a disk, and lanes that verify, all of them timers of the play.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/uuid.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/resolver/resolver.h"

#define PEOPLE_MAX 1024

struct loop {
	struct timers ts;
};

struct person {
	char name[65];
	char spn[128];
	char password[128]; /* on the server */
	struct uuid uuid;
	uint32_t uid;
	bool valid;
	bool cached;  /* the resolver has a record */
	bool deleted; /* on the server */
	bool local;
	unsigned fails; /* the server's soft lock */
	int64_t locked_until;
	unsigned learned;
};

enum server_mood {
	SERVER_OK,
	SERVER_SILENT,   /* nothing, not even after the deadline */
	SERVER_TROUBLE,  /* transport */
	SERVER_REFUSES,  /* 401, again */
	SERVER_ERROR,    /* 500 */
	SERVER_CONFUSED, /* accepts, with the record of somebody else */
};

enum disk_mood {
	DISK_OK,
	DISK_FAILS,
	DISK_HANGS,
	DISK_UNREADABLE,
};

struct play {
	struct loop loop;
	struct person *people[PEOPLE_MAX];
	size_t n_people;

	enum server_mood server;
	int latency_ms;
	int fetch_ms;
	bool soft_lock; /* as the real one does */
	unsigned asked; /* passwords put to it */

	enum link_mode link;
	unsigned probes, lates, heards;

	enum disk_mood disk;
	int commit_ms;
	unsigned puts;

	int kdf_ms;
	int open_ms;
	unsigned checks, checks_behind, makes; /* begun */
	unsigned lanes_busy;
	unsigned idle_while_waiting;
	bool pin_is_new, pin_is_gone;
	bool lanes_lie; /* what is made accepts nothing */
};

extern struct play play;

struct timers *play_timers(void);
struct person *person_find(const char *name);
struct user *person_user(const struct person *p);

/* The disk outlives the engine. */
void disk_clear(void);
/* Power is cut: what is under way is lost. Or an orderly end: it is written. */
void disk_cut(void);
void disk_flush(void);
bool disk_has_cred(const struct uuid *uuid);
size_t disk_cred(const struct uuid *uuid, uint8_t *buf);
void disk_put_cred(const struct uuid *uuid, const void *blob, size_t len);
void disk_put_value(const char *key, const void *blob, size_t len);
bool disk_has_value(const char *key);

/* What fake lanes make of a password under the key of this play. */
size_t fake_verifier(const char *password, char buf[CRYPT_MAX_VERIFIER]);

/* Requests that are out are answered "cancelled"; as the real ports do at the end. */
void fake_idp_stop(void);
