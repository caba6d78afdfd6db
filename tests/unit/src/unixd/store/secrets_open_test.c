/* SPDX-License-Identifier: MPL-2.0 */
#include <sqlite3.h>

#include "unit/src/unixd/store/secrets_kit.h"

static void
sql_on(const char *path, const char *query)
{
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, query, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

/* Opens while not a byte can be written. */
static void
open_on_a_full_disk(struct kit *k)
{
	set_file_limit(0);
	kit_open(k);
	set_file_limit(RLIM_INFINITY);
	assert_non_null(k->note);
}

static void
a_database_that_cannot_be_written_gives_what_it_has(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;

	kit_open(k);
	put(k, 1, "one", NULL);
	store_put_value(k->store, "hmac-key", "sealed", 6, NULL, NULL);
	kit_close(k);
	open_on_a_full_disk(k);
	got = load_secrets(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_value, "sealed");
	put(k, 1, "two", &t);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(t.rc, -EIO);
}

/* Writes "new" over what is there and dies, so that it is in the log only. */
static void
leave_in_the_log(struct kit *k)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct told t = { 0 };

		kit_open(k);
		put(k, 1, "new", &t);
		if (!wait_told(k, &t, 1) || t.rc != 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
an_older_state_of_a_credential_is_never_given(void **state)
{
	struct kit *k = *state;
	struct secrets got;
	char log[128];

	kit_open(k);
	put(k, 1, "old", NULL);
	kit_close(k);
	leave_in_the_log(k);
	open_on_a_full_disk(k);
	got = load_secrets(k);
	/* Reading the log takes shared memory, for which there may be no room. */
	if (got.creds > 0)
		assert_string_equal(got.last_cred, "new");
	kit_close(k);
	/* A log that cannot be read may say anything. */
	(void)snprintf(log, sizeof(log), "%s-wal", k->path);
	assert_int_equal(unlink(log), 0);
	assert_int_equal(mkdir(log, 0700), 0);
	open_on_a_full_disk(k);
	assert_int_equal(load_secrets(k).creds, 0);
}

static void
a_database_set_aside_takes_the_secrets_with_it(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(1);
	struct told t = { 0 };
	struct loaded l = { 0 };
	struct secrets got;

	kit_open(k);
	put(k, 1, "one", NULL);
	store_put_value(k->store, "hmac-key", "sealed", 6, NULL, NULL);
	store_put_id(k->store, &uuid, 100001, 100001);
	kit_close(k);
	sql_on(k->path, "PRAGMA user_version = 99");
	kit_open(k);
	assert_int_equal(kit_count_aside(k), 1);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.ids, 1);
	got = load_secrets(k);
	assert_int_equal(got.creds + got.values, 0);
	put(k, 1, "one", &t);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(t.rc, 0);
}

/* Fills a page with 0xff: the table's first. */
static void
damage_table(const struct kit *k, const char *table)
{
	char query[96];
	sqlite3_stmt *st;
	sqlite3 *sql;
	long page;
	FILE *f;

	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	(void)snprintf(query, sizeof(query),
	    "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", table);
	assert_int_equal(sqlite3_prepare_v2(sql, query, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	page = (long)sqlite3_column_int64(st, 0);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(sql);
	f = fopen(k->path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, (page - 1) * 4096, SEEK_SET), 0);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(fwrite("\xff\xff\xff\xff\xff\xff\xff\xff", 1, 8, f), 8);
	assert_int_equal(fclose(f), 0);
}

static void
damage_met_while_loading_costs_all_secrets_and_no_name(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct loaded l = { 0 };
	struct secrets got;

	kit_open(k);
	put(k, 1, "one", NULL);
	store_put_value(k->store, "hmac-key", "sealed", 6, NULL, NULL);
	/* Beyond the size that is checked when opening. */
	for (uint32_t i = 0; i < 14000; i++)
		kit_put_user(k, i, 1);
	kit_close(k);
	damage_table(k, "creds");
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 14000);
	got = load_secrets(k);
	assert_int_equal(got.creds + got.values, 0);
	assert_non_null(store_note(k->store));
	assert_int_equal(kit_count_aside(k), 1);
	put(k, 1, "anew", &t);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(t.rc, 0);
	assert_string_equal(reopen(k).last_cred, "anew");
	l = (struct loaded){ 0 };
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 14000);
}

static void
rows_of_no_use_are_skipped(void **state)
{
	struct kit *k = *state;
	struct secrets got;

	kit_open(k);
	put(k, 1, "good", NULL);
	kit_close(k);
	sql_on(k->path, "INSERT INTO creds VALUES (randomblob(16), zeroblob(1025))");
	sql_on(k->path, "INSERT INTO keyed_values VALUES ('big', zeroblob(4097))");
	sql_on(k->path,
	    "INSERT INTO keyed_values VALUES ('a key of more than thirty-one bytes', "
	    "zeroblob(1))");
	sql_on(k->path, "INSERT INTO keyed_values VALUES ('k', zeroblob(4096))");
	kit_open(k);
	got = load_secrets(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_cred, "good");
	assert_int_equal(got.values, 1);
	assert_string_equal(got.last_key, "k");
}

/* What the first release made, word by word. */
static const char schema_1[] =
    "PRAGMA journal_mode = WAL;"
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
    " pending INTEGER NOT NULL CHECK (pending BETWEEN 0 AND 4294967295)) STRICT;"
    "PRAGMA application_id = 0x6b557374; PRAGMA user_version = 1;"
    "INSERT INTO ids VALUES (x'b0000102030405060708090a0b0c0d0e', 100001, 100002);";

static void
make_schema_1(struct kit *k)
{
	struct user *u = kit_user(7, "From Before");
	sqlite3_stmt *st;
	sqlite3 *sql;
	size_t len;
	void *blob = user_pack(u, &len);

	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, schema_1, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(sql, "INSERT INTO users VALUES (?1, 1, ?2)",
			     -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_bind_blob(st, 1, u->uuid.b, 16, SQLITE_STATIC),
	    SQLITE_OK);
	assert_int_equal(sqlite3_bind_blob64(st, 2, blob, len, SQLITE_STATIC), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	free(blob);
	user_unref(u);
}

static void
a_database_of_the_first_schema_is_brought_up_to_date(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct loaded l = { 0 };
	struct secrets got;

	make_schema_1(k);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_count_aside(k), 0);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
	assert_string_equal(l.last_user, "person00007/From Before");
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.last_pending, 100002);
	got = load_secrets(k);
	assert_int_equal(got.creds + got.values, 0);
	put(k, 7, "first", &t);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(t.rc, 0);
	assert_string_equal(reopen(k).last_cred, "first");
	assert_null(k->note);
	l = (struct loaded){ 0 };
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_database_that_cannot_be_written_gives_what_it_has),
		KIT_TEST(an_older_state_of_a_credential_is_never_given),
		KIT_TEST(a_database_set_aside_takes_the_secrets_with_it),
		KIT_TEST(damage_met_while_loading_costs_all_secrets_and_no_name),
		KIT_TEST(rows_of_no_use_are_skipped),
		KIT_TEST(a_database_of_the_first_schema_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
