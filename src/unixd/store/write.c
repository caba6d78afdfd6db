/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Writing a batch. Secrets have a transaction of their own, before the names: somebody
 * waits for them with a login in hand, and neither a list of twenty thousand members nor a
 * disk that has room for nothing but a counter shall decide about them.
 */
#include <errno.h>

#include "src/base/util.h"
#include "src/unixd/store/sqlite.h"

static int
run(sqlite3_stmt *st) ON_WORKER
{
	int rc = sqlite3_step(st);

	(void)sqlite3_reset(st);
	(void)sqlite3_clear_bindings(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
write_record(struct db *db, const struct op *op, enum conn_stmt put,
    enum conn_stmt del) ON_WORKER
{
	sqlite3_stmt *st = db->stmt[op->blob == NULL ? del : put];

	(void)sqlite3_bind_blob(st, 1, op->uuid.b, sizeof(op->uuid.b), SQLITE_STATIC);
	if (op->blob != NULL) {
		(void)sqlite3_bind_int64(st, 2, op->wall_s);
		(void)sqlite3_bind_blob64(st, 3, op->blob, op->len, SQLITE_STATIC);
	}
	return run(st);
}

static int
write_id(struct db *db, const struct op *op) ON_WORKER
{
	sqlite3_stmt *st = db->stmt[STMT_PUT_ID];

	(void)sqlite3_bind_blob(st, 1, op->uuid.b, sizeof(op->uuid.b), SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, 2, op->id);
	(void)sqlite3_bind_int64(st, 3, op->pending);
	return run(st);
}

static int
write_cred(struct db *db, const struct op *op) ON_WORKER
{
	sqlite3_stmt *st = db->stmt[op->blob == NULL ? STMT_DEL_CRED : STMT_PUT_CRED];

	(void)sqlite3_bind_blob(st, 1, op->uuid.b, sizeof(op->uuid.b), SQLITE_STATIC);
	if (op->blob != NULL)
		(void)sqlite3_bind_blob64(st, 2, op->blob, op->len, SQLITE_STATIC);
	return run(st);
}

static int
write_value(struct db *db, const struct op *op) ON_WORKER
{
	sqlite3_stmt *st = db->stmt[STMT_PUT_VALUE];

	(void)sqlite3_bind_text(st, 1, op->key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(st, 2, op->blob, op->len, SQLITE_STATIC);
	return run(st);
}

static int
write_op(struct db *db, const struct op *op) ON_WORKER
{
	switch (op->kind) {
	case OP_USER:
		return write_record(db, op, STMT_PUT_USER, STMT_DEL_USER);
	case OP_GROUP:
		return write_record(db, op, STMT_PUT_GROUP, STMT_DEL_GROUP);
	case OP_ID:
		return write_id(db, op);
	case OP_CRED:
		return write_cred(db, op);
	case OP_VALUE:
		return write_value(db, op);
	}
	return SQLITE_MISUSE;
}

static int
write_all(struct db *db, const char *clear, const struct list *ops) ON_WORKER
{
	int rc = conn_exec(db->sql, "BEGIN IMMEDIATE");
	struct list *it;

	if (rc == SQLITE_OK && clear != NULL)
		rc = conn_exec(db->sql, clear);
	list_for_each(it, ops) {
		if (rc != SQLITE_OK)
			break;
		rc = write_op(db, container_of(it, struct op, link));
	}
	if (rc == SQLITE_OK)
		rc = conn_exec(db->sql, "COMMIT");
	return rc;
}

static int
transaction(struct db *db, const char *clear, const struct list *ops, bool durable,
    char why[DB_TEXT_MAX]) ON_WORKER
{
	int rc;

	if (db_stay(db, why) < 0)
		return -EIO;
	/* Not while a transaction is open, where it would have no effect. */
	if (durable)
		(void)conn_exec(db->sql, "PRAGMA synchronous = FULL");
	rc = write_all(db, clear, ops);
	if (rc != SQLITE_OK)
		conn_say(db->sql, why);
	if (sqlite3_get_autocommit(db->sql) == 0)
		(void)conn_exec(db->sql, "ROLLBACK");
	if (durable)
		(void)conn_exec(db->sql, "PRAGMA synchronous = NORMAL");
	return rc == SQLITE_OK ? 0 : -EIO;
}

/*
 * Cleared means gone, from the log too. SQLite cuts the log off and leaves it to the system
 * when the disk hears of it; until then the old bytes come back with the power.
 */
static void
empty_log(struct db *db) ON_WORKER
{
	sqlite3_file *log = NULL;

	(void)conn_exec(db->sql, "PRAGMA wal_checkpoint(TRUNCATE)");
	if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) ==
		SQLITE_OK &&
	    log != NULL && log->pMethods != NULL)
		(void)log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

int
db_write(struct db *db, const struct write_set *set, char why[DB_TEXT_MAX])
{
	const char *clear = set->clear ? "DELETE FROM users; DELETE FROM groups" : NULL;
	int r = transaction(db, clear, &set->ops, set->durable, why);

	if (r == 0 && set->clear)
		empty_log(db);
	return r;
}

int
db_write_secrets(struct db *db, const struct write_set *set, char why[DB_TEXT_MAX])
{
	const char *clear = set->clear_creds ? "DELETE FROM creds" : NULL;
	int r = transaction(db, clear, &set->secrets, true, why);
	bool deleted = set->clear_creds;
	struct list *it;

	list_for_each(it, &set->secrets)
		deleted |= container_of(it, struct op, link)->blob == NULL;
	if (r == 0 && deleted)
		empty_log(db);
	return r;
}
