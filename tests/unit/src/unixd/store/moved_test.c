/* SPDX-License-Identifier: MPL-2.0 */
#include "unit/src/unixd/store/secrets_kit.h"

static void
remove_all(const struct kit *k)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", k->path, suffixes[i]);
		(void)unlink(path);
	}
}

static void
fill(struct kit *k, struct told *t)
{
	struct uuid uuid = kit_uuid(1);

	kit_open(k);
	kit_put_user(k, 1, 10);
	kit_put_group(k, 2, 3, 20);
	store_put_id(k->store, &uuid, 1, 1);
	store_put_value(k->store, "hmac-key", "sealed", 6, be_told, t);
	put(k, 1, "verifier", t);
	assert_true(kit_flush(k));
	assert_true(wait_told(k, t, 2));
	assert_int_equal(t->rc, 0);
}

static void
a_database_that_is_removed_is_made_again_whole(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct loaded l = { 0 };
	struct secrets got;

	fill(k, &t);
	for (unsigned i = 0; i < 3; i++) {
		remove_all(k);
		assert_int_equal(access(k->path, F_OK), -1);
		put(k, 10 + i, "another", &t);
		assert_true(wait_told(k, &t, 3 + i));
		assert_int_equal(t.rc, 0);
		assert_int_equal(access(k->path, F_OK), 0);
	}
	/* Names, too, and what they had before. */
	kit_put_user(k, 3, 30);
	assert_true(kit_flush(k));
	got = reopen(k);
	assert_int_equal(got.creds, 4);
	assert_int_equal(got.values, 1);
	assert_int_equal(kit_load(k, &l), 0);
	assert_int_equal(l.users, 2);
	assert_int_equal(l.groups, 1);
	assert_int_equal(l.ids, 1);
	assert_int_equal(kit_count_aside(k), 0);
	assert_int_equal(kit_count_files(k, ".new"), 0);
}

static void
what_somebody_put_there_instead_is_left_alone_and_told(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	char text[16] = "";
	FILE *f;

	fill(k, &t);
	remove_all(k);
	kit_write_file(k->path, "somebody's", 10);
	put(k, 10, "another", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, -EIO);
	assert_non_null(store_trouble(k->store));
	assert_non_null(strstr(store_trouble(k->store), "another file"));
	f = fopen(k->path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(text, 1, sizeof(text), f), 10);
	assert_string_equal(text, "somebody's");
	(void)fclose(f);
}

static void
a_directory_that_is_gone_for_a_while_loses_nothing(void **state)
{
	struct kit *k = *state;
	struct told t = { 0 };
	struct secrets got;
	char away[96];

	fill(k, &t);
	(void)snprintf(away, sizeof(away), "%s.away", k->dir);
	assert_int_equal(rename(k->dir, away), 0);
	put(k, 10, "another", &t);
	assert_true(wait_told(k, &t, 3));
	assert_int_equal(t.rc, -EIO);
	assert_int_equal(rename(away, k->dir), 0);
	put(k, 11, "another", &t);
	assert_true(wait_told(k, &t, 4));
	assert_int_equal(t.rc, 0);
	got = reopen(k);
	assert_int_equal(got.creds, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_database_that_is_removed_is_made_again_whole),
		KIT_TEST(what_somebody_put_there_instead_is_left_alone_and_told),
		KIT_TEST(a_directory_that_is_gone_for_a_while_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
