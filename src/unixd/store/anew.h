/* SPDX-License-Identifier: MPL-2.0 */
/* Beginning a database anew with what of an old one is worth it. Internal to this folder. */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"
#include "src/unixd/store/sqlite.h"

/* How much comes over, each with all before it. */
enum anew_what { ANEW_IDS, ANEW_RECORDS, ANEW_SECRETS };

/*
 * A file that is not written to, with its log when there is one (that needs, and may leave,
 * shared memory beside it). *ret_whole: nothing that was written is missing. Reads only.
 * NULL: nothing can be read.
 */
sqlite3 *anew_open_old(const char *path, bool *ret_whole) ON_WORKER;
/* In one transaction, on the disk when it returns. An SQLite result; `from` may be NULL. */
int anew_copy(sqlite3 *from, struct db *db, enum anew_what upto) ON_WORKER;
/* A new database with what `old` has, closed again: in one file, on the disk. False: why. */
bool anew_make_whole(const char *made, sqlite3 *old, enum anew_what what,
    char why[DB_TEXT_MAX]) ON_WORKER;
/* What SQLite leaves beside a database, when there is none. */
void anew_drop_rest(const char *path) ON_WORKER;
/* 0 or -ENOMEM. */
int must_use_ anew_in_memory(struct db *db) ON_WORKER;

/* A daemon was ended while it set a database aside: what it had made takes the place. Or
 * -errno: it cannot, and nothing is to be begun there. */
int must_use_ anew_finish(const char *path) ON_WORKER;
/* The database at the path is the one that counts: nothing half made stays beside it. */
void anew_discard(const char *path) ON_WORKER;
