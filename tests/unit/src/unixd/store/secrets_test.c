/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "unit/src/unixd/store/kit.h"

struct secrets {
	unsigned creds;
	unsigned values;
	char last_cred[64];
	char last_value[64];
	char last_key[STORE_MAX_KEY + 1];
};

static void
keep_text(char *out, size_t cap, const void *blob, size_t len)
{
	len = len < cap ? len : cap - 1;
	memcpy(out, blob, len);
	out[len] = '\0';
}

static void
take_cred(void *arg, const struct uuid *uuid, const void *blob, size_t len)
{
	struct secrets *got = arg;

	(void)uuid;
	got->creds++;
	keep_text(got->last_cred, sizeof(got->last_cred), blob, len);
}

static void
take_value(void *arg, const char *key, const void *blob, size_t len)
{
	struct secrets *got = arg;

	got->values++;
	(void)snprintf(got->last_key, sizeof(got->last_key), "%s", key);
	keep_text(got->last_value, sizeof(got->last_value), blob, len);
}

static struct secrets
load_secrets(struct kit *k)
{
	struct secrets got = { 0 };
	struct store_secrets sink = { &got, take_cred, take_value };

	assert_int_equal(store_load_secrets(k->store, &sink), 0);
	return got;
}

static struct secrets
reopen(struct kit *k)
{
	kit_close(k);
	kit_open(k);
	return load_secrets(k);
}

/* What done() was called with. */
struct told {
	unsigned times;
	int rc;
};

static void
be_told(void *arg, int rc)
{
	struct told *t = arg;

	t->times++;
	t->rc = rc;
}

static bool
wait_told(struct kit *k, const struct told *t, unsigned times)
{
	struct deadline d = deadline_in_ms(20000);

	while (t->times < times && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	return t->times == times;
}

static void
put(struct kit *k, uint32_t n, const char *text, struct told *t)
{
	struct uuid uuid = kit_uuid(n);

	store_put_cred(k->store, &uuid, text, strlen(text), t == NULL ? NULL : be_told,
	    t);
}

static void
del(struct kit *k, uint32_t n)
{
	struct uuid uuid = kit_uuid(n);

	store_del_cred(k->store, &uuid);
}

static void
sql_on(const char *path, const char *query)
{
	sqlite3 *sql;

	assert_int_equal(sqlite3_open(path, &sql), SQLITE_OK);
	assert_int_equal(sqlite3_exec(sql, query, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(sql), SQLITE_OK);
}

static void
set_file_limit(rlim_t bytes)
{
	struct rlimit lim;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes < lim.rlim_max ? bytes : lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
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
		KIT_TEST(credentials_and_values_survive_a_restart),
		KIT_TEST(what_is_said_to_be_kept_survives_a_kill),
		KIT_TEST(an_overtaken_change_is_answered_with_the_newer_one),
		KIT_TEST(clear_drops_credentials_and_keeps_values),
		KIT_TEST(a_deleted_credential_is_gone_from_the_files_too),
		KIT_TEST(a_failed_change_is_told_and_not_tried_again),
		KIT_TEST(a_clear_that_failed_is_tried_again),
		KIT_TEST(a_list_too_large_for_the_disk_does_not_stand_in_the_way),
		KIT_TEST(closing_tells_nobody_and_writes_all),
		KIT_TEST(in_memory_nothing_is_durable),
		KIT_TEST(loading_waits_for_what_is_being_written),
		KIT_TEST(a_database_that_cannot_be_written_gives_what_it_has),
		KIT_TEST(an_older_state_of_a_credential_is_never_given),
		KIT_TEST(a_database_set_aside_takes_the_secrets_with_it),
		KIT_TEST(damage_met_while_loading_costs_all_secrets_and_no_name),
		KIT_TEST(rows_of_no_use_are_skipped),
		KIT_TEST(a_database_of_the_first_schema_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
