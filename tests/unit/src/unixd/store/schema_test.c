/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A database whose schema wants something done. Whatever somebody wrote into it, opening,
 * loading and writing run none of its code: no function, no trigger, no view, and no view
 * that never ends. The function is one that SQLite would call (it is there on every
 * connection), and counts.
 */
#include <signal.h>

#include <sqlite3.h>

#include "unit/src/unixd/store/kit.h"

/* Without the fix the endless view is read for ever; nothing else takes a minute. */
#define PATIENCE_S 60

static unsigned called;

static void
mark(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	(void)v;
	called++;
	sqlite3_result_int(c, 1);
}

static int
on_connection(sqlite3 *sql)
{
	return sqlite3_create_function(sql, "mark", -1,
	    SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, mark, NULL, NULL);
}

/* Somebody else's connection: everything is allowed there. */
static void
spoil(const char *path, const char *query)
{
	char *why = NULL;
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	if (sqlite3_exec(sql, query, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", query, why);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

/* Three people, a group, an accepted number, a credential. */
static void
fill(struct kit *k)
{
	struct uuid uuid = kit_uuid(1);

	kit_open(k);
	for (uint32_t i = 0; i < 3; i++)
		kit_put_user(k, i, 1);
	kit_put_group(k, 900000, 5, 1);
	store_put_id(k->store, &uuid, 100001, 100777);
	store_put_cred(k->store, &uuid, "credential", 10, NULL, NULL);
	assert_true(kit_flush(k));
	kit_close(k);
}

/* All that a daemon does with a store. */
static void
use(struct kit *k, struct loaded *l)
{
	struct uuid uuid = kit_uuid(2);

	called = 0;
	(void)alarm(PATIENCE_S);
	kit_open(k);
	*l = (struct loaded){ 0 };
	assert_true(kit_load(k, l) >= 0);
	kit_put_user(k, 0, 2);
	kit_put_user(k, 77, 2);
	kit_put_group(k, 900000, 6, 2);
	kit_put_group(k, 900001, 6, 2);
	store_put_id(k->store, &uuid, 100002, 100778);
	store_put_cred(k->store, &uuid, "credential", 10, NULL, NULL);
	(void)kit_flush(k);
	kit_close(k);
	(void)alarm(0);
}

static void
functions_in_the_schema_are_never_called(void **state)
{
	static const char *const schemas[] = {
		/* The row that is written, its default, its index, its constraint. */
		"CREATE TRIGGER a AFTER INSERT ON users BEGIN SELECT mark(); END;"
		"CREATE TRIGGER b AFTER UPDATE ON users BEGIN SELECT mark(); END;"
		"CREATE TRIGGER c BEFORE INSERT ON creds BEGIN SELECT mark(); END",
		"CREATE INDEX i ON users (mark(wall_s))",
		"CREATE INDEX i ON ids (id) WHERE mark(id)",
		"ALTER TABLE users ADD COLUMN x INT AS (mark(wall_s)) VIRTUAL CHECK (x)",
		"DROP TABLE ids; CREATE TABLE ids (uuid BLOB PRIMARY KEY NOT NULL,"
		" id INT NOT NULL, pending INT NOT NULL, CHECK (mark(id)));"
		"INSERT INTO ids VALUES (zeroblob(16), 5, 6)",
		"DROP TABLE ids; CREATE TABLE ids (uuid BLOB PRIMARY KEY NOT NULL,"
		" id INT AS (mark(uuid)), pending INT AS (mark(uuid)));"
		"INSERT INTO ids VALUES (zeroblob(16))",
		/* What is read in the place of a table. */
		"DROP TABLE ids; CREATE VIEW ids AS SELECT zeroblob(16) AS uuid,"
		" mark() AS id, 1 AS pending",
		"DROP TABLE users; CREATE VIEW users AS SELECT zeroblob(16) AS uuid,"
		" mark() AS wall_s, x'00' AS record",
		"DROP TABLE groups; CREATE VIEW groups AS SELECT zeroblob(16) AS uuid,"
		" mark() AS wall_s, x'00' AS record",
		"DROP TABLE creds; CREATE VIEW creds AS SELECT zeroblob(16) AS uuid,"
		" mark() AS cred",
	};
	struct kit *k = *state;
	struct loaded l;

	for (size_t i = 0; i < ARRAY_SIZE(schemas); i++) {
		(void)unlink(k->path);
		fill(k);
		spoil(k->path, schemas[i]);
		use(k, &l);
		if (called != 0)
			fail_msg("called %u times: %s", called, schemas[i]);
		/* And what came of it is a store again. */
		use(k, &l);
		assert_int_equal(called, 0);
	}
}

/* What a trigger can do without any function: numbers that root accepted would be gone. */
static void
triggers_are_not_run(void **state)
{
	struct kit *k = *state;
	struct loaded l;

	fill(k);
	spoil(k->path,
	    "CREATE TRIGGER a AFTER INSERT ON users BEGIN DELETE FROM ids; END;"
	    "CREATE TRIGGER b AFTER UPDATE ON users BEGIN DELETE FROM ids; END;"
	    "CREATE TRIGGER c AFTER INSERT ON ids BEGIN DELETE FROM ids; END");
	use(k, &l);
	assert_int_equal(l.ids, 1);
	use(k, &l);
	assert_int_equal(l.ids, 2);
	assert_int_equal(l.users, 4);
}

static void
a_view_without_an_end_in_the_place_of_a_table_is_not_read(void **state)
{
	static const struct {
		const char *table;
		const char *columns;
	} t[] = {
		{ "ids", "n AS uuid, n AS id, n AS pending" },
		{ "users", "n AS uuid, n AS wall_s, x'00' AS record" },
		{ "groups", "n AS uuid, n AS wall_s, x'00' AS record" },
		{ "creds", "n AS uuid, x'00' AS cred" },
		{ "keyed_values", "n AS key, x'00' AS value" },
	};
	struct kit *k = *state;
	struct loaded l;
	char query[512];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		(void)unlink(k->path);
		fill(k);
		(void)snprintf(query, sizeof(query),
		    "DROP TABLE %s; CREATE VIEW %s AS WITH RECURSIVE c (n) AS (SELECT 1"
		    " UNION ALL SELECT n + 1 FROM c) SELECT %s FROM c",
		    t[i].table, t[i].table, t[i].columns);
		spoil(k->path, query);
		use(k, &l);
		/* Accepted numbers come over from whatever else is damaged. */
		assert_int_equal(l.ids, i == 0 ? 0 : 1);
		assert_int_equal(l.users, 0);
	}
}

/* The same, while the log of the database is beside it and is read with it. */
static void
a_view_that_is_in_the_log_is_not_read_either(void **state)
{
	struct kit *k = *state;
	struct loaded l;
	sqlite3 *sql;

	fill(k);
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql,
			     "DROP TABLE ids; CREATE VIEW ids AS WITH RECURSIVE c (n) AS"
			     " (SELECT mark() UNION ALL SELECT n + 1 FROM c)"
			     " SELECT n AS uuid, n AS id, n AS pending FROM c",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	assert_int_equal(kit_count_files(k, "-wal"), 1);
	use(k, &l);
	assert_int_equal(called, 0);
	assert_int_equal(l.ids, 0);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(functions_in_the_schema_are_never_called),
		KIT_TEST(triggers_are_not_run),
		KIT_TEST(a_view_without_an_end_in_the_place_of_a_table_is_not_read),
		KIT_TEST(a_view_that_is_in_the_log_is_not_read_either),
	};

	/* An old way to say "on every connection": the signature is the extension's. */
	if (sqlite3_auto_extension((void (*)(void))on_connection) != SQLITE_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
