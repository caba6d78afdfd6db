/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One connection. Opening it answers one question for open.c: can this file be worked
 * with, and if not, is it the file's fault, somebody else's lock, or the file system's?
 *
 * The checkpoint that SQLite makes when a connection closes stays off until the file has
 * passed every check: a database that is about to be set aside is evidence, and its log
 * may hold what the file has lost.
 */
#include "src/unixd/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

/* At start only: somebody else's write is waited for, but not for long. */
#define BUSY_MS 250

/* quick_check reads every page, and so does the load that follows, which would meet the
 * same damage. Beyond this size it is left to the load. */
#define CHECK_MAX_PAGES 1024

#define MAX_VALUE (256 * 1024 * 1024)

static const char *const statements[STMT_MAX] = {
	[STMT_PUT_USER] = "INSERT INTO users (uuid, wall_s, record) VALUES (?1, ?2, ?3) "
			  "ON CONFLICT (uuid) DO UPDATE SET wall_s = ?2, record = ?3",
	[STMT_PUT_GROUP] =
	    "INSERT INTO groups (uuid, wall_s, record) VALUES (?1, ?2, ?3) "
	    "ON CONFLICT (uuid) DO UPDATE SET wall_s = ?2, record = ?3",
	[STMT_DEL_USER] = "DELETE FROM users WHERE uuid = ?1",
	[STMT_DEL_GROUP] = "DELETE FROM groups WHERE uuid = ?1",
	[STMT_PUT_ID] = "INSERT INTO ids (uuid, id, pending) VALUES (?1, ?2, ?3) "
			"ON CONFLICT (uuid) DO UPDATE SET id = ?2, pending = ?3",
	[STMT_PUT_CRED] = "INSERT INTO creds (uuid, cred) VALUES (?1, ?2) "
			  "ON CONFLICT (uuid) DO UPDATE SET cred = ?2",
	[STMT_DEL_CRED] = "DELETE FROM creds WHERE uuid = ?1",
	[STMT_PUT_VALUE] = "INSERT INTO keyed_values (key, value) VALUES (?1, ?2) "
			   "ON CONFLICT (key) DO UPDATE SET value = ?2",
};

/* A full disk fails too, in many ways; only a failure to read says that data is gone. */
static bool
is_read_error(int rc)
{
	return rc == SQLITE_IOERR_READ || rc == SQLITE_IOERR_SHORT_READ ||
	    rc == SQLITE_IOERR_CORRUPTFS || rc == SQLITE_IOERR_DATA;
}

enum conn_state
conn_judge(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return CONN_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return CONN_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: /* the tables are not what they should be */
	case SQLITE_SCHEMA:
	case SQLITE_MISMATCH:
		return CONN_BROKEN;
	default:
		return is_read_error(rc) ? CONN_BROKEN : CONN_UNUSABLE;
	}
}

int
conn_exec(sqlite3 *sql, const char *query)
{
	return sqlite3_exec(sql, query, NULL, NULL, NULL);
}

/* First column of the first row; *ret_rc is the result of the step. */
static int64_t
number(sqlite3 *sql, const char *query, int *ret_rc) ON_WORKER
{
	sqlite3_stmt *st = NULL;
	int64_t v = -1;

	*ret_rc = sqlite3_prepare_v2(sql, query, -1, &st, NULL);
	if (*ret_rc == SQLITE_OK)
		*ret_rc = sqlite3_step(st);
	if (*ret_rc == SQLITE_ROW)
		v = sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	return v;
}

int64_t
conn_number(sqlite3 *sql, const char *query)
{
	int rc;

	return number(sql, query, &rc);
}

/* Nothing in the file may make SQLite do more than read and write rows. */
static void
distrust_schema(sqlite3 *sql)
{
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
}

bool
conn_is_database(sqlite3 *sql, bool damaged)
{
	/* A view need not end. */
	distrust_schema(sql);
	/* The one switch that lets SQLite read a file that has lost its end. */
	if (damaged)
		(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
	return conn_number(sql, "SELECT count(*) FROM sqlite_schema") >= 0;
}

/* The path as a URI that says: read only, and nobody changes it. */
static char *
frozen_uri(const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *escaped cleanup_(freep) = xmalloc(strlen(path) * 3 + 1);
	char *at = escaped;

	for (const char *c = path; *c != '\0'; c++) {
		if (*c == '%' || *c == '?' || *c == '#') {
			*at++ = '%';
			*at++ = hex[*c >> 4];
			*at++ = hex[*c & 15];
		} else {
			*at++ = *c;
		}
	}
	*at = '\0';
	return xasprintf("file:%s?mode=ro&immutable=1", escaped);
}

sqlite3 *
conn_peek(const char *path, bool damaged)
{
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	char *uri cleanup_(freep) = frozen_uri(path);
	sqlite3 *sql = NULL;
	struct stat st;

	/* Opening a FIFO to read would wait for its writer for ever. */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	if (sqlite3_open_v2(uri, &sql, flags, NULL) == SQLITE_OK &&
	    conn_is_database(sql, damaged))
		return sql;
	(void)sqlite3_close(sql);
	return NULL;
}

static void
fdclosep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/*
 * Makes sure of a regular file of mode 0600 before SQLite sees the path: it would create
 * one with the mode of our umask. Its journals take over the mode of the file.
 */
static enum conn_state
prepare_file(const char *path, char why[DB_TEXT_MAX]) ON_WORKER
{
	int fd cleanup_(fdclosep) = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;

	if (fd < 0) {
		int e = errno;
		bool there = lstat(path, &st) == 0;

		(void)snprintf(why, DB_TEXT_MAX, "%s", strerror(e));
		/* What can be read is copied, what is in the way is moved. */
		if (there &&
		    (e == EISDIR || e == ELOOP || e == ENXIO ||
			(e == EACCES && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0)))
			return CONN_BROKEN;
		return CONN_UNUSABLE;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)snprintf(why, DB_TEXT_MAX, "not a regular file");
		return CONN_BROKEN;
	}
	if ((st.st_mode & 0177) != 0)
		(void)fchmod(fd, 0600);
	return CONN_OK;
}

