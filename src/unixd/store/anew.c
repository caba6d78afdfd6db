/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A database is replaced by one that is finished. The new one is made whole, with the ids,
 * as PATH.new; only then the old one leaves the path, and the new one takes it. Whenever
 * the daemon is ended, or the power, there is at PATH or at PATH.new a file with the ids: as
 * long as PATH is there, it is done again from the beginning; when it is not, PATH.new is
 * complete.
 */
#include "src/unixd/store/anew.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/store/aside.h"

static const struct table_copy {
	const char *select;
	const char *insert;
	enum anew_what what;
	int columns;
} copies[] = {
	{ "SELECT uuid, id, pending FROM ids",
	    "INSERT OR IGNORE INTO ids VALUES (?1, ?2, ?3)", ANEW_IDS, 3 },
	{ "SELECT uuid, wall_s, record FROM groups",
	    "INSERT OR IGNORE INTO groups VALUES (?1, ?2, ?3)", ANEW_RECORDS, 3 },
	{ "SELECT uuid, wall_s, record FROM users",
	    "INSERT OR IGNORE INTO users VALUES (?1, ?2, ?3)", ANEW_RECORDS, 3 },
	{ "SELECT uuid, cred FROM creds", "INSERT OR IGNORE INTO creds VALUES (?1, ?2)",
	    ANEW_SECRETS, 2 },
	{ "SELECT key, value FROM keyed_values",
	    "INSERT OR IGNORE INTO keyed_values VALUES (?1, ?2)", ANEW_SECRETS, 2 },
};

/* Of a database and of the names that SQLite makes beside it. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

static void
copy_table(sqlite3 *from, sqlite3 *to, const struct table_copy *c) ON_WORKER
{
	sqlite3_stmt *in = NULL;
	sqlite3_stmt *out = NULL;

	if (sqlite3_prepare_v2(from, c->select, -1, &in, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(to, c->insert, -1, &out, NULL) == SQLITE_OK) {
		while (sqlite3_step(in) == SQLITE_ROW) {
			for (int i = 0; i < c->columns; i++)
				(void)sqlite3_bind_value(out, i + 1,
				    sqlite3_column_value(in, i));
			(void)sqlite3_step(out);
			(void)sqlite3_reset(out);
		}
	}
	(void)sqlite3_finalize(in);
	(void)sqlite3_finalize(out);
}

/* Row by row until the first that cannot be read: what comes over is sound. */
int
anew_copy(sqlite3 *from, struct db *db, enum anew_what upto)
{
	int rc;

	if (from == NULL)
		return SQLITE_OK;
	(void)conn_exec(db->sql, "PRAGMA synchronous = FULL");
	rc = conn_exec(db->sql, "BEGIN");
	for (size_t i = 0; rc == SQLITE_OK && i < ARRAY_SIZE(copies); i++)
		if (copies[i].what <= upto)
			copy_table(from, db->sql, &copies[i]);
	if (rc == SQLITE_OK)
		rc = conn_exec(db->sql, "COMMIT");
	if (sqlite3_get_autocommit(db->sql) == 0)
		(void)conn_exec(db->sql, "ROLLBACK");
	(void)conn_exec(db->sql, "PRAGMA synchronous = NORMAL");
	return rc;
}

static bool
has_log(const char *path)
{
	char *name cleanup_(freep) = xasprintf("%s-wal", path);
	struct stat st;

	return stat(name, &st) == 0 && st.st_size > 0;
}

sqlite3 *
anew_open_old(const char *path, bool *ret_whole)
{
	sqlite3 *sql = NULL;

	*ret_whole = true;
	if (!has_log(path))
		return conn_peek(path, true);
	if (sqlite3_open_v2(path, &sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK &&
	    conn_is_database(sql, true))
		return sql;
	(void)sqlite3_close(sql);
	*ret_whole = false;
	return conn_peek(path, true);
}

/* Cannot fail but for lack of memory, which sqlite3_open_v2() then reports. */
int
anew_in_memory(struct db *db)
{
	char why[DB_TEXT_MAX];

	free(db->path);
	db->path = NULL;
	return conn_open(db, why) == CONN_OK ? 0 : -ENOMEM;
}

static char *
new_path(const char *path)
{
	return xasprintf("%s.new", path);
}

void
anew_drop_rest(const char *path)
{
	for (size_t i = 1; i < ARRAY_SIZE(suffixes); i++) {
		char *name cleanup_(freep) = xasprintf("%s%s", path, suffixes[i]);

		(void)unlink(name);
	}
}

void
anew_discard(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char *name cleanup_(freep) = xasprintf("%s.new%s", path, suffixes[i]);

		(void)unlink(name);
	}
}

