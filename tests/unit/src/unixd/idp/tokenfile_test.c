/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/tokenfile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[256];

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/ku-token-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

static struct tokenfile
read_text(const char *text, size_t len)
{
	struct tokenfile t = { .path = strdup(path) };
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	worker_role_assume();
	tokenfile_read(&t);
	return t;
}

static void
test_the_first_line_is_the_token(void **state)
{
	static const char *const good[] = { "abc.def-_=", "abc.def-_=\n",
		"  abc.def-_=\t\r\n", "abc.def-_=\nsecond\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct tokenfile t = read_text(good[i], strlen(good[i]));

		assert_non_null(t.bearer);
		assert_string_equal(t.bearer, "abc.def-_=");
		assert_string_equal(t.problem, "");
		tokenfile_clear(&t);
	}
}

static void
test_a_file_without_a_token_is_a_problem_that_names_it(void **state)
{
	static const char *const bad[] = { "", "\n", "  \nabc\n", "a b\n", "a\x01\n",
		"\xc3\xb6\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tokenfile t = read_text(bad[i], strlen(bad[i]));

		assert_null(t.bearer);
		assert_non_null(strstr(t.problem, path));
		tokenfile_clear(&t);
	}
}

static void
test_a_line_without_end_is_no_token(void **state)
{
	char *text = malloc(20000);
	struct tokenfile t;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 20000);
	t = read_text(text, 20000);
	assert_null(t.bearer);
	assert_true(t.problem[0] != '\0');
	tokenfile_clear(&t);
	free(text);
}

static void
test_no_file_is_no_token_and_no_problem(void **state)
{
	struct tokenfile t = { .path = strdup("/nonexistent/token") };

	(void)state;
	worker_role_assume();
	tokenfile_read(&t);
	assert_null(t.bearer);
	assert_string_equal(t.problem, "");
	tokenfile_clear(&t);
	worker_role_assume();
	tokenfile_read(&t);
	assert_null(t.bearer);
}

static void
test_a_file_that_cannot_be_read_is_a_problem(void **state)
{
	struct tokenfile t = { .path = strdup("/proc/self") };

	(void)state;
	worker_role_assume();
	tokenfile_read(&t);
	assert_null(t.bearer);
	assert_non_null(strstr(t.problem, "/proc/self"));
	tokenfile_clear(&t);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_line_is_the_token),
		TEST(test_a_file_without_a_token_is_a_problem_that_names_it),
		TEST(test_a_line_without_end_is_no_token),
		TEST(test_no_file_is_no_token_and_no_problem),
		TEST(test_a_file_that_cannot_be_read_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
