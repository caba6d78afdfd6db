/* SPDX-License-Identifier: MPL-2.0 */
#include "tools/pairs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
check_split(const char *line, const char *key, const char *value)
{
	char *k, *v;

	pairs_split(line, &k, &v);
	assert_string_equal(k, key);
	assert_string_equal(v, value);
	free(k);
	free(v);
}

static void
a_line_is_a_key_and_the_rest(void **state)
{
	(void)state;
	check_split("user: alice@idm uid=1", "user", "alice@idm uid=1");
	check_split("left out: too low: 5", "left_out", "too low: 5");
	check_split("no key", "note", "no key");
	check_split(": odd", "note", ": odd");
	check_split("", "note", "");
	check_split("a:b: c", "a:b", "c");
}

static void
a_key_that_comes_again_has_an_array_where_it_came_first(void **state)
{
	static const char *const v[] = { "a", "1", "b", "2", "a", "3", "c", "\"" };
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	(void)state;
	assert_int_equal(pairs_print_json(f, v, 8), 0);
	(void)fclose(f);
	assert_string_equal(text, "{\"a\":[\"1\",\"3\"],\"b\":\"2\",\"c\":\"\\\"\"}\n");
	free(text);
}

static void
a_full_disk_is_told(void **state)
{
	static const char *const v[] = { "a", "1" };
	FILE *f = fopen("/dev/full", "we");

	(void)state;
	assert_non_null(f);
	assert_true(pairs_print_json(f, v, 2) < 0);
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_key_and_the_rest),
		cmocka_unit_test(a_key_that_comes_again_has_an_array_where_it_came_first),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
