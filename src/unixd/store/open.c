/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which file is it going to be? The daemon must start whatever it finds at the path, must
 * not destroy what may be somebody's, and must not lose the accepted ids, which say who
 * owns the files of this host.
 *
 *	another program's database	left alone, PATH.ku used
 *	broken or newer			set aside, begun anew, ids carried over
 *	not writable			copied into memory as far as it can be read
 *	no directory, locked		memory
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/store/aside.h"
#include "src/unixd/store/sqlite.h"
#include "src/unixd/store/store.h"

/* How far into a write-ahead log we look for the reference's first table. */
#define PEEK_LOG (1024u * 1024u)

/* How much comes over, each with all before it. */
enum copied { IDS, RECORDS, SECRETS };

static const struct table_copy {
	const char *select;
	const char *insert;
	enum copied what;
	int columns;
} copies[] = {
	{ "SELECT uuid, id, pending FROM ids",
	    "INSERT OR IGNORE INTO ids VALUES (?1, ?2, ?3)", IDS, 3 },
	{ "SELECT uuid, wall_s, record FROM groups",
	    "INSERT OR IGNORE INTO groups VALUES (?1, ?2, ?3)", RECORDS, 3 },
	{ "SELECT uuid, wall_s, record FROM users",
	    "INSERT OR IGNORE INTO users VALUES (?1, ?2, ?3)", RECORDS, 3 },
	{ "SELECT uuid, cred FROM creds", "INSERT OR IGNORE INTO creds VALUES (?1, ?2)",
	    SECRETS, 2 },
	{ "SELECT key, value FROM keyed_values",
	    "INSERT OR IGNORE INTO keyed_values VALUES (?1, ?2)", SECRETS, 2 },
};

/* Does the beginning of PATH-wal hold these bytes? */
static bool
log_mentions(const char *path, const char *text)
{
	char *name cleanup_(freep) = xasprintf("%s-wal", path);
	int fd cleanup_(
	    fd_closep) = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *buf cleanup_(freep) = NULL;
	ssize_t n;

	if (fd < 0)
		return false;
	buf = xmalloc(PEEK_LOG);
	n = read(fd, buf, PEEK_LOG);
	return n > 0 && memmem(buf, (size_t)n, text, strlen(text)) != NULL;
}

/*
 * A database that some other program made; told by what it is, without touching it. The
 * reference keeps its schema version in db_version_t.
 */
static const char *
whose(const char *path) ON_WORKER
{
	sqlite3 *sql = conn_peek(path, false);
	const char *owner = NULL;

	if (sql != NULL &&
	    conn_number(sql, "PRAGMA application_id") == SCHEMA_APPLICATION_ID) {
		(void)sqlite3_close(sql);
		return NULL;
	}
	if (sql != NULL && conn_number(sql, "SELECT count(*) FROM sqlite_schema") > 0)
		owner = "another program";
	if (sql != NULL &&
	    conn_number(sql,
		"SELECT count(*) FROM sqlite_schema WHERE name = 'db_version_t'") > 0)
		owner = "the Rust client";
	(void)sqlite3_close(sql);
	if (owner == NULL && log_mentions(path, "db_version_t"))
		owner = "the Rust client";
	return owner;
}

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
static void
copy_from(sqlite3 *from, struct db *db, enum copied upto) ON_WORKER
{
	if (from == NULL)
		return;
	(void)conn_exec(db->sql, "PRAGMA synchronous = FULL; BEGIN");
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
		if (copies[i].what <= upto)
			copy_table(from, db->sql, &copies[i]);
	(void)conn_exec(db->sql, "COMMIT");
	(void)conn_exec(db->sql, "PRAGMA synchronous = NORMAL");
}

static bool
has_log(const char *path)
{
	char *name cleanup_(freep) = xasprintf("%s-wal", path);
	struct stat st;

	return stat(name, &st) == 0 && st.st_size > 0;
}

/*
 * A file that is not written to, with its log when there is one (that needs, and may leave,
 * shared memory beside it). *ret_whole: nothing that was written is missing. Reads only.
 */
static sqlite3 *
open_to_read(const char *path, bool *ret_whole) ON_WORKER
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
static int
open_memory(struct db *db) ON_WORKER
{
	char why[DB_TEXT_MAX];

	free(db->path);
	db->path = NULL;
	return conn_open(db, why) == CONN_OK ? 0 : -ENOMEM;
}

