/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "loaded.h"

static int
save(void)
{
	return config_save_last_good(scratch_dir, "config", "unixd");
}

static struct loaded
load_saved(void)
{
	struct loaded l;

	l.err = config_load_last_good(scratch_dir, &l.c, &l.p);
	assert_non_null(l.c);
	return l;
}

static void
write_both(const char *client, const char *unixd)
{
	scratch_write("config", client);
	scratch_write("unixd", unixd);
}

static void
assert_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

static void
test_nothing_saved_is_said(void **state)
{
	cleanup_(loaded_clear) struct loaded l = load_saved();

	(void)state;
	assert_int_equal(l.err, -ENOENT);
	assert_int_equal(l.p.n, 0);
	assert_int_equal(l.c->cache_timeout_s, 300);
}

static void
test_what_was_saved_comes_back_after_the_files_broke(void **state)
{
	(void)state;
	write_both("uri = 'https://a'\n", "cache_timeout = 900\n");
	assert_int_equal(save(), 0);
	assert_mode("last-good", 0700);
	assert_mode("last-good/config", 0600);
	assert_mode("last-good/unixd", 0600);
	write_both("uri =\n", "cache_timeout = 800\n");
	{
		cleanup_(loaded_clear) struct loaded l = load_saved();

		assert_int_equal(l.err, 0);
		assert_string_equal(l.c->uri, "https://a");
		assert_int_equal(l.c->cache_timeout_s, 900);
	}
}

static void
test_broken_files_are_never_saved(void **state)
{
	(void)state;
	write_both("uri =\n", "cache_timeout = 800\n");
	assert_int_equal(save(), -EINVAL);
	write_both("uri = 'https://a'\n", "cache_timeout = '800'\n");
	assert_int_equal(save(), -EINVAL);
	{
		cleanup_(loaded_clear) struct loaded l = load_saved();

		assert_int_equal(l.c->cache_timeout_s, 900);
	}
}

static void
test_an_unchanged_pair_is_not_written_again(void **state)
{
	struct stat before, after;

	(void)state;
	write_both("uri = 'https://a'\n", "cache_timeout = 700\n");
	assert_int_equal(save(), 0);
	assert_int_equal(stat("last-good/unixd", &before), 0);
	assert_int_equal(save(), 0);
	assert_int_equal(stat("last-good/unixd", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static void
test_a_removed_file_is_removed_from_the_copies(void **state)
{
	(void)state;
	write_both("uri = 'https://a'\n", "cache_timeout = 700\n");
	assert_int_equal(save(), 0);
	assert_int_equal(unlink("unixd"), 0);
	assert_int_equal(save(), 0);
	assert_int_equal(access("last-good/unixd", F_OK), -1);
	assert_int_equal(access("last-good/config", F_OK), 0);
}

static void
test_leftovers_and_links_are_not_written_through(void **state)
{
	cleanup_(freep) char *text = NULL;

	(void)state;
	scratch_write("precious", "keep me");
	(void)unlink("last-good/unixd.new");
	assert_int_equal(symlink("../precious", "last-good/unixd.new"), 0);
	write_both("uri = 'https://b'\n", "cache_timeout = 600\n");
	assert_int_equal(save(), 0);
	text = scratch_read("precious");
	assert_string_equal(text, "keep me");
	assert_int_equal(access("last-good/unixd.new", F_OK), -1);
}

static void
test_no_place_to_save_is_an_error(void **state)
{
	(void)state;
	write_both("uri = 'https://b'\n", "cache_timeout = 500\n");
	assert_int_equal(config_save_last_good("no-such-place", "config", "unixd"),
	    -ENOENT);
	scratch_write("file", "");
	assert_int_equal(config_save_last_good("file", "config", "unixd"), -ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_saved_is_said),
		cmocka_unit_test(test_what_was_saved_comes_back_after_the_files_broke),
		cmocka_unit_test(test_broken_files_are_never_saved),
		cmocka_unit_test(test_an_unchanged_pair_is_not_written_again),
		cmocka_unit_test(test_a_removed_file_is_removed_from_the_copies),
		cmocka_unit_test(test_leftovers_and_links_are_not_written_through),
		cmocka_unit_test(test_no_place_to_save_is_an_error),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
