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
 *
 * Loading is here too: it is where the damage shows that the check at opening has not met.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/aside.h"
#include "src/unixd/store/sqlite.h"
#include "src/unixd/store/store.h"

/* How far into a write-ahead log we look for the reference's first table. */
#define PEEK_LOG (1024u * 1024u)

static const struct table_copy {
	const char *select;
	const char *insert;
	bool is_ids;
} copies[] = {
	{ "SELECT uuid, id, pending FROM ids",
	    "INSERT OR IGNORE INTO ids VALUES (?1, ?2, ?3)", true },
	{ "SELECT uuid, wall_s, record FROM groups",
	    "INSERT OR IGNORE INTO groups VALUES (?1, ?2, ?3)", false },
	{ "SELECT uuid, wall_s, record FROM users",
	    "INSERT OR IGNORE INTO users VALUES (?1, ?2, ?3)", false },
};

static void
closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* Does the beginning of PATH-wal hold these bytes? */
static bool
log_mentions(const char *path, const char *text)
{
	char *name cleanup_(freep) = xasprintf("%s-wal", path);
	int fd cleanup_(
	    closep) = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
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
			for (int i = 0; i < 3; i++)
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
copy_from(sqlite3 *from, struct db *db, bool records) ON_WORKER
{
	if (from == NULL)
		return;
	(void)conn_exec(db->sql, "PRAGMA synchronous = FULL; BEGIN");
	for (size_t i = 0; i < ARRAY_SIZE(copies); i++)
		if (copies[i].is_ids || records)
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
 * The file that was set aside, with its log when there is one (that needs, and may leave,
 * shared memory beside it). Reads only.
 */
static sqlite3 *
open_aside(const char *path) ON_WORKER
{
	sqlite3 *sql = NULL;

	if (has_log(path) &&
	    sqlite3_open_v2(path, &sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK &&
	    conn_is_database(sql, true))
		return sql;
	(void)sqlite3_close(sql);
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

/*
 * Moves the file at db->path away and begins anew with what could be carried over.
 * *note becomes the line that says so.
 */
static int
begin_anew(struct db *db, const char *why, bool records, char **note) ON_WORKER
{
	char *path cleanup_(freep) = xstrdup(db->path);
	char *aside cleanup_(freep) = aside_move(path);
	char why_not[DB_TEXT_MAX];
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
	old = open_aside(aside == NULL ? path : aside);
	copy_from(old, db, records);
	(void)sqlite3_close(old);
	return 0;
}

/* Nothing can be written at the path: serve what is there, keep the rest in memory. */
static int
without_disk(struct db *db, const char *why, char **note) ON_WORKER
{
	char *path cleanup_(freep) = xstrdup(db->path);
	sqlite3 *old;
	int r;

	*note = xasprintf("%s: %s; nothing is kept on disk", path, why);
	r = open_memory(db);
	if (r < 0)
		return r;
	old = conn_peek(path, true);
	if (old != NULL &&
	    conn_number(old, "PRAGMA application_id") == SCHEMA_APPLICATION_ID)
		copy_from(old, db, true);
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
		return begin_anew(db, why, false, note);
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

static bool
row_uuid(sqlite3_stmt *st, struct uuid *ret_uuid)
{
	const void *b = sqlite3_column_blob(st, 0);

	if (b == NULL || sqlite3_column_bytes(st, 0) != (int)sizeof(ret_uuid->b))
		return false;
	memcpy(ret_uuid->b, b, sizeof(ret_uuid->b));
	return true;
}

/* Each gives one row to the sink; false when it could not be decoded. */

static bool
load_user(sqlite3_stmt *st, const struct uuid *uuid, const struct store_sink *sink)
{
	const void *blob = sqlite3_column_blob(st, 2);
	struct user *u;

	if (blob == NULL ||
	    user_unpack(blob, (size_t)sqlite3_column_bytes(st, 2), &u) < 0)
		return false;
	if (!uuid_equal(&u->uuid, uuid)) {
		user_unref(u);
		return false;
	}
	sink->user(sink->arg, u, sqlite3_column_int64(st, 1));
	return true;
}

static bool
load_group(sqlite3_stmt *st, const struct uuid *uuid, const struct store_sink *sink)
{
	const void *blob = sqlite3_column_blob(st, 2);
	struct groupid *g;
	struct members *m;

	if (blob == NULL ||
	    group_unpack(blob, (size_t)sqlite3_column_bytes(st, 2), &g, &m) < 0)
		return false;
	if (!uuid_equal(&g->uuid, uuid)) {
		groupid_unref(g);
		members_unref(m);
		return false;
	}
	sink->group(sink->arg, g, m, sqlite3_column_int64(st, 1));
	return true;
}

static bool
load_id(sqlite3_stmt *st, const struct uuid *uuid, const struct store_sink *sink)
{
	int64_t id = sqlite3_column_int64(st, 1);
	int64_t pending = sqlite3_column_int64(st, 2);

	if (id < 0 || id > UINT32_MAX || pending < 0 || pending > UINT32_MAX)
		return false;
	sink->id(sink->arg, uuid, (uint32_t)id, (uint32_t)pending);
	return true;
}

typedef bool (*load_row_fn)(sqlite3_stmt *st, const struct uuid *uuid,
    const struct store_sink *sink);

/* An SQLite result: SQLITE_DONE when all rows were read. */
static int
load_table(struct db *db, const char *query, load_row_fn fn,
    const struct store_sink *sink, int *skipped) ON_WORKER
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sql, query, -1, &st, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		struct uuid uuid;

		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && (!row_uuid(st, &uuid) || !fn(st, &uuid, sink)))
			(*skipped)++;
	}
	(void)sqlite3_finalize(st);
	return rc;
}

int
db_load(struct db *db, const struct store_sink *sink, char **ret_note)
{
	static const load_row_fn fns[] = { load_id, load_group, load_user };
	enum conn_state worst = CONN_OK;
	int skipped = 0;

	*ret_note = NULL;
	/* Ids first, so that whoever takes the records knows which number counts; groups
	 * before users, so that users can share them. */
	for (size_t i = 0; i < ARRAY_SIZE(fns); i++) {
		enum conn_state state = conn_judge(
		    load_table(db, copies[i].select, fns[i], sink, &skipped));

		if (state != CONN_OK)
			worst = state;
	}
	/* The pages just read will not be asked for again. */
	(void)sqlite3_db_release_memory(db->sql);
	if (worst == CONN_OK)
		return skipped;
	if (worst != CONN_BROKEN || db->path == NULL)
		return -EIO;
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	conn_close(db);
	if (begin_anew(db, "database disk image is malformed", true, ret_note) < 0)
		return -ENOMEM;
	return skipped;
}