int
anew_finish(const char *path)
{
	char *made cleanup_(freep) = new_path(path);
	struct stat st;
	int r;

	if (lstat(path, &st) == 0 || errno != ENOENT || lstat(made, &st) < 0)
		return 0;
	/* A log of the old one would be taken for one of the new. */
	aside_rest(path);
	r = rename(made, path) < 0 ? -errno : 0;
	aside_sync(path);
	return r;
}

bool
anew_make_whole(const char *made, sqlite3 *old, enum anew_what what,
    char why[DB_TEXT_MAX])
{
	struct db fresh = { .path = xstrdup(made) };
	int rc = SQLITE_CANTOPEN;

	if (conn_open(&fresh, why) == CONN_OK) {
		rc = anew_copy(old, &fresh, what);
		if (rc == SQLITE_OK)
			rc = conn_exec(fresh.sql, "PRAGMA wal_checkpoint(TRUNCATE)");
		if (rc != SQLITE_OK)
			conn_say(fresh.sql, why);
		conn_close(&fresh);
	}
	free(fresh.path);
	if (rc == SQLITE_OK && has_log(made)) {
		(void)snprintf(why, DB_TEXT_MAX, "its log stays");
		rc = SQLITE_BUSY;
	}
	return rc == SQLITE_OK;
}

/* Nothing can be kept: what can be read of the old one, in memory. */
static int
in_memory_with(struct db *db, sqlite3 *old, enum anew_what what) ON_WORKER
{
	int r = anew_in_memory(db);

	if (r == 0)
		(void)anew_copy(old, db, what);
	return r;
}

/* The new one is ready. The malloc'ed name of the old one, or NULL and errno. The new one may
 * fail to take its place: then it waits where it is. */
static char *
change_places(const char *path, int *ret_rc) ON_WORKER
{
	char *aside;

	aside_sync(path);
	aside = aside_move(path);
	if (aside != NULL)
		*ret_rc = anew_finish(path);
	return aside;
}

/* Secrets stay behind: whoever damaged the file may have chosen what it says now. */
int
db_begin_anew(struct db *db, const char *why, bool records, char **note)
{
	const enum anew_what what = records ? ANEW_RECORDS : ANEW_IDS;
	char *path cleanup_(freep) = xstrdup(db->path);
	char *made cleanup_(freep) = new_path(path);
	char *aside cleanup_(freep) = NULL;
	char why_not[DB_TEXT_MAX] = "";
	bool whole;
	sqlite3 *old = anew_open_old(path, &whole);
	int r = 0, moved = 0;

	anew_discard(path);
	if (!anew_make_whole(made, old, what, why_not)) {
		*note = xasprintf(
		    "%s: %s; a new one cannot be made (%s), so nothing is kept on disk",
		    path, why, why_not);
		r = in_memory_with(db, old, what);
	} else if ((aside = change_places(path, &moved)) == NULL) {
		*note = xasprintf(
		    "%s: %s; cannot be set aside (%s), so nothing is kept on disk", path,
		    why, strerror(errno));
		r = in_memory_with(db, old, what);
	} else if (moved == 0 && conn_open(db, why_not) == CONN_OK) {
		*note = xasprintf("%s: %s; kept as %s and begun anew", path, why, aside);
	} else {
		*note =
		    xasprintf("%s: %s; kept as %s; the new one cannot be opened (%s), "
			      "so nothing is kept on disk",
			path, why, aside, moved < 0 ? strerror(-moved) : why_not);
		r = in_memory_with(db, old, what);
	}
	(void)sqlite3_close(old);
	if (aside == NULL)
		anew_discard(path);
	return r;
}
