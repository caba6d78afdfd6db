/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/local_ids.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/prog/config.h"
#include "unit/tasks/kit.h"

static int
check(uint32_t uid, uint32_t gid)
{
	static const struct config config;
	struct request r = kit_request("alice");
	struct why why;

	r.uid = uid;
	r.gid = gid;
	return local_ids_check(kit_path("passwd"), kit_path("group"), &config, &r, &why);
}

static void
an_id_of_another_local_name_is_refused(void **state)
{
	(void)state;
	assert_int_equal(check(70001, 70001), 0);
	assert_int_equal(check(1500, 70001), -EPERM); /* local's uid */
	assert_int_equal(check(70001, 1501), -EPERM); /* docker's gid */
	assert_int_equal(check(1501, 70001), -EPERM); /* uid = gid in Kanidm */
	assert_int_equal(check(70001, 1500), -EPERM);
}

static void
the_persons_own_local_name_is_none(void **state)
{
	(void)state;
	kit_write("passwd", "alice:x:1500:1500::/:/bin/sh\n", 0644);
	kit_write("group", "Alice:x:1500:\nalice@example.com:x:1501:\n", 0644);
	assert_int_equal(check(1500, 1500), 0);
	assert_int_equal(check(1501, 1501), -EPERM);
	kit_write("passwd", "", 0644);
	assert_int_equal(check(1501, 1501), 0);
}

static void
lines_that_are_none_are_passed_over(void **state)
{
	(void)state;
	kit_write("passwd",
	    "# comment:x:70001:\n\n+\n+nis:x\nbroken\na:b\n:::\nx:y:70001\nx:y:+70001:\n"
	    "x:y: 70001:\nx:y:70001z:\nx:y::\nx:y:99999999999999999999:\n",
	    0644);
	/* "# comment" is read as glibc reads it: a name of its own. */
	assert_int_equal(check(70001, 70001), -EPERM);
	kit_write("passwd", "+nis:x\nx:y\nx:y:70001z:\nx:y:7 0001:\nx:y: :\n", 0644);
	assert_int_equal(check(70001, 70001), 0);
	assert_int_equal(check(70000, 70000), 0);
	kit_write("passwd", "last:x:70001:", 0644); /* no newline at the end */
	assert_int_equal(check(70001, 70001), -EPERM);
}

/* Blanks before a name or a number, a sign, a line of /etc/group that ends with the number. */
static void
lines_are_read_as_libc_reads_them(void **state)
{
	(void)state;
	kit_write("passwd",
	    "a:x: 70001:1::/:\nb:x:+70002:1::/:\n\t c:x:70003:1::/:\n  Alice:x:70004:1::/:\n",
	    0644);
	assert_int_equal(check(70001, 70009), -EPERM);
	assert_int_equal(check(70002, 70009), -EPERM);
	assert_int_equal(check(70003, 70009), -EPERM);
	assert_int_equal(check(70009, 70009), -EPERM); /* alice is local */
	assert_int_equal(check(70004, 70009), 0);
	kit_write("passwd", "", 0644);
	kit_write("group", "a:x:70001\n b:x:70002:\nc:x: 70003\nd:x:70004", 0644);
	for (uint32_t gid = 70001; gid <= 70004; gid++)
		assert_int_equal(check(70009, gid), -EPERM);
	assert_int_equal(check(70009, 70005), 0);
}

static void
long_lines_and_large_files_are_read_in_constant_memory(void **state)
{
	FILE *f = fopen(kit_path("group"), "w");

	(void)state;
	assert_non_null(f);
	(void)fprintf(f, "big:x:1234:");
	for (unsigned i = 0; i < 100000; i++)
		(void)fprintf(f, "member%u,", i);
	(void)fprintf(f, "\n");
	for (unsigned i = 0; i < 20000; i++)
		(void)fprintf(f, "g%u:x:%u:\n", i, 200000 + i);
	(void)fclose(f);
	assert_int_equal(check(70001, 70001), 0);
	assert_int_equal(check(1234, 1234), -EPERM);
	assert_int_equal(check(219999, 219999), -EPERM);
}

static void
a_missing_file_has_nobody_and_an_unreadable_one_is_an_error(void **state)
{
	(void)state;
	kit_remove("group");
	assert_int_equal(check(1501, 1501), 0);
	kit_mkdir("group", 0755, 0);
	assert_int_equal(check(70001, 70001), -EISDIR);
}

static void
no_home_for_a_local_id(void **state)
{
	struct why why;
	struct request r = kit_request("alice");
	struct work w;

	(void)state;
	r.uid = r.gid = 1500;
	kit_work(&w);
	assert_int_equal(work_home(&w, &r, &why), -EPERM);
	work_clear(&w);
	assert_non_null(strstr(why.text, "1500 is an id of this host's own local"));
	assert_false(kit_exists("home/" KIT_UUID));
}

/* A local account without a home yet: its name must not become a link to somebody else's
 * directory, only because a resolver that is not itself any more says so. */
static void
no_home_under_the_name_of_a_local_account(void **state)
{
	struct why why;

	(void)state;
	kit_write("passwd", "Svc:x:1005:1005::/home/svc:/bin/sh\n", 0644);
	assert_int_equal(kit_home("svc", &why), -EPERM);
	assert_non_null(strstr(why.text, "svc is a name of this host's own"));
	assert_false(kit_exists("home/svc"));
	assert_false(kit_exists("home/" KIT_UUID));
	kit_write("passwd", "svc@example.com:x:1005:1005::/home/svc:/bin/sh\n", 0644);
	assert_int_equal(kit_home("svc", &why), -EPERM);
	/* What root has given away is given away, whichever way it is written. */
	kit_config("allow_local_account_override = [\"other\", \"SVC\"]");
	assert_int_equal(kit_home("svc", &why), 0);
	kit_config("allow_local_account_override = [\"" KIT_UUID "\"]");
	assert_int_equal(kit_home("svc", &why), 0);
	kit_config("allow_local_account_override = [\"svc@example.org\"]");
	assert_int_equal(kit_home("svc", &why), -EPERM);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_id_of_another_local_name_is_refused),
		TEST(the_persons_own_local_name_is_none),
		TEST(lines_that_are_none_are_passed_over),
		TEST(lines_are_read_as_libc_reads_them),
		TEST(long_lines_and_large_files_are_read_in_constant_memory),
		TEST(a_missing_file_has_nobody_and_an_unreadable_one_is_an_error),
		TEST(no_home_under_the_name_of_a_local_account),
		TEST(no_home_for_a_local_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
