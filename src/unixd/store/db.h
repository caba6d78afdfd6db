/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The database file: everything here may block, so it runs on the store's lane, or before
 * the loop does. Internal to this folder; store.c is the only user.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"

struct db;
struct store_secrets;
struct store_sink;

#define DB_TEXT_MAX 512u

enum op_kind {
	OP_USER,
	OP_GROUP,
	OP_ID,
	OP_CRED,
	OP_VALUE,
};

#define OP_KEY_MAX 31u

/* One change of one row. Owned by the queue of store.c, or by the batch it went into. */
struct op {
	struct hmap_node node;
	struct list link;
	enum op_kind kind;
	struct uuid uuid;         /* all but OP_VALUE */
	char key[OP_KEY_MAX + 1]; /* OP_VALUE; else "" */
	uint32_t id;
	uint32_t pending;
	int64_t wall_s;
	void *blob; /* all but OP_ID; NULL: the row is deleted */
	size_t len;
	bool told;        /* somebody is told when it fails, so it is not tried again */
	bool over_delete; /* it took the place of a deletion that is not written yet */
	bool locks;       /* OP_USER: somebody who may not log in any more */
};

/*
 * One batch, two transactions: secrets, then names and ids; each first clears, then applies
 * the changes.
 */
struct write_set {
	struct list ops;
	struct list secrets;
	bool clear;
	bool clear_creds;
	bool
	    durable; /* of `ops`: on disk when db_write() returns, whatever the power does
			 then. Secrets always are. */
};

/*
 * Never fails for reasons of the disk: in the worst case the database is in memory.
 * *ret_note: malloc'ed line about what was unusual, or NULL.
 */
int must_use_ db_open(const char *path, struct db **ret_db, char **ret_note) ON_WORKER;
struct db *db_close(struct db *db) ON_WORKER;

/* The one transaction, and the other. Each is all or nothing: 0, or -EIO with one line in
 * `why`. */
int must_use_ db_write(struct db *db, const struct write_set *set,
    char why[DB_TEXT_MAX]) ON_WORKER;
int must_use_ db_write_secrets(struct db *db, const struct write_set *set,
    char why[DB_TEXT_MAX]) ON_WORKER;
/* Nothing written here outlives the process. */
bool db_is_memory(const struct db *db);

/*
 * Gives every record to the sink. Number of records that could not be decoded, or -EIO.
 * A database found corrupt on the way is set aside and what can be read goes into a new
 * one; then *ret_note is a malloc'ed line.
 */
int must_use_ db_load(struct db *db, const struct store_sink *sink,
    char **ret_note) ON_WORKER;
/* The same for credentials and values: nothing is given out when not everything can be
 * read. Number of skipped rows, or -errno. */
int must_use_ db_load_secrets(struct db *db, const struct store_secrets *sink,
    char **ret_note) ON_WORKER;
