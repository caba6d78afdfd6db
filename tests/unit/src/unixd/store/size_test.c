/* SPDX-License-Identifier: MPL-2.0 */
/* How long a start takes with many people. The bounds are for a debug build that shares
 * its machine; the figures printed are the interesting part. */
#include "unit/src/unixd/store/kit.h"

static void
open_and_load(struct kit *k, uint32_t people, int64_t bound_ms)
{
	struct loaded l = { 0 };
	int64_t start;
	int64_t opened;
	int64_t loaded;

	kit_open(k);
	for (uint32_t i = 0; i < people; i++)
		kit_put_user(k, i, 1);
	kit_close(k);
	start = clock_mono_ns();
	kit_open(k);
	opened = clock_mono_ns();
	assert_int_equal(kit_load(k, &l), 0);
	loaded = clock_mono_ns();
	assert_int_equal(l.users, people);
	print_message("%u people: open %.2f ms, load %.2f ms\n", people,
	    (double)(opened - start) / 1e6, (double)(loaded - opened) / 1e6);
	assert_true(loaded - start < bound_ms * 1000000);
}

static void
a_thousand_people_are_there_at_once(void **state)
{
	open_and_load(*state, 1000, 500);
}

static void
a_hundred_thousand_people_are_there_soon(void **state)
{
	open_and_load(*state, 100000, 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_thousand_people_are_there_at_once),
		KIT_TEST(a_hundred_thousand_people_are_there_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
