/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <grp.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "unit/src/unixd/store/kit.h"

static bool new_stays; /* what was made beside cannot take its place */

typeof(rename) __wrap_rename, __real_rename;

int
__wrap_rename(const char *from, const char *to)
{
	size_t len = strlen(from);

	if (new_stays && len > 4 && strcmp(from + len - 4, ".new") == 0) {
		errno = EIO;
		return -1;
	}
	return __real_rename(from, to);
}

static void
sql_on(const char *path, const char *query)
{
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, query, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

/* A database with some people, a group and an accepted id. */
static void
fill(struct kit *k, uint32_t people)
{
	struct uuid uuid = kit_uuid(1);

	kit_open(k);
	for (uint32_t i = 0; i < people; i++)
		kit_put_user(k, i, 1);
	kit_put_group(k, 900000, 5, 1);
	store_put_id(k->store, &uuid, 100001, 100777);
	kit_close(k);
}

/* A store that opened with a note, works, and keeps what it is given. */
static void
assert_works_anew(struct kit *k, const char *note_part)
{
	struct loaded l = { 0 };

	kit_open(k);
	assert_non_null(k->note);
	assert_non_null(strstr(k->note, note_part));
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 0);
	kit_put_user(k, 4, 1);
	assert_true(kit_flush(k));
	assert_null(store_trouble(k->store));
	kit_close(k);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
}

static void
garbage_is_set_aside(void **state)
{
	struct kit *k = *state;
	char garbage[9000];

	memset(garbage, 'g', sizeof(garbage));
	kit_write_file(k->path, garbage, sizeof(garbage));
	assert_works_anew(k, "kept as");
	assert_int_equal(kit_count_aside(k), 1);
}

static void
an_empty_file_is_a_new_database(void **state)
{
	struct kit *k = *state;

	kit_write_file(k->path, "", 0);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_count_aside(k), 0);
}

static void
a_truncated_database_is_set_aside_and_its_ids_come_over(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	struct stat st;

	fill(k, 200);
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(truncate(k->path, st.st_size - 3 * 4096), 0);
	kit_open(k);
	assert_non_null(k->note);
	assert_non_null(strstr(k->note, "malformed"));
	assert_int_equal(kit_count_aside(k), 1);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 0);
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.last_id, 100001);
	assert_int_equal(l.last_pending, 100777);
}

/* Ended between the two renames: the old one has left, its log not yet, and the new one
 * waits beside. */
static void
setting_aside_goes_on_where_it_was_interrupted(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	char made[128], wal[160], aside[128];

	fill(k, 20);
	(void)snprintf(made, sizeof(made), "%s.new", k->path);
	(void)snprintf(wal, sizeof(wal), "%s-wal", k->path);
	(void)snprintf(aside, sizeof(aside), "%s.broken-20200101-000000", k->path);
	assert_int_equal(rename(k->path, made), 0);
	kit_write_file(aside, "junk", 4);
	kit_write_file(wal, "junk", 4);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.last_id, 100001);
	assert_int_equal(access(made, F_OK), -1);
	(void)snprintf(wal, sizeof(wal), "%s-wal", aside);
	assert_int_equal(access(wal, F_OK), 0);
}

static void
has_the_id(struct kit *k)
{
	struct loaded l = { 0 };

	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.last_id, 100001);
	assert_int_equal(l.last_pending, 100777);
}

/* Twice, and then it can: the ids were there all the time. */
static void
what_cannot_take_its_place_keeps_the_ids(void **state)
{
	struct kit *k = *state;
	char made[128];
	struct stat st;

	(void)snprintf(made, sizeof(made), "%s.new", k->path);
	fill(k, 200);
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(truncate(k->path, st.st_size - 3 * 4096), 0);
	new_stays = true;
	for (int i = 0; i < 2; i++) {
		kit_open(k);
		assert_non_null(k->note);
		assert_non_null(strstr(k->note, "nothing is kept on disk"));
		assert_non_null(strstr(k->note, strerror(EIO)));
		has_the_id(k);
		assert_int_equal(access(made, F_OK), 0);
		assert_int_equal(access(k->path, F_OK), -1);
		kit_close(k);
	}
	new_stays = false;
	kit_open(k);
	assert_null(k->note);
	has_the_id(k);
	assert_int_equal(access(made, F_OK), -1);
	assert_int_equal(kit_count_aside(k), 1);
}

/* Ended before: the old one is still there, and is judged anew. */
static void
a_half_made_database_counts_for_nothing(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	char made[128];

	fill(k, 20);
	(void)snprintf(made, sizeof(made), "%s.new", k->path);
	kit_write_file(made, "junk", 4);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 20);
	assert_int_equal(access(made, F_OK), -1);
}

