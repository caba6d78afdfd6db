/* SPDX-License-Identifier: MPL-2.0 */
/* One connection to one SQLite file, and what a failure means. Internal to this folder. */
#pragma once

#include <stdbool.h>

#include <sqlite3.h>

#include "src/base/attr.h"
#include "src/unixd/store/db.h"

/* "kU" and "st": tells our files from everybody else's. */
#define SCHEMA_APPLICATION_ID 0x6b557374
#define SCHEMA_VERSION        2

enum conn_state {
	CONN_OK,
	CONN_BUSY,     /* another process holds it */
	CONN_BROKEN,   /* these bytes are no database of ours that works */
	CONN_NEWER,    /* written by a later version */
	CONN_UNUSABLE, /* the file system does not let us */
};

enum conn_stmt {
	STMT_PUT_USER,
	STMT_PUT_GROUP,
	STMT_DEL_USER,
	STMT_DEL_GROUP,
	STMT_PUT_ID,
	STMT_PUT_CRED,
	STMT_DEL_CRED,
	STMT_PUT_VALUE,
	STMT_MAX,
};

struct db {
	char *path; /* NULL: in memory */
	sqlite3 *sql;
	sqlite3_stmt *stmt[STMT_MAX];
};

/*
 * Opens db->path (creating what is missing) or, when it is NULL, a database in memory.
 * With another result than CONN_OK nothing is open and `why` has a line.
 */
enum conn_state conn_open(struct db *db, char why[DB_TEXT_MAX]) ON_WORKER;
void conn_close(struct db *db) ON_WORKER;

/* What an SQLite result code says about the file. */
enum conn_state conn_judge(int rc);

/*
 * Opens a file to look at it: no lock, no journal, nothing written. Misses what is only in
 * the write-ahead log. `damaged`: also when it is shorter than it says. NULL when it is
 * no database.
 */
sqlite3 *conn_peek(const char *path, bool damaged) ON_WORKER;
/* Can the schema be read? `damaged` as above. From here on nothing that it says is run. */
bool conn_is_database(sqlite3 *sql, bool damaged) ON_WORKER;

/* First column of the first row as a number, or -1. */
int64_t conn_number(sqlite3 *sql, const char *query) ON_WORKER;
int conn_exec(sqlite3 *sql, const char *query) ON_WORKER;
/* What failed last, with what the system said where SQLite only says "disk I/O error". */
void conn_say(sqlite3 *sql, char why[DB_TEXT_MAX]);

/* migrate.c: brings an empty or older database to SCHEMA_VERSION. An SQLite result. */
int migrate(sqlite3 *sql, int64_t version) ON_WORKER;

/* anew.c: moves the file at db->path away and begins anew with the ids, with `records` the
 * users and groups too, never with secrets. *note: malloc'ed line. 0 or -ENOMEM. */
int must_use_ db_begin_anew(struct db *db, const char *why, bool records,
    char **note) ON_WORKER;

/* moved.c: what is written next gets to the file at db->path, which is made again when it
 * is gone (or the database is in memory from now on). 0, or -EIO and why. */
int must_use_ db_stay(struct db *db, char why[DB_TEXT_MAX]) ON_WORKER;
