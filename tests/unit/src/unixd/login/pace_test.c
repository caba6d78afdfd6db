/* SPDX-License-Identifier: MPL-2.0 */
/* How long failures take: no shorter than their work, and alike with and without work. */
#include "src/unixd/login/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t seed = 88172645463325252;

static uint64_t
random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static void
the_assumption_is_used_until_something_was_measured(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 80);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, 12345, 20), 80);
	pace_hint(&p, 130);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, 12345, 20), 130);
	pace_note(&p, 60, 10);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, 12345, 20), 60);
	pace_hint(&p, 500);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, 12345, 20), 60);
}

static void
work_is_never_cut_short(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 80);
	assert_int_equal(pace_hold(&p, 200, 1, 20), 200);
	assert_int_equal(pace_hold(&p, 3, 1, 20), 80);
	assert_int_equal(pace_hold(&p, INT64_MAX, 1, 20), UINT32_MAX);
}

static void
only_the_last_thirty_two_count(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 80);
	pace_note(&p, 100000, 10);
	for (int i = 0; i < 32; i++)
		pace_note(&p, 50, 10);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pace_hold(&p, PACE_NO_WORK, random64(), 20), 50);
}

static void
a_crowd_is_forgotten_after_some_quiet(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 80);
	for (int i = 0; i < 16; i++)
		pace_note(&p, 300, 10);
	for (int i = 0; i < 16; i++)
		pace_note(&p, 2400, 1000);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, random64(), 1001), 2400);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, random64(), 1300), 2400);
	assert_int_equal(pace_hold(&p, PACE_NO_WORK, random64(), 1301), 300);
}

/* 20,000 of each: means and deciles within two per cent. */
static void
an_unknown_name_takes_the_time_of_a_wrong_password(void **state)
{
	double wrong = 0, unknown = 0;
	int wrong_slow = 0, unknown_slow = 0;
	struct pace p;

	(void)state;
	pace_init(&p, 80);
	for (int i = 0; i < 32; i++)
		pace_note(&p, 40 + (uint32_t)(random64() % 60), 10);
	for (int i = 0; i < 20000; i++) {
		uint32_t w = pace_hold(&p, p.ms[random64() % 32], random64(), 20);
		uint32_t u = pace_hold(&p, PACE_NO_WORK, random64(), 20);

		wrong += w;
		unknown += u;
		wrong_slow += w > 93;
		unknown_slow += u > 93;
	}
	assert_true(wrong / unknown < 1.02 && unknown / wrong < 1.02);
	assert_true(wrong_slow - unknown_slow < 400 && unknown_slow - wrong_slow < 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_assumption_is_used_until_something_was_measured),
		cmocka_unit_test(work_is_never_cut_short),
		cmocka_unit_test(only_the_last_thirty_two_count),
		cmocka_unit_test(a_crowd_is_forgotten_after_some_quiet),
		cmocka_unit_test(an_unknown_name_takes_the_time_of_a_wrong_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
