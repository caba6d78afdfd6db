/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/cast.h"

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

static void
people_are_in_for_as_long_as_one_source_says_so(void **state)
{
	struct cast c = { 0 };

	(void)state;
	assert_true(cast_set(&c, 7, CAST_LISTED));
	assert_false(cast_set(&c, 7, CAST_LISTED));
	assert_true(cast_set(&c, 7, CAST_CARRIES));
	assert_true(cast_set(&c, 3, CAST_CARRIES));
	assert_int_equal(c.n, 2);
	assert_int_equal(cast_number(c.v[0]), 3);
	assert_int_equal(cast_get(&c, 7), CAST_LISTED | CAST_CARRIES);
	assert_true(cast_unset(&c, 7, CAST_LISTED));
	assert_false(cast_unset(&c, 7, CAST_LISTED));
	assert_int_equal(cast_get(&c, 7), CAST_CARRIES);
	assert_true(cast_unset(&c, 7, CAST_CARRIES));
	assert_int_equal(cast_get(&c, 7), 0);
	assert_int_equal(c.n, 1);
	cast_deinit(&c);
}

static void
a_list_replaces_the_list_and_nothing_else(void **state)
{
	const uint32_t first[] = { 2, 4, 6 }, second[] = { 1, 4, 9 };
	struct cast c = { 0 };

	(void)state;
	cast_set(&c, 6, CAST_CARRIES);
	cast_set_all(&c, CAST_LISTED, first, 3);
	assert_int_equal(c.n, 3);
	cast_set_all(&c, CAST_LISTED, second, 3);
	assert_int_equal(c.n, 4);
	assert_int_equal(cast_get(&c, 1), CAST_LISTED);
	assert_int_equal(cast_get(&c, 2), 0);
	assert_int_equal(cast_get(&c, 4), CAST_LISTED);
	assert_int_equal(cast_get(&c, 6), CAST_CARRIES);
	assert_int_equal(cast_get(&c, 9), CAST_LISTED);
	cast_set_all(&c, CAST_LISTED, NULL, 0);
	assert_int_equal(c.n, 1);
	cast_deinit(&c);
}

static void
any_order_ends_sorted(void **state)
{
	struct cast c = { 0 };
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_true(cast_set(&c, 1 + i * 7919 % 1009, CAST_LISTED));
	for (i = 1; i < c.n; i++)
		assert_true(cast_number(c.v[i - 1]) < cast_number(c.v[i]));
	cast_fit(&c);
	assert_int_equal(c.cap, 1000);
	for (i = 0; i < 1000; i++)
		assert_true(cast_unset(&c, 1 + i * 7919 % 1009, CAST_LISTED));
	assert_int_equal(c.n, 0);
	cast_fit(&c);
	assert_null(c.v);
}

/* Even ones, far more of them at either end, and gaps that grow. */
static void
numbers_are_found_however_they_are_spread(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 4; how++) {
		uint32_t number[500], n = 0, at = 1;
		struct cast c = { 0 };

		for (uint32_t i = 0; i < 500; i++) {
			number[n++] = at;
			if (how == 0)
				at += 3;
			else if (how == 1)
				at += i == 498 ? 1u << 27 : 2;
			else if (how == 2)
				at += i == 0 ? 1u << 27 : 2;
			else
				at += 2 + i * i;
		}
		cast_set_all(&c, CAST_LISTED, number, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(cast_get(&c, number[i]), CAST_LISTED);
			assert_int_equal(cast_get(&c, number[i] + 1),
			    i + 1 < n && number[i + 1] == number[i] + 1 ? CAST_LISTED
									: 0);
			assert_false(cast_set(&c, number[i], CAST_LISTED));
		}
		assert_int_equal(cast_get(&c, 0), 0);
		assert_int_equal(c.n, n);
		cast_deinit(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_are_in_for_as_long_as_one_source_says_so),
		cmocka_unit_test(a_list_replaces_the_list_and_nothing_else),
		cmocka_unit_test(any_order_ends_sorted),
		cmocka_unit_test(numbers_are_found_however_they_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
