/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/deadline.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
a_deadline_in_the_past_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(deadline_left_ms((struct deadline){ .at_ns = 0 }), 0);
	assert_int_equal(deadline_left_ms(deadline_in_ms(-5)), 0);
	assert_int_equal(deadline_left_ms(deadline_in_ms(0)), 0);
}

static void
time_left_is_rounded_up_and_never_more_than_asked(void **state)
{
	int left = deadline_left_ms(deadline_in_ms(60000));

	(void)state;
	assert_in_range(left, 30000, 60000);
	/* far less than a millisecond ahead of any reader: still 1, never 0 */
	for (int i = 0; i < 1000; i++) {
		struct deadline d = { .at_ns = clock_mono_ns() + 900000 };
		int one = deadline_left_ms(d);

		assert_true(one == 1 || clock_mono_ns() >= d.at_ns);
	}
}

static void
endless_deadlines_do_not_overflow(void **state)
{
	(void)state;
	assert_int_equal(deadline_left_ms(deadline_in_ms(INT64_MAX)), INT_MAX);
	assert_int_equal(deadline_left_ms(deadline_in_ms(INT64_MAX / 1000000)), INT_MAX);
}

static void
clocks_move_forward(void **state)
{
	int64_t mono = clock_mono_ns(), boot = clock_boot_ns();

	(void)state;
	assert_true(mono > 0);
	assert_true(clock_mono_ns() >= mono);
	assert_true(clock_boot_ns() >= boot);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_in_the_past_leaves_nothing),
		cmocka_unit_test(time_left_is_rounded_up_and_never_more_than_asked),
		cmocka_unit_test(endless_deadlines_do_not_overflow),
		cmocka_unit_test(clocks_move_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
