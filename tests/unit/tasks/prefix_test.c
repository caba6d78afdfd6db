/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tasks/kit.h"

static struct why why;

static int
try_open(const char *rel)
{
	struct prefix p;
	int rc = prefix_open(kit_path(rel), &p, &why);

	prefix_close(&p);
	assert_int_equal(p.fd, -1);
	return rc;
}

static void
a_directory_of_roots_is_fit(void **state)
{
	struct prefix p;

	(void)state;
	assert_int_equal(prefix_open(kit_path("home///"), &p, &why), 0);
	assert_string_equal(p.path, kit_path("home"));
	assert_string_equal(p.real, kit_path("home"));
	assert_int_equal(fcntl(p.fd, F_GETFL) & O_PATH, O_PATH);
	assert_false(p.is_nfs);
	prefix_close(&p);
}

static void
others_must_not_write_to_it(void **state)
{
	(void)state;
	assert_int_equal(chmod(kit_path("home"), 0775), 0);
	assert_int_equal(try_open("home/"), -EPERM);
	assert_non_null(strstr(why.text, "others than root may write"));
	assert_int_equal(chmod(kit_path("home"), 01777), 0);
	assert_int_equal(try_open("home/"), -EPERM);
	assert_int_equal(chmod(kit_path("home"), 0755), 0);
	assert_int_equal(chown(kit_path("home"), 70001, 0), 0);
	assert_int_equal(try_open("home/"), -EPERM);
	assert_non_null(strstr(why.text, "does not belong to root"));
}

static void
nor_to_a_directory_on_the_way(void **state)
{
	(void)state;
	kit_mkdir("a", 0755, 70001);
	kit_mkdir("a/home", 0755, 0);
	assert_int_equal(try_open("a/home/"), -EPERM);
	assert_int_equal(chown(kit_path("a"), 0, 0), 0);
	assert_int_equal(try_open("a/home/"), 0);
	assert_int_equal(chmod(kit_path("a"), 0777), 0);
	assert_int_equal(try_open("a/home/"), -EPERM);
	assert_int_equal(chmod(kit_path("a"), 01777), 0); /* as /tmp is */
	assert_int_equal(try_open("a/home/"), 0);
}

static void
a_link_is_followed_when_only_root_can_change_it(void **state)
{
	struct prefix p;

	(void)state;
	kit_mkdir("srv", 0755, 0);
	kit_mkdir("srv/home", 0755, 0);
	kit_link("srv/home", "h");
	assert_int_equal(prefix_open(kit_path("h/"), &p, &why), 0);
	assert_string_equal(p.path, kit_path("h"));
	assert_string_equal(p.real, kit_path("srv/home"));
	prefix_close(&p);
	kit_mkdir("theirs", 0755, 70001);
	kit_mkdir("theirs/home", 0755, 0);
	kit_link("theirs/home", "t");
	assert_int_equal(try_open("t/"), -EPERM);
}

static void
what_is_not_there_or_no_directory_says_so(void **state)
{
	(void)state;
	assert_int_equal(try_open("none/"), -ENOENT);
	kit_write("file", "x", 0644);
	assert_int_equal(try_open("file"), -ENOTDIR);
	kit_link("loop", "loop");
	assert_int_equal(try_open("loop/"), -ELOOP);
	assert_non_null(strstr(why.text, "loop"));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_directory_of_roots_is_fit),
		TEST(others_must_not_write_to_it),
		TEST(nor_to_a_directory_on_the_way),
		TEST(a_link_is_followed_when_only_root_can_change_it),
		TEST(what_is_not_there_or_no_directory_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
