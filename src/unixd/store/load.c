/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Loading, which is where damage shows that the check at opening has not met: one bad
 * record is skipped, a file that cannot be read to its end is set aside.
 */
#include <errno.h>
#include <string.h>

#include "src/base/util.h"
#include "src/unixd/model/model.h"
#include "src/unixd/store/sqlite.h"
#include "src/unixd/store/store.h"

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
	    user_unpack_sharing(blob, (size_t)sqlite3_column_bytes(st, 2), sink->share,
		&u) < 0)
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

/* What was met while reading that the check at opening has not met. */
static int
damaged(struct db *db, enum conn_state state, int skipped, char **ret_note) ON_WORKER
{
	if (state != CONN_BROKEN || db->path == NULL)
		return -EIO;
	(void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	conn_close(db);
	if (db_begin_anew(db, "database disk image is malformed", true, ret_note) < 0)
		return -ENOMEM;
	return skipped;
}

int
db_load(struct db *db, const struct store_sink *sink, char **ret_note)
{
#define LARGEST "(SELECT uuid FROM groups ORDER BY length(record) DESC, uuid LIMIT 1)"
	/* Ids first, so that whoever takes the records knows which number counts; groups
	 * before users, so that users can share them. The group with everybody in it comes
	 * first: whoever numbers people as they appear then has them in the order of all
	 * other lists, too. */
	static const struct {
		const char *query;
		load_row_fn fn;
	} tables[] = {
		{ "SELECT uuid, id, pending FROM ids", load_id },
		{ "SELECT uuid, wall_s, record FROM groups WHERE uuid IS " LARGEST,
		    load_group },
		{ "SELECT uuid, wall_s, record FROM groups WHERE uuid IS NOT " LARGEST,
		    load_group },
		{ "SELECT uuid, wall_s, record FROM users", load_user },
	};
	enum conn_state worst = CONN_OK;
	int skipped = 0;

	*ret_note = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		enum conn_state state = conn_judge(
		    load_table(db, tables[i].query, tables[i].fn, sink, &skipped));

		if (state != CONN_OK)
			worst = state;
	}
	/* The pages just read will not be asked for again. */
	(void)sqlite3_db_release_memory(db->sql);
	return worst == CONN_OK ? skipped : damaged(db, worst, skipped, ret_note);
}

/* One row each; `sink` NULL: only look whether it can be read. */

static bool
blob_of(sqlite3_stmt *st, size_t max, const void **ret_blob, size_t *ret_len)
{
	*ret_blob = sqlite3_column_blob(st, 1);
	*ret_len = (size_t)sqlite3_column_bytes(st, 1);
	return *ret_blob != NULL && *ret_len <= max;
}

static bool
load_cred(sqlite3_stmt *st, const struct store_secrets *sink)
{
	struct uuid uuid;
	const void *blob;
	size_t len;

	if (!row_uuid(st, &uuid) || !blob_of(st, STORE_MAX_CRED, &blob, &len))
		return false;
	if (sink != NULL && sink->cred != NULL)
		sink->cred(sink->arg, &uuid, blob, len);
	return true;
}

static bool
load_value(sqlite3_stmt *st, const struct store_secrets *sink)
{
	const char *key = (const char *)sqlite3_column_text(st, 0);
	const void *blob;
	size_t len;

	if (key == NULL || strlen(key) > OP_KEY_MAX ||
	    !blob_of(st, STORE_MAX_VALUE, &blob, &len))
		return false;
	if (sink != NULL && sink->value != NULL)
		sink->value(sink->arg, key, blob, len);
	return true;
}

typedef bool (*load_secret_fn)(sqlite3_stmt *st, const struct store_secrets *sink);

static int
load_secret_table(struct db *db, const char *query, load_secret_fn fn,
    const struct store_secrets *sink, int *skipped) ON_WORKER
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->sql, query, -1, &st, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && !fn(st, sink))
			(*skipped)++;
	}
	(void)sqlite3_finalize(st);
	return rc;
}

static enum conn_state
load_secrets(struct db *db, const struct store_secrets *sink, int *ret_skipped) ON_WORKER
{
	int rc;

	*ret_skipped = 0;
	rc = load_secret_table(db, "SELECT key, value FROM keyed_values", load_value,
	    sink, ret_skipped);
	if (rc == SQLITE_DONE)
		rc = load_secret_table(db, "SELECT uuid, cred FROM creds", load_cred,
		    sink, ret_skipped);
	return conn_judge(rc);
}

int
db_load_secrets(struct db *db, const struct store_secrets *sink, char **ret_note)
{
	enum conn_state state;
	int skipped;

	*ret_note = NULL;
	/* Twice, because a key without what was made with it, or half of the counters,
	 * is worse than nothing. */
	state = load_secrets(db, NULL, &skipped);
	if (state == CONN_OK)
		state = load_secrets(db, sink, &skipped);
	return state == CONN_OK ? skipped : damaged(db, state, skipped, ret_note);
}
