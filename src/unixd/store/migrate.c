/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The schema, as the list of steps that lead to it: step n turns version n into n + 1, in
 * one transaction together with the new version number, so a kill in between leaves the
 * old version or the new one.
 *
 * No row refers to another and nothing but the uuid is unique. Names and numbers move from
 * one uuid to another on the server (a group deleted and made anew), and a constraint that
 * forbids the moment in between would make the whole write fail, again and again.
 */
#include <stdio.h>

#include "src/base/util.h"
#include "src/unixd/store/sqlite.h"

static const char *const steps[] = {
	"CREATE TABLE users ("
	" uuid BLOB PRIMARY KEY NOT NULL CHECK (length(uuid) = 16),"
	" wall_s INTEGER NOT NULL,"
	" record BLOB NOT NULL) STRICT;"
	"CREATE TABLE groups ("
	" uuid BLOB PRIMARY KEY NOT NULL CHECK (length(uuid) = 16),"
	" wall_s INTEGER NOT NULL,"
	" record BLOB NOT NULL) STRICT;"
	"CREATE TABLE ids ("
	" uuid BLOB PRIMARY KEY NOT NULL CHECK (length(uuid) = 16),"
	" id INTEGER NOT NULL CHECK (id BETWEEN 0 AND 4294967295),"
	" pending INTEGER NOT NULL CHECK (pending BETWEEN 0 AND 4294967295)) STRICT;",
	"CREATE TABLE creds ("
	" uuid BLOB PRIMARY KEY NOT NULL CHECK (length(uuid) = 16),"
	" cred BLOB NOT NULL) STRICT;"
	"CREATE TABLE keyed_values ("
	" key TEXT PRIMARY KEY NOT NULL,"
	" value BLOB NOT NULL) STRICT;",
};

_Static_assert(ARRAY_SIZE(steps) == SCHEMA_VERSION, "one step per version");

static int
run_step(sqlite3 *sql, int64_t version) ON_WORKER
{
	char mark[96];
	int rc;

	(void)snprintf(mark, sizeof(mark),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d", SCHEMA_APPLICATION_ID,
	    (int)version + 1);
	rc = conn_exec(sql, "BEGIN IMMEDIATE");
	if (rc != SQLITE_OK)
		return rc;
	rc = conn_exec(sql, steps[version]);
	if (rc == SQLITE_OK)
		rc = conn_exec(sql, mark);
	if (rc == SQLITE_OK)
		rc = conn_exec(sql, "COMMIT");
	if (rc != SQLITE_OK)
		(void)conn_exec(sql, "ROLLBACK");
	return rc;
}

int
migrate(sqlite3 *sql, int64_t version)
{
	for (; version < SCHEMA_VERSION; version++) {
		int rc = run_step(sql, version);

		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}
