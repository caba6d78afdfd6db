/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
test_mono_never_goes_back(void **state)
{
	struct clock a, b;

	(void)state;
	clock_read(&a);
	for (int i = 0; i < 1000; i++) {
		clock_read(&b);
		assert_true(b.mono_ns >= a.mono_ns);
		assert_true(b.boot_ns >= a.boot_ns);
		a = b;
	}
}

static void
test_boot_counts_suspend_so_it_is_not_behind_mono(void **state)
{
	struct clock c;

	(void)state;
	clock_read(&c);
	assert_true(c.boot_ns >= c.mono_ns - CLOCK_S);
	assert_int_equal(clock_boot_s(&c), c.boot_ns / CLOCK_S);
}

static void
test_wall_is_after_this_was_written(void **state)
{
	struct clock c;

	(void)state;
	clock_read(&c);
	assert_true(c.wall_ns / CLOCK_S > 1700000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mono_never_goes_back),
		cmocka_unit_test(test_boot_counts_suspend_so_it_is_not_behind_mono),
		cmocka_unit_test(test_wall_is_after_this_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
