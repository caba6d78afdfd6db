/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include <sqlite3.h>

#include "unit/src/unixd/store/kit.h"

/* Turns the loop until writing is (or is not) in trouble. */
static bool
turn_until_trouble(struct kit *k, bool wanted)
{
	struct deadline d = deadline_in_ms(20000);

	while ((store_trouble(k->store) != NULL) != wanted && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 50) >= 0);
	return (store_trouble(k->store) != NULL) == wanted;
}

static void
set_file_limit(rlim_t bytes)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes < lim.rlim_max ? bytes : lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

static void
a_full_disk_is_told_and_nothing_is_lost(void **state)
{
	struct kit *k = *state;
	struct uuid gone = kit_uuid(1);
	struct uuid uuid = kit_uuid(3);
	struct loaded l = { 0 };

	(void)signal(SIGXFSZ, SIG_IGN);
	kit_open(k);
	kit_put_user(k, 1, 1);
	assert_true(kit_flush(k));
	set_file_limit(64 * 1024);
	kit_put_group(k, 2, 20000, 1);
	assert_true(turn_until_trouble(k, true));
	print_message("trouble: %s\n", store_trouble(k->store));
	/* Meanwhile the world goes on. */
	for (int64_t i = 0; i < 1000; i++)
		kit_put_user(k, (uint32_t)(i % 10) + 10, i);
	kit_put_group(k, 2, 30000, 2);
	store_del_user(k->store, &gone);
	store_put_id(k->store, &uuid, 3, 3);
	set_file_limit(RLIM_INFINITY);
	/* By itself: nobody writes or flushes. */
	assert_true(turn_until_trouble(k, false));
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 10);
	assert_int_equal(l.groups, 1);
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.wall_sum, 2 + 10 * 994 + 5);
}

static void
a_failed_clear_does_not_bring_old_records_back(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };

	(void)signal(SIGXFSZ, SIG_IGN);
	kit_open(k);
	kit_put_user(k, 1, 1);
	assert_true(kit_flush(k));
	set_file_limit(64 * 1024);
	kit_put_group(k, 2, 20000, 1);
	assert_true(turn_until_trouble(k, true));
	kit_put_user(k, 5, 1);
	store_clear(k->store);
	kit_put_user(k, 6, 1);
	set_file_limit(RLIM_INFINITY);
	assert_true(kit_flush(k));
	assert_null(store_trouble(k->store));
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
	assert_string_equal(l.last_user, "person00006/A Person");
	assert_int_equal(l.groups, 0);
}

static void
a_disk_that_is_full_at_start_costs_no_record(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	struct loaded later = { 0 };

	(void)signal(SIGXFSZ, SIG_IGN);
	kit_open(k);
	for (uint32_t i = 0; i < 30; i++)
		kit_put_user(k, i, 1);
	kit_close(k);
	set_file_limit(0);
	kit_open(k);
	set_file_limit(RLIM_INFINITY);
	assert_non_null(k->note);
	assert_int_equal(kit_count_aside(k), 0);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 30);
	kit_close(k);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &later), 0);
	assert_int_equal(later.users, 30);
}

static void
a_lock_of_another_process_delays_but_loses_nothing(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	bool flushed = false;
	sqlite3 *sql;

	kit_open(k);
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	kit_put_user(k, 1, 1);
	store_flush(k->store, kit_set_flag, &flushed);
	assert_true(turn_until_trouble(k, true));
	assert_non_null(strstr(store_trouble(k->store), "locked"));
	assert_false(flushed);
	assert_int_equal(sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	assert_true(turn_until_trouble(k, false));
	assert_true(flushed);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
}

static void
note_result(void *arg, int rc)
{
	*(int *)arg = rc;
}

/* Whoever asked for a clear is not told while a verifier of a password is still there. */
static void
a_flush_waits_for_names_and_for_secrets(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(1);
	bool flushed = false;
	int result = 1;
	sqlite3 *sql;

	kit_open(k);
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql,
			     "INSERT INTO creds (uuid, cred) "
			     "VALUES (x'00000000000040008000000000000001', x'6e6f');"
			     "CREATE UNIQUE INDEX no ON creds (cred)",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	kit_put_user(k, 1, 1);
	store_put_cred(k->store, &uuid, "no", 2, NULL, NULL);
	assert_true(turn_until_trouble(k, true));
	store_flush(k->store, kit_set_flag, &flushed);
	/* Tried once more. */
	store_put_cred(k->store, &uuid, "no", 2, note_result, &result);
	while (result == 1)
		assert_true(loop_turn(k->loop, 50) >= 0);
	assert_int_equal(result, -EIO);
	assert_false(flushed);
	assert_int_equal(sqlite3_exec(sql, "DROP INDEX no", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	assert_true(turn_until_trouble(k, false));
	assert_true(flushed);
}

static void
closing_in_trouble_ends_without_an_answer_to_waiters(void **state)
{
	struct kit *k = *state;
	bool flushed = false;
	sqlite3 *sql;

	kit_open(k);
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	kit_put_user(k, 1, 1);
	store_flush(k->store, kit_set_flag, &flushed);
	kit_close(k);
	assert_false(flushed);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_full_disk_is_told_and_nothing_is_lost),
		KIT_TEST(a_failed_clear_does_not_bring_old_records_back),
		KIT_TEST(a_disk_that_is_full_at_start_costs_no_record),
		KIT_TEST(a_lock_of_another_process_delays_but_loses_nothing),
		KIT_TEST(a_flush_waits_for_names_and_for_secrets),
		KIT_TEST(closing_in_trouble_ends_without_an_answer_to_waiters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