/* Secrets stay behind: whoever damaged the file may have chosen what it says now. */
int
db_begin_anew(struct db *db, const char *why, bool records, char **note)
{
	char *path cleanup_(freep) = xstrdup(db->path);
	char *aside cleanup_(freep) = aside_move(path);
	char why_not[DB_TEXT_MAX];
	bool whole;
	sqlite3 *old;
	int r = 0;

	if (aside == NULL) {
		*note = xasprintf(
		    "%s: %s; cannot be set aside (%s), so nothing is kept on disk", path,
		    why, strerror(errno));
		r = open_memory(db);
	} else if (conn_open(db, why_not) == CONN_OK) {
		*note = xasprintf("%s: %s; kept as %s and begun anew", path, why, aside);
	} else {
		*note = xasprintf(
		    "%s: %s; kept as %s; a new one cannot be made (%s), so nothing "
		    "is kept on disk",
		    path, why, aside, why_not);
		r = open_memory(db);
	}
	if (r < 0)
		return r;
	old = open_to_read(aside == NULL ? path : aside, &whole);
	copy_from(old, db, records ? RECORDS : IDS);
	(void)sqlite3_close(old);
	return 0;
}

/* Nothing can be written at the path: serve what is there, keep the rest in memory. */
static int
without_disk(struct db *db, const char *why, char **note) ON_WORKER
{
	char *path cleanup_(freep) = xstrdup(db->path);
	bool whole;
	sqlite3 *old;
	int r;

	*note = xasprintf("%s: %s; nothing is kept on disk", path, why);
	r = open_memory(db);
	if (r < 0)
		return r;
	old = open_to_read(path, &whole);
	if (old != NULL &&
	    conn_number(old, "PRAGMA application_id") == SCHEMA_APPLICATION_ID)
		/* An older state of a credential is a password that was changed. */
		copy_from(old, db, whole ? SECRETS : RECORDS);
	(void)sqlite3_close(old);
	return 0;
}

static bool
dir_is_writable(const char *path, char why[DB_TEXT_MAX])
{
	const char *slash = strrchr(path, '/');
	char *dir cleanup_(freep) = slash == NULL
	    ? xstrdup(".")
	    : xstrndup(path, (size_t)(slash - path) + 1);

	if (faccessat(AT_FDCWD, dir, W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	(void)snprintf(why, DB_TEXT_MAX, "%s", strerror(errno));
	return false;
}

static int
open_at(struct db *db, char **note) ON_WORKER
{
	char why[DB_TEXT_MAX] = "";

	if (!dir_is_writable(db->path, why))
		return without_disk(db, why, note);
	switch (conn_open(db, why)) {
	case CONN_OK:
		return 0;
	case CONN_BROKEN:
	case CONN_NEWER:
		return db_begin_anew(db, why, false, note);
	case CONN_BUSY:
		(void)snprintf(why, sizeof(why), "locked by another process");
		return without_disk(db, why, note);
	case CONN_UNUSABLE:
		break;
	}
	return without_disk(db, why, note);
}

int
db_open(const char *path, struct db **ret_db, char **ret_note)
{
	struct db *db = xcalloc(1, sizeof(*db));
	const char *owner = path == NULL ? NULL : whose(path);
	char *note = NULL;
	int r;

	if (path == NULL || path[0] == '\0') {
		note = xstrdup("no path for the database; nothing is kept on disk");
		r = open_memory(db);
	} else if (owner == NULL) {
		db->path = xstrdup(path);
		r = open_at(db, &note);
	} else {
		char *inner cleanup_(freep) = NULL;

		db->path = xasprintf("%s.ku", path);
		if (whose(db->path) == NULL)
			r = open_at(db, &inner);
		else
			r = without_disk(db, "belongs to another program", &inner);
		note = xasprintf("%s: belongs to %s and is left alone; %s.ku is used%s%s",
		    path, owner, path, inner == NULL ? "" : "; ",
		    inner == NULL ? "" : inner);
	}
	if (r < 0) {
		free(note);
		db_close(db);
		return r;
	}
	*ret_db = db;
	*ret_note = note;
	return 0;
}

struct db *
db_close(struct db *db)
{
	conn_close(db);
	free(db->path);
	free(db);
	return NULL;
}

bool
db_is_memory(const struct db *db)
{
	return db->path == NULL;
}
