/* SPDX-License-Identifier: MPL-2.0 */
#include <stdatomic.h>
#include <sys/syscall.h>

#include <sqlite3.h>

#include "unit/src/unixd/store/secrets_kit.h"

/* In front of libc's, for libsqlite3 too. */
static atomic_uint syncs;
static atomic_bool sync_fails;

static int
sync_by(long number, int fd)
{
	atomic_fetch_add(&syncs, 1);
	if (atomic_load(&sync_fails)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(number, fd);
}

__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	return sync_by(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) int
fsync(int fd)
{
	return sync_by(SYS_fsync, fd);
}

static void
credentials_and_values_survive_a_restart(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;

	kit_open(k);
	put(k, 1, "first", &t);
	assert_int_equal(t.times, 0);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(t.rc, 0);
	put(k, 1, "second", &t);
	store_put_value(k->store, "hmac-key", "sealed", 6, be_told, &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, 0);
	got = reopen(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_cred, "second");
	assert_int_equal(got.values, 1);
	assert_string_equal(got.last_key, "hmac-key");
	assert_string_equal(got.last_value, "sealed");
	del(k, 1);
	got = reopen(k);
	assert_int_equal(got.creds, 0);
	assert_int_equal(got.values, 1);
}

static void
what_is_said_to_be_kept_survives_a_kill(void **state)
{
	struct kit *k = *state;
	struct secrets got;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct told t = { 0 };

		kit_open(k);
		put(k, 1, "counted", &t);
		if (!wait_told(k, &t, 1) || t.rc != 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	kit_open(k);
	got = load_secrets(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_cred, "counted");
}

static void
what_is_said_to_be_kept_has_been_synced(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };

	kit_open(k);
	put(k, 1, "first", &t);
	assert_true(wait_told(k, &t, 1));
	/* Names go without. */
	atomic_store(&syncs, 0);
	kit_put_user(k, 1, 1);
	assert_true(kit_flush(k));
	assert_int_equal(atomic_load(&syncs), 0);
	put(k, 1, "second", &t);
	assert_true(wait_told(k, &t, 2));
	assert_int_equal(t.rc, 0);
	assert_true(atomic_load(&syncs) > 0);
	/* A disk that takes it and then does not have it. */
	atomic_store(&sync_fails, true);
	put(k, 1, "third", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, -EIO);
	atomic_store(&sync_fails, false);
	put(k, 1, "fourth", &t);
	assert_true(wait_told(k, &t, 4));
	assert_int_equal(t.rc, 0);
	assert_string_equal(reopen(k).last_cred, "fourth");
}

static void
an_overtaken_change_is_answered_with_the_newer_one(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;
	char text[16];

	kit_open(k);
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(text, sizeof(text), "count %u", i);
		put(k, 1, text, &t);
	}
	del(k, 2);
	put(k, 2, "gone", &t);
	del(k, 2);
	assert_true(wait_told(k, &t, 51));
	assert_int_equal(t.rc, 0);
	got = reopen(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_cred, "count 49");
}

static void
clear_drops_credentials_and_keeps_values(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;

	kit_open(k);
	store_put_value(k->store, "domain", "idm", 3, NULL, NULL);
	put(k, 1, "one", &t);
	assert_true(wait_told(k, &t, 1));
	put(k, 2, "two", &t);
	store_clear(k->store);
	put(k, 3, "three", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, 0);
	got = reopen(k);
	assert_int_equal(got.creds, 1);
	assert_string_equal(got.last_cred, "three");
	assert_int_equal(got.values, 1);
	store_del_all_creds(k->store);
	assert_true(kit_flush(k));
	got = reopen(k);
	assert_int_equal(got.creds, 0);
	assert_int_equal(got.values, 1);
	assert_int_equal(kit_count_aside(k), 0);
}

/* Is this text anywhere in the files of the database? */
static bool
files_hold(const struct kit *k, const char *text)
{
	static const char *const tails[] = { "", "-wal" };
	static char buf[1 << 20];
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		char path[128];
		FILE *f;
		size_t n;

		(void)snprintf(path, sizeof(path), "%s%s", k->path, tails[i]);
		f = fopen(path, "rb");
		if (f == NULL)
			continue;
		n = fread(buf, 1, sizeof(buf), f);
		found = found || memmem(buf, n, text, strlen(text)) != NULL;
		(void)fclose(f);
	}
	return found;
}

static void
a_deleted_credential_is_gone_from_the_files_too(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };

	kit_open(k);
	put(k, 1, "a verifier of somebody", &t);
	put(k, 2, "another", &t);
	assert_true(wait_told(k, &t, 2));
	assert_true(files_hold(k, "a verifier of somebody"));
	del(k, 1);
	assert_true(kit_flush(k));
	assert_false(files_hold(k, "a verifier of somebody"));
	assert_true(files_hold(k, "another"));
}

