/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/idmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/ku-unit-XXXXXX";
static char path[64];

static void
put(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void
a_missing_file_restricts_nothing(void **state)
{
	struct idmap m;

	(void)state;
	idmap_read(&m, "/nonexistent/uid_map");
	assert_true(idmap_holds(&m, 0));
	assert_true(idmap_holds(&m, UINT32_MAX));
}

static void
the_whole_range_of_a_host_holds_everything(void **state)
{
	struct idmap m;

	(void)state;
	put("         0          0 4294967295\n");
	idmap_read(&m, path);
	assert_true(idmap_holds(&m, 0));
	assert_true(idmap_holds(&m, 2000000000));
}

static void
ranges_are_taken_by_their_inside_numbers(void **state)
{
	struct idmap m;

	(void)state;
	put("0 100000 1000\nbroken line\n5000 700000 10\n");
	idmap_read(&m, path);
	assert_true(idmap_holds(&m, 999));
	assert_false(idmap_holds(&m, 1000));
	assert_true(idmap_holds(&m, 5000));
	assert_true(idmap_holds(&m, 5009));
	assert_false(idmap_holds(&m, 5010));
	assert_false(idmap_holds(&m, 100000));
}

static void
what_a_unit_hides_from_the_daemon_is_there_for_everybody_else(void **state)
{
	struct idmap m;

	(void)state;
	put("0 0 1\n990 990 1\n");
	idmap_read(&m, path);
	assert_true(idmap_holds(&m, 70001));
	put("0 0 65536\n");
	idmap_read(&m, path);
	assert_true(idmap_holds(&m, 70001));
	/* a container that keeps one id */
	put("0 100000 1000\n1000 1000 1\n");
	idmap_read(&m, path);
	assert_true(idmap_holds(&m, 1000));
	assert_false(idmap_holds(&m, 70001));
}

static void
more_lines_than_linux_takes_are_ignored(void **state)
{
	FILE *f = fopen(path, "we");
	struct idmap m;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		fprintf(f, "%d %d 1\n", i, 100000 + i);
	fclose(f);
	idmap_read(&m, path);
	assert_int_equal(m.n, IDMAP_MAX);
	assert_true(idmap_holds(&m, IDMAP_MAX - 1));
	assert_false(idmap_holds(&m, IDMAP_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_file_restricts_nothing),
		cmocka_unit_test(the_whole_range_of_a_host_holds_everything),
		cmocka_unit_test(ranges_are_taken_by_their_inside_numbers),
		cmocka_unit_test(
		    what_a_unit_hides_from_the_daemon_is_there_for_everybody_else),
		cmocka_unit_test(more_lines_than_linux_takes_are_ignored),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
