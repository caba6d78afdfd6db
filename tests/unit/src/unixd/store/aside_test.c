/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/store/aside.h"

#include <errno.h>

#include "unit/src/unixd/store/kit.h"

static void
a_database_moves_with_its_journals(void **state)
{
	struct kit *k = *state;
	char path[160];
	char *aside;

	kit_write_file(k->path, "db", 2);
	(void)snprintf(path, sizeof(path), "%s-wal", k->path);
	kit_write_file(path, "log", 3);
	(void)snprintf(path, sizeof(path), "%s-shm", k->path);
	kit_write_file(path, "shm", 3);
	aside = aside_move(k->path);
	assert_non_null(aside);
	/* unixd.db.broken-20260131-235959 */
	assert_int_equal(strlen(aside), strlen(k->path) + strlen(".broken-") + 15);
	assert_int_equal(access(aside, F_OK), 0);
	(void)snprintf(path, sizeof(path), "%s-wal", aside);
	assert_int_equal(access(path, F_OK), 0);
	(void)snprintf(path, sizeof(path), "%s-shm", aside);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(access(k->path, F_OK), -1);
	free(aside);
}

static void
the_newest_five_copies_are_kept(void **state)
{
	struct kit *k = *state;
	char path[160];

	for (unsigned i = 0; i < 8; i++) {
		(void)snprintf(path, sizeof(path), "%s.broken-2020010%u-000000", k->path,
		    i);
		kit_write_file(path, "old", 3);
		(void)snprintf(path, sizeof(path), "%s.broken-2020010%u-000000-wal",
		    k->path, i);
		kit_write_file(path, "log", 3);
	}
	kit_write_file(k->path, "db", 2);
	free(aside_move(k->path));
	assert_int_equal(kit_count_files(k, ".broken-"), 5 + 4);
	(void)snprintf(path, sizeof(path), "%s.broken-20200104-000000", k->path);
	assert_int_equal(access(path, F_OK), 0);
	(void)snprintf(path, sizeof(path), "%s.broken-20200103-000000", k->path);
	assert_int_equal(access(path, F_OK), -1);
}

static void
two_breakages_in_one_second_do_not_overwrite_each_other(void **state)
{
	struct kit *k = *state;

	for (unsigned i = 0; i < 3; i++) {
		kit_write_file(k->path, "db", 2);
		free(aside_move(k->path));
	}
	assert_int_equal(kit_count_files(k, ".broken-"), 3);
}

static void
nothing_to_move_is_an_error(void **state)
{
	struct kit *k = *state;

	errno = 0;
	assert_null(aside_move(k->path));
	assert_int_equal(errno, ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_database_moves_with_its_journals),
		KIT_TEST(the_newest_five_copies_are_kept),
		KIT_TEST(two_breakages_in_one_second_do_not_overwrite_each_other),
		KIT_TEST(nothing_to_move_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
