/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which file is it going to be? The daemon must start whatever it finds at the path, must
 * not destroy what may be somebody's, and must not lose the accepted ids, which say who
 * owns the files of this host.
 *
 *	another program's database	left alone, PATH.ku used
 *	broken or newer			set aside, begun anew, ids carried over (anew.c)
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
#include "src/unixd/store/anew.h"
#include "src/unixd/store/sqlite.h"
#include "src/unixd/store/store.h"

/* How far into a write-ahead log we look for the reference's first table. */
#define PEEK_LOG (1024u * 1024u)

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

/* Nothing can be written at the path: serve what is there, keep the rest in memory. */
static int
without_disk(struct db *db, const char *why, char **note) ON_WORKER
{
	char *path cleanup_(freep) = xstrdup(db->path);
	bool whole;
	sqlite3 *old;
	int r;

	*note = xasprintf("%s: %s; nothing is kept on disk", path, why);
	r = anew_in_memory(db);
	if (r < 0)
		return r;
	old = anew_open_old(path, &whole);
	if (old != NULL &&
	    conn_number(old, "PRAGMA application_id") == SCHEMA_APPLICATION_ID)
		/* An older state of a credential is a password that was changed. */
		(void)anew_copy(old, db, whole ? ANEW_SECRETS : ANEW_RECORDS);
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
	int r;

	if (!dir_is_writable(db->path, why))
		return without_disk(db, why, note);
	r = anew_finish(db->path);
	if (r < 0) {
		char *made = xasprintf("%s.new", db->path);

		free(db->path);
		db->path = made;
		return without_disk(db, strerror(-r), note);
	}
	switch (conn_open(db, why)) {
	case CONN_OK:
		anew_discard(db->path);
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
		r = anew_in_memory(db);
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
