/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/ids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

static void
reserved_numbers_are_refused_and_their_neighbours_are_not(void **state)
{
	static const uint32_t refused[] = { 0, 1, 999, 61184, 65000, 65519, 65534, 65535,
		UINT32_MAX };
	static const uint32_t allowed[] = { 1000, 1001, 61183, 65520, 65533, 65536, 70001,
		0x7fffffff, 0x80000000, UINT32_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_false(ids_is_allowed(refused[i]));
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		assert_true(ids_is_allowed(allowed[i]));
}

static void
a_group_may_be_one_of_the_system_but_not_the_first(void **state)
{
	(void)state;
	assert_false(ids_may_be_group(0));
	assert_true(ids_may_be_group(27));
	assert_true(ids_may_be_group(70001));
	assert_false(ids_may_be_group(61184));
	assert_false(ids_may_be_group(65534));
	assert_false(ids_may_be_group(UINT32_MAX));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    reserved_numbers_are_refused_and_their_neighbours_are_not),
		cmocka_unit_test(a_group_may_be_one_of_the_system_but_not_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