static void
damage_met_while_loading_costs_only_what_is_damaged(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	struct loaded again = { 0 };
	struct stat st;
	FILE *f;

	/* Beyond the size that is checked when opening. */
	fill(k, 14000);
	assert_int_equal(stat(k->path, &st), 0);
	assert_true(st.st_size > 1024 * 4096);
	f = fopen(k->path, "r+b");
	assert_non_null(f);
	for (long page = st.st_size / 4096 / 2; page < st.st_size / 4096; page++) {
		assert_int_equal(fseek(f, page * 4096, SEEK_SET), 0);
		assert_int_equal(fwrite("\xff\xff\xff\xff\xff\xff\xff\xff", 1, 8, f), 8);
	}
	assert_int_equal(fclose(f), 0);
	kit_open(k);
	assert_null(k->note);
	assert_true(kit_load(k, &l) >= 0);
	assert_non_null(store_note(k->store));
	assert_int_equal(kit_count_aside(k), 1);
	assert_int_equal(l.ids, 1);
	assert_true(l.users > 100 && l.users < 14000);
	/* What was handed out is what the new file has. */
	kit_put_user(k, 500000, 1);
	assert_true(kit_flush(k));
	kit_close(k);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &again), 0);
	assert_int_equal(again.users, l.users + 1);
	assert_int_equal(again.ids, 1);
}

static void
a_directory_at_the_path_is_set_aside(void **state)
{
	struct kit *k = *state;

	assert_int_equal(mkdir(k->path, 0700), 0);
	assert_works_anew(k, "kept as");
	assert_int_equal(kit_count_aside(k), 1);
}

static void
a_fifo_at_the_path_is_set_aside_and_not_waited_for(void **state)
{
	struct kit *k = *state;

	assert_int_equal(mkfifo(k->path, 0600), 0);
	assert_works_anew(k, "kept as");
	assert_int_equal(kit_count_aside(k), 1);
}

static void
a_newer_schema_is_set_aside_with_its_ids_carried_over(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };

	fill(k, 3);
	sql_on(k->path,
	    "PRAGMA user_version = 99; ALTER TABLE ids ADD COLUMN extra TEXT");
	kit_open(k);
	assert_non_null(strstr(k->note, "newer"));
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 0);
	assert_int_equal(l.ids, 1);
	assert_int_equal(kit_count_aside(k), 1);
}

static void
missing_tables_are_a_broken_database(void **state)
{
	struct kit *k = *state;

	fill(k, 3);
	sql_on(k->path, "DROP TABLE users");
	kit_open(k);
	assert_non_null(strstr(k->note, "no such table"));
	assert_int_equal(kit_count_aside(k), 1);
}

static unsigned long
checksum(const char *path)
{
	FILE *f = fopen(path, "rb");
	unsigned long sum = 5381;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		sum = sum * 33 + (unsigned long)c;
	(void)fclose(f);
	return sum;
}

static void
a_reference_database_is_left_alone(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	char other[120];
	unsigned long sum;

	sql_on(k->path,
	    "CREATE TABLE db_version_t (id TEXT PRIMARY KEY, version INTEGER);"
	    "INSERT INTO db_version_t VALUES ('main', 2);"
	    "CREATE TABLE account_t (uuid TEXT PRIMARY KEY, token BLOB NOT NULL)");
	sum = checksum(k->path);
	kit_open(k);
	assert_non_null(strstr(k->note, ".ku is used"));
	kit_put_user(k, 1, 1);
	kit_close(k);
	assert_true(checksum(k->path) == sum);
	(void)snprintf(other, sizeof(other), "%s.ku", k->path);
	assert_int_equal(access(other, F_OK), 0);
	assert_int_equal(kit_count_aside(k), 0);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
}

static void
a_reference_database_that_is_all_in_its_log_is_left_alone(void **state)
{
	struct kit *k = *state;
	char log[120];
	unsigned long sum;
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(sql,
		"PRAGMA journal_mode = WAL;"
		"CREATE TABLE db_version_t (id TEXT PRIMARY KEY, version INTEGER)",
		NULL, NULL, NULL),
	    SQLITE_OK);
	(void)snprintf(log, sizeof(log), "%s-wal", k->path);
	sum = checksum(log);
	kit_open(k);
	assert_non_null(strstr(k->note, ".ku is used"));
	assert_true(checksum(log) == sum);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

