/* SPDX-License-Identifier: MPL-2.0 */
#include "unit/src/unixd/store/kit.h"

static void
records_survive_a_restart(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };
	struct uuid uuid = kit_uuid(1);
	struct stat st;

	kit_open(k);
	assert_null(k->note);
	kit_put_user(k, 1, 1000);
	kit_put_group(k, 2, 3, 2000);
	store_put_id(k->store, &uuid, 100001, 4294967295u);
	assert_true(kit_flush(k));
	assert_null(store_trouble(k->store));
	kit_close(k);
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	kit_open(k);
	assert_null(k->note);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
	assert_int_equal(l.groups, 1);
	assert_int_equal(l.with_members, 1);
	assert_int_equal(l.ids, 1);
	assert_int_equal(l.wall_sum, 3000);
	assert_int_equal(l.last_id, 100001);
	assert_int_equal(l.last_pending, 4294967295u);
	assert_string_equal(l.last_user, "person00001/A Person");
}

/* The mode of the log, too, which is there as long as the database is open. */
static void
nobody_else_can_read_its_files_whatever_the_umask(void **state)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	struct kit *k = *state;
	mode_t before = umask(0);
	char path[128];
	struct stat st;

	kit_open(k);
	(void)umask(before);
	kit_put_user(k, 1, 1000);
	assert_true(kit_flush(k));
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", k->path, suffixes[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

/* What a backup or a hand has left open is closed at the next start. */
static void
a_file_that_others_could_read_is_closed_to_them(void **state)
{
	struct kit *k = *state;
	struct stat st;

	kit_open(k);
	kit_put_user(k, 1, 1000);
	assert_true(kit_flush(k));
	kit_close(k);
	assert_int_equal(chmod(k->path, 0644), 0);
	kit_open(k);
	assert_int_equal(stat(k->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
closing_writes_what_is_queued(void **state)
{
	struct kit *k = *state;
	struct loaded l = { 0 };

	kit_open(k);
	for (uint32_t i = 0; i < 100; i++)
		kit_put_user(k, i, 1);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 100);
}

static void
the_last_change_of_a_record_wins(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(5);
	struct loaded l = { 0 };

	kit_open(k);
	for (int64_t i = 0; i < 50; i++) {
		struct user *u = kit_user(1, i == 49 ? "Last" : "Early");

		store_put_user(k->store, u, i);
		user_unref(u);
		store_del_user(k->store, &uuid);
		kit_put_user(k, 5, i);
	}
	store_del_user(k->store, &uuid);
	assert_true(kit_flush(k));
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
	assert_int_equal(l.wall_sum, 49);
	assert_string_equal(l.last_user, "person00001/Last");
}

static void
a_user_and_a_group_may_have_one_uuid(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(7);
	struct loaded l = { 0 };

	kit_open(k);
	kit_put_user(k, 7, 1);
	kit_put_group(k, 7, 0, 1);
	store_put_id(k->store, &uuid, 5000, 5000);
	store_del_user(k->store, &uuid);
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 0);
	assert_int_equal(l.groups, 1);
	assert_int_equal(l.ids, 1);
}

static void
clear_forgets_records_and_keeps_ids(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(1);
	struct loaded l = { 0 };

	kit_open(k);
	kit_put_user(k, 1, 1);
	kit_put_group(k, 2, 2, 1);
	store_put_id(k->store, &uuid, 100001, 100001);
	assert_true(kit_flush(k));
	kit_put_user(k, 3, 1);
	kit_put_user(k, 4, 1);
	store_clear(k->store);
	kit_put_user(k, 5, 1);
	assert_true(kit_flush(k));
	kit_close(k);
	kit_open(k);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 1);
	assert_string_equal(l.last_user, "person00005/A Person");
	assert_int_equal(l.groups, 0);
	assert_int_equal(l.ids, 1);
}

static void
a_flush_answers_later_even_with_nothing_to_write(void **state)
{
	struct deadline d = deadline_in_ms(10000);
	struct kit *k = *state;
	bool first = false;
	bool second = false;

	kit_open(k);
	store_flush(k->store, kit_set_flag, &first);
	store_flush(k->store, kit_set_flag, &second);
	assert_false(first);
	while (!(first && second) && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	assert_true(first && second);
}

struct again {
	struct kit *k;
	unsigned left;
};

static void
flush_again(void *arg)
{
	struct again *a = arg;

	a->left--;
	if (a->left == 0)
		return;
	kit_put_user(a->k, a->left, 1);
	store_flush(a->k->store, flush_again, a);
}

static void
a_waiter_may_write_and_flush_again(void **state)
{
	struct deadline d = deadline_in_ms(10000);
	struct kit *k = *state;
	struct again a = { k, 20 };
	struct loaded l = { 0 };

	kit_open(k);
	store_flush(k->store, flush_again, &a);
	while (a.left > 0 && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	assert_int_equal(a.left, 0);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 19);
}

static void
drop_user(void *arg, struct user *u, int64_t wall_s)
{
	struct kit *k = arg;

	(void)wall_s;
	store_del_user(k->store, &u->uuid);
	user_unref(u);
}

static void
ignore_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	(void)arg;
	(void)wall_s;
	groupid_unref(g);
	members_unref(m);
}

static void
ignore_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	(void)arg;
	(void)uuid;
	(void)id;
	(void)pending;
}

static void
the_sink_may_change_records_while_they_load(void **state)
{
	struct kit *k = *state;
	struct store_sink sink = { k, drop_user, ignore_group, ignore_id, NULL };
	struct loaded l = { 0 };

	kit_open(k);
	for (uint32_t i = 0; i < 50; i++)
		kit_put_user(k, i, 1);
	kit_close(k);
	kit_open(k);
	assert_int_equal(store_load(k->store, &sink), 0);
	assert_true(kit_flush(k));
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(records_survive_a_restart),
		KIT_TEST(nobody_else_can_read_its_files_whatever_the_umask),
		KIT_TEST(a_file_that_others_could_read_is_closed_to_them),
		KIT_TEST(closing_writes_what_is_queued),
		KIT_TEST(the_last_change_of_a_record_wins),
		KIT_TEST(a_user_and_a_group_may_have_one_uuid),
		KIT_TEST(clear_forgets_records_and_keeps_ids),
		KIT_TEST(a_flush_answers_later_even_with_nothing_to_write),
		KIT_TEST(a_waiter_may_write_and_flush_again),
		KIT_TEST(the_sink_may_change_records_while_they_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
