/* SPDX-License-Identifier: MPL-2.0 */
/* Back-off of guesses: rung by rung, taken back, restored. */
#include "src/unixd/login/guess.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/core/clock.h"

static void
three_are_free_then_it_doubles_up_to_five_minutes(void **state)
{
	static const struct {
		uint32_t fails;
		unsigned wait;
	} rungs[] = { { 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 2 }, { 4, 4 }, { 5, 8 },
		{ 6, 16 }, { 7, 32 }, { 8, 64 }, { 9, 128 }, { 10, 256 }, { 11, 300 },
		{ 12, 300 }, { 34, 300 }, { 10000, 300 }, { UINT32_MAX, 300 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rungs); i++)
		assert_int_equal(guess_wait_s(rungs[i].fails), rungs[i].wait);
}

static void
ten_thousand_guesses_take_more_than_a_month(void **state)
{
	struct guess g = { 0 };
	int64_t now = 5 * CLOCK_S;
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		assert_int_equal(guess_left_s(&g, now), 0);
		(void)guess_count(&g, now);
		now += guess_left_s(&g, now) * CLOCK_S;
	}
	assert_true(now / CLOCK_S > 34 * 86400);
}

static void
what_is_left_is_rounded_up(void **state)
{
	struct guess g = { .fails = 3, .until_ns = 10 * CLOCK_S };

	(void)state;
	assert_int_equal(guess_left_s(&g, 8 * CLOCK_S), 2);
	assert_int_equal(guess_left_s(&g, 8 * CLOCK_S + 1), 2);
	assert_int_equal(guess_left_s(&g, 10 * CLOCK_S - 1), 1);
	assert_int_equal(guess_left_s(&g, 10 * CLOCK_S), 0);
	assert_int_equal(guess_left_s(&g, 99 * CLOCK_S), 0);
}

static void
one_taken_back_leaves_no_trace(void **state)
{
	struct guess g = { .fails = 2 };
	int64_t counted = guess_count(&g, 7 * CLOCK_S);

	(void)state;
	assert_int_equal(guess_left_s(&g, 7 * CLOCK_S), 2);
	guess_take_back(&g, counted);
	assert_int_equal(g.fails, 2);
	assert_int_equal(guess_left_s(&g, 7 * CLOCK_S), 0);
}

static void
one_taken_back_does_not_end_the_wait_of_a_later_one(void **state)
{
	struct guess g = { .fails = 2 };
	int64_t first = guess_count(&g, 7 * CLOCK_S);

	(void)state;
	(void)guess_count(&g, 9 * CLOCK_S);
	guess_take_back(&g, first);
	assert_int_equal(g.fails, 3);
	assert_int_equal(guess_left_s(&g, 9 * CLOCK_S), 4);
}

static void
none_can_be_taken_back_below_zero(void **state)
{
	struct guess g = { 0 };

	(void)state;
	guess_take_back(&g, 0);
	assert_int_equal(g.fails, 0);
}

static void
a_restart_begins_the_rest_of_the_wait_anew(void **state)
{
	struct guess g;

	(void)state;
	guess_restore(&g, 5, 8, 1000 * CLOCK_S);
	assert_int_equal(guess_left_s(&g, 1000 * CLOCK_S), 8);
	guess_restore(&g, 5, 4000000, 1000 * CLOCK_S);
	assert_int_equal(guess_left_s(&g, 1000 * CLOCK_S), 300);
	guess_restore(&g, 5, 0, 1000 * CLOCK_S);
	assert_int_equal(guess_left_s(&g, 1000 * CLOCK_S), 0);
	assert_int_equal(g.fails, 5);
}

static void
the_servers_lock_is_known_at_each_of_its_edges(void **state)
{
	static const struct {
		unsigned n, seconds;
	} edges[] = { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 3 }, { 8, 3 }, { 9, 5 },
		{ 24, 5 }, { 25, 10 }, { 99, 10 }, { 100, 86400 }, { 5000, 86400 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		assert_int_equal(guess_soft_lock_s(edges[i].n), edges[i].seconds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_are_free_then_it_doubles_up_to_five_minutes),
		cmocka_unit_test(ten_thousand_guesses_take_more_than_a_month),
		cmocka_unit_test(what_is_left_is_rounded_up),
		cmocka_unit_test(one_taken_back_leaves_no_trace),
		cmocka_unit_test(one_taken_back_does_not_end_the_wait_of_a_later_one),
		cmocka_unit_test(none_can_be_taken_back_below_zero),
		cmocka_unit_test(a_restart_begins_the_rest_of_the_wait_anew),
		cmocka_unit_test(the_servers_lock_is_known_at_each_of_its_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