static void
a_foreign_database_is_left_alone(void **state)
{
	struct kit *k = *state;
	unsigned long sum;

	/* A path that would mean something else in a URI. */
	(void)snprintf(k->path, sizeof(k->path), "%s/50%%25?#.db", k->dir);
	sql_on(k->path, "CREATE TABLE cookies (a TEXT)");
	sum = checksum(k->path);
	kit_open(k);
	assert_non_null(strstr(k->note, ".ku is used"));
	kit_close(k);
	assert_true(checksum(k->path) == sum);
}

static void
without_its_directory_the_store_works_in_memory(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };

	(void)snprintf(k->path, sizeof(k->path), "%s/missing/unixd.db", k->dir);
	kit_open(k);
	assert_non_null(strstr(k->note, "nothing is kept on disk"));
	kit_put_user(k, 1, 1);
	assert_true(kit_flush(k));
	assert_null(store_trouble(k->store));
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
}

/* In a child that is not root: 0 when all is well, else the number of the check. */
static int
use_read_only_directory(struct kit *k)
{
	struct loaded l = { 0 };
	struct store_sink sink = { &l, kit_take_user, kit_take_group, kit_take_id, NULL };

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		setresuid(65534, 65534, 65534) < 0))
		return 77;
	if (loop_new(&k->loop) < 0 ||
	    store_open(k->loop, k->path, &k->store, &k->note) < 0)
		return 1;
	if (k->note == NULL || strstr(k->note, "Permission denied") == NULL)
		return 2;
	if (store_load(k->store, &sink) != 0 || l.users != 3 || l.ids != 1)
		return 3;
	kit_put_user(k, 9, 1);
	store_close(k->store);
	loop_free(k->loop);
	return 0;
}

static void
a_read_only_directory_is_served_from_and_kept_in_memory(void **state)
{
	struct kit *k = *state;
	struct kit child = *k;
	struct loaded l = { 0 };
	int status;
	pid_t pid;

	fill(k, 3);
	if (geteuid() == 0) {
		assert_int_equal(chown(k->dir, 65534, 65534), 0);
		assert_int_equal(chown(k->path, 65534, 65534), 0);
	}
	assert_int_equal(chmod(k->dir, 0500), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(use_read_only_directory(&child));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(chmod(k->dir, 0700), 0);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(kit_count_aside(k), 0);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 3);
}

static void
a_database_locked_by_another_process_is_noted(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	sqlite3 *sql;

	fill(k, 3);
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql,
			     "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;"
			     "UPDATE ids SET id = 7; COMMIT",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	kit_open(k);
	assert_non_null(strstr(k->note, "locked"));
	assert_int_equal(kit_count_aside(k), 0);
	kit_close(k);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 3);
}

static void
records_that_cannot_be_decoded_are_skipped(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };

	fill(k, 5);
	sql_on(k->path,
	    "UPDATE users SET record = x'0102' WHERE rowid = 2;"
	    "UPDATE users SET record = x'' WHERE rowid = 3;"
	    "UPDATE users SET uuid = zeroblob(16) WHERE rowid = 4;"
	    "UPDATE groups SET record = randomblob(100)");
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 4);
	assert_int_equal(l.users, 2);
	assert_int_equal(l.groups, 0);
	assert_int_equal(l.ids, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(garbage_is_set_aside),
		KIT_TEST(an_empty_file_is_a_new_database),
		KIT_TEST(a_truncated_database_is_set_aside_and_its_ids_come_over),
		KIT_TEST(damage_met_while_loading_costs_only_what_is_damaged),
		KIT_TEST(setting_aside_goes_on_where_it_was_interrupted),
		KIT_TEST(what_cannot_take_its_place_keeps_the_ids),
		KIT_TEST(a_half_made_database_counts_for_nothing),
		KIT_TEST(a_directory_at_the_path_is_set_aside),
		KIT_TEST(a_fifo_at_the_path_is_set_aside_and_not_waited_for),
		KIT_TEST(a_newer_schema_is_set_aside_with_its_ids_carried_over),
		KIT_TEST(missing_tables_are_a_broken_database),
		KIT_TEST(a_reference_database_is_left_alone),
		KIT_TEST(a_reference_database_that_is_all_in_its_log_is_left_alone),
		KIT_TEST(a_foreign_database_is_left_alone),
		KIT_TEST(without_its_directory_the_store_works_in_memory),
		KIT_TEST(a_read_only_directory_is_served_from_and_kept_in_memory),
		KIT_TEST(a_database_locked_by_another_process_is_noted),
		KIT_TEST(records_that_cannot_be_decoded_are_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
