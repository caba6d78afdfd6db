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
struct store_sink;

#define DB_TEXT_MAX 512u

enum op_kind {
	OP_USER,
	OP_GROUP,
	OP_ID,
};

/* One change of one row. Owned by the queue of store.c, or by the batch it went into. */
struct op {
	struct hmap_node node;
	struct list link;
	enum op_kind kind;
	struct uuid uuid;
	uint32_t id;
	uint32_t pending;
	int64_t wall_s;
	void *blob; /* users and groups; NULL: the row is deleted */
	size_t len;
};

/* What goes into one transaction: first clear, then the changes. */
struct write_set {
	struct list ops;
	bool clear;
	bool durable; /* on disk when db_write() returns, whatever the power does then */
};

/*
 * Never fails for reasons of the disk: in the worst case the database is in memory.
 * *ret_note: malloc'ed line about what was unusual, or NULL.
 */
int must_use_ db_open(const char *path, struct db **ret_db, char **ret_note) ON_WORKER;
struct db *db_close(struct db *db) ON_WORKER;

/* All or nothing. 0, or -EIO with one line in `why`. */
int must_use_ db_write(struct db *db, const struct write_set *set,
    char why[DB_TEXT_MAX]) ON_WORKER;

/*
 * Gives every record to the sink. Number of records that could not be decoded, or -EIO.
 * A database found corrupt on the way is set aside and what can be read goes into a new
 * one; then *ret_note is a malloc'ed line.
 */
int must_use_ db_load(struct db *db, const struct store_sink *sink,
    char **ret_note) ON_WORKER;