static void
a_failed_change_is_told_and_not_tried_again(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;
	sqlite3 *sql;

	kit_open(k);
	put(k, 1, "old", &t);
	put(k, 2, "to be forgotten", &t);
	put(k, 3, "also", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	kit_put_user(k, 1, 1);
	put(k, 1, "new", &t);
	/* These came in between a batch that fails and the next. */
	del(k, 2);
	put(k, 2, "successor", &t);
	del(k, 3);
	put(k, 4, "quietly", NULL);
	assert_true(wait_told(k, &t, 5));
	assert_int_equal(t.rc, -EIO);
	assert_non_null(store_trouble(k->store));
	/* One more while there is trouble: it does not wait for the pause to end. */
	put(k, 5, "late", &t);
	assert_true(wait_told(k, &t, 6));
	assert_int_equal(t.rc, -EIO);
	assert_int_equal(sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	assert_true(kit_flush(k));
	assert_null(store_trouble(k->store));
	assert_int_equal(t.times, 6);
	got = reopen(k);
	/* "old" is as it was, what was to be deleted is, what nobody asks about is kept. */
	assert_int_equal(got.creds, 2);
	assert_string_equal(got.last_cred, "quietly");
	put(k, 1, "newer", &t);
	assert_true(wait_told(k, &t, 7));
	assert_int_equal(t.rc, 0);
}

static void
a_clear_that_failed_is_tried_again(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	sqlite3 *sql;

	kit_open(k);
	put(k, 1, "old", &t);
	assert_true(wait_told(k, &t, 1));
	assert_int_equal(sqlite3_open(k->path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	store_clear(k->store);
	put(k, 2, "new", &t);
	assert_true(wait_told(k, &t, 2));
	assert_int_equal(t.rc, -EIO);
	assert_int_equal(sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
	assert_true(kit_flush(k));
	assert_int_equal(reopen(k).creds, 0);
}

static void
a_list_too_large_for_the_disk_does_not_stand_in_the_way(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };

	kit_open(k);
	put(k, 1, "room", &t);
	assert_true(wait_told(k, &t, 1));
	set_file_limit(192 * 1024);
	kit_put_group(k, 2, 20000, 1);
	put(k, 1, "kept", &t);
	assert_true(wait_told(k, &t, 2));
	assert_int_equal(t.rc, 0);
	/* With the list in trouble, too. */
	put(k, 1, "kept again", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, 0);
	set_file_limit(RLIM_INFINITY);
	assert_string_equal(reopen(k).last_cred, "kept again");
}

static void
closing_tells_nobody_and_writes_all(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };

	kit_open(k);
	put(k, 1, "one", &t);
	put(k, 2, "two", &t);
	assert_string_equal(reopen(k).last_cred, "two");
	assert_int_equal(t.times, 0);
}

static void
in_memory_nothing_is_durable(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };

	assert_int_equal(loop_new(&k->loop), 0);
	assert_int_equal(store_open(k->loop, NULL, &k->store, NULL), 0);
	put(k, 1, "one", &t);
	store_put_value(k->store, "key", "v", 1, be_told, &t);
	assert_true(wait_told(k, &t, 2));
	assert_int_equal(t.rc, -EIO);
	assert_null(store_trouble(k->store));
	kit_put_user(k, 1, 1);
	assert_true(kit_flush(k));
	assert_false(store_keeps(k->store));
}

static void
loading_waits_for_what_is_being_written(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;

	kit_open(k);
	put(k, 1, "one", &t);
	kit_put_user(k, 1, 1);
	got = load_secrets(k);
	assert_int_equal(got.creds, 1);
	assert_int_equal(t.times, 1);
	assert_int_equal(t.rc, 0);
	/* The lane works as before. */
	put(k, 2, "two", &t);
	assert_true(wait_told(k, &t, 2));
	assert_int_equal(load_secrets(k).creds, 2);
	assert_true(kit_flush(k));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(credentials_and_values_survive_a_restart),
		KIT_TEST(what_is_said_to_be_kept_survives_a_kill),
		KIT_TEST(what_is_said_to_be_kept_has_been_synced),
		KIT_TEST(an_overtaken_change_is_answered_with_the_newer_one),
		KIT_TEST(clear_drops_credentials_and_keeps_values),
		KIT_TEST(a_deleted_credential_is_gone_from_the_files_too),
		KIT_TEST(a_failed_change_is_told_and_not_tried_again),
		KIT_TEST(a_clear_that_failed_is_tried_again),
		KIT_TEST(a_list_too_large_for_the_disk_does_not_stand_in_the_way),
		KIT_TEST(closing_tells_nobody_and_writes_all),
		KIT_TEST(in_memory_nothing_is_durable),
		KIT_TEST(loading_waits_for_what_is_being_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
