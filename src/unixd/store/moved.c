/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The file that is open may have no name any more: somebody removed it under a daemon that
 * goes on writing into what nobody will ever open again, and says that passwords are
 * remembered. So each write looks first. A database that is gone is made again from the one
 * that is open, whole, secrets too: they come from our own descriptor, and forgetting is
 * what cache-clear is for. A file that somebody put there instead is not ours to judge
 * while we run: nothing is written, which is said, until the daemon is started again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/store/anew.h"
#include "src/unixd/store/aside.h"
#include "src/unixd/store/sqlite.h"

static bool
has_moved(const struct db *db) ON_WORKER
{
	int moved = 0;

	return sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
	    SQLITE_OK &&
	    moved != 0;
}

/* The finished one is at `made`; the old one has no name to lose. */
static int
change_over(struct db *db, const char *made, char why[DB_TEXT_MAX]) ON_WORKER
{
	char *path cleanup_(freep) = xstrdup(db->path);
	sqlite3 *old;
	bool whole;

	/* Before the new one is there: closing takes a log and its index off the path. */
	conn_close(db);
	anew_drop_rest(path);
	if (rename(made, path) == 0) {
		aside_sync(path);
		if (conn_open(db, why) == CONN_OK)
			return 0;
	} else {
		(void)snprintf(why, DB_TEXT_MAX, "%s", strerror(errno));
	}
	log_err(
	    "store: %s was removed, and its copy cannot be used (%s); nothing is kept "
	    "on disk",
	    path, why);
	old = anew_open_old(access(path, F_OK) == 0 ? path : made, &whole);
	if (anew_in_memory(db) == 0)
		(void)anew_copy(old, db, ANEW_SECRETS);
	(void)sqlite3_close(old);
	return db->sql == NULL ? -EIO : 0;
}

int
db_stay(struct db *db, char why[DB_TEXT_MAX])
{
	char *made cleanup_(freep) = NULL;
	struct stat st;
	int r;

	if (db->sql == NULL) {
		(void)snprintf(why, DB_TEXT_MAX, "the database is not open");
		return -EIO;
	}
	if (db_is_memory(db) || !has_moved(db))
		return 0;
	if (lstat(db->path, &st) == 0 || errno != ENOENT) {
		(void)snprintf(why, DB_TEXT_MAX,
		    "%s is another file than the one that is open; start the daemon "
		    "again to use it",
		    db->path);
		return -EIO;
	}
	made = xasprintf("%s.new", db->path);
	anew_discard(db->path);
	if (!anew_make_whole(made, db->sql, ANEW_SECRETS, why)) {
		anew_discard(db->path);
		return -EIO;
	}
	r = change_over(db, made, why);
	if (r == 0 && !db_is_memory(db))
		log_warn("store: %s was removed; made again with all that was in it",
		    db->path);
	return r;
}