static void
harden(sqlite3 *sql)
{
	distrust_schema(sql);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	(void)sqlite3_db_config(sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_LENGTH, MAX_VALUE);
	(void)sqlite3_limit(sql, SQLITE_LIMIT_ATTACHED, 0);
}

static int
set_up(sqlite3 *sql) ON_WORKER
{
	return conn_exec(sql,
	    "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = ON;"
	    "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	    "PRAGMA journal_size_limit = 4194304");
}

static int
quick_check(sqlite3 *sql, bool *ret_sound) ON_WORKER
{
	sqlite3_stmt *st = NULL;
	int rc;

	*ret_sound = true;
	if (conn_number(sql, "PRAGMA page_count") > CHECK_MAX_PAGES)
		return SQLITE_OK;
	rc = sqlite3_prepare_v2(sql, "PRAGMA quick_check(1)", -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(st, 0);

		*ret_sound = text != NULL && streq((const char *)text, "ok");
	}
	(void)sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
prepare_statements(struct db *db) ON_WORKER
{
	for (size_t i = 0; i < STMT_MAX; i++) {
		int rc = sqlite3_prepare_v3(db->sql, statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &db->stmt[i], NULL);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

void
conn_say(sqlite3 *sql, char why[DB_TEXT_MAX])
{
	int e = sqlite3_system_errno(sql);
	int rc = sqlite3_errcode(sql) & 0xff;

	if (e != 0 && (rc == SQLITE_IOERR || rc == SQLITE_CANTOPEN || rc == SQLITE_FULL))
		(void)snprintf(why, DB_TEXT_MAX, "%s (%s)", sqlite3_errmsg(sql),
		    strerror(e));
	else
		(void)snprintf(why, DB_TEXT_MAX, "%s", sqlite3_errmsg(sql));
}

static enum conn_state
fail(struct db *db, int rc, char why[DB_TEXT_MAX])
{
	if (db->sql != NULL)
		conn_say(db->sql, why);
	else
		(void)snprintf(why, DB_TEXT_MAX, "%s", sqlite3_errstr(rc));
	return conn_judge(rc);
}

/* Is this ours, and of a version we know? Brings an older one up to date. */
static enum conn_state
check_schema(struct db *db, char why[DB_TEXT_MAX]) ON_WORKER
{
	int rc;
	int64_t tables = number(db->sql, "SELECT count(*) FROM sqlite_schema", &rc);
	int64_t version;

	if (rc != SQLITE_ROW)
		return fail(db, rc, why);
	version = conn_number(db->sql, "PRAGMA user_version");
	if (tables > 0 &&
	    conn_number(db->sql, "PRAGMA application_id") != SCHEMA_APPLICATION_ID) {
		(void)snprintf(why, DB_TEXT_MAX, "not a cache of this program");
		return CONN_BROKEN;
	}
	if (version > SCHEMA_VERSION) {
		(void)snprintf(why, DB_TEXT_MAX,
		    "written by a newer version (schema %d, not %d)", (int)version,
		    SCHEMA_VERSION);
		return CONN_NEWER;
	}
	if (version < 0 || (version == 0 && tables > 0)) {
		(void)snprintf(why, DB_TEXT_MAX, "schema version %d", (int)version);
		return CONN_BROKEN;
	}
	rc = set_up(db->sql);
	if (rc == SQLITE_OK)
		rc = migrate(db->sql, version);
	return rc == SQLITE_OK ? CONN_OK : fail(db, rc, why);
}

static enum conn_state
open_and_check(struct db *db, char why[DB_TEXT_MAX]) ON_WORKER
{
	const char *name = db->path == NULL ? ":memory:" : db->path;
	enum conn_state state;
	bool sound;
	int rc;

	rc = sqlite3_open_v2(name, &db->sql,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_PRIVATECACHE,
	    NULL);
	if (rc != SQLITE_OK)
		return fail(db, rc, why);
	(void)sqlite3_extended_result_codes(db->sql, 1);
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);
	harden(db->sql);
	state = check_schema(db, why);
	if (state != CONN_OK)
		return state;
	rc = quick_check(db->sql, &sound);
	if (rc == SQLITE_OK && !sound) {
		(void)snprintf(why, DB_TEXT_MAX, "database disk image is malformed");
		return CONN_BROKEN;
	}
	if (rc == SQLITE_OK)
		rc = prepare_statements(db);
	return rc == SQLITE_OK ? CONN_OK : fail(db, rc, why);
}

enum conn_state
conn_open(struct db *db, char why[DB_TEXT_MAX])
{
	enum conn_state state = db->path == NULL ? CONN_OK : prepare_file(db->path, why);

	if (state == CONN_OK)
		state = open_and_check(db, why);
	if (state != CONN_OK)
		conn_close(db);
	else
		(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
		    NULL);
	return state;
}

void
conn_close(struct db *db)
{
	for (size_t i = 0; i < STMT_MAX; i++) {
		(void)sqlite3_finalize(db->stmt[i]);
		db->stmt[i] = NULL;
	}
	(void)sqlite3_close(db->sql);
	db->sql = NULL;
}
