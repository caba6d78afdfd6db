/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/former.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void
a_name_is_anothers_for_five_minutes(void **state)
{
	static struct former f;

	(void)state;
	assert_false(former_is_others(&f, "alice", 2002, 100));
	former_note(&f, "alice", 2001, 100);
	assert_true(former_is_others(&f, "alice", 2002, 100));
	assert_true(former_is_others(&f, "alice", 2002, 399));
	assert_false(former_is_others(&f, "alice", 2002, 400));
	assert_false(former_is_others(&f, "alice", 2001, 100)); /* the same number */
	assert_false(former_is_others(&f, "bob", 2002, 100));
}

static void
a_name_that_goes_back_and_forth_takes_two_places(void **state)
{
	static struct former f;
	int32_t i;

	(void)state;
	former_note(&f, "carol", 2009, 100);
	for (i = 0; i < 1000; i++)
		former_note(&f, "alice", 2001 + (uint32_t)i % 2, 100 + i % 50);
	assert_true(former_is_others(&f, "carol", 2001, 150));
	assert_true(former_is_others(&f, "alice", 2001, 150));
	assert_true(former_is_others(&f, "alice", 2002, 150));
}

static void
the_oldest_goes_first(void **state)
{
	static struct former f;
	char name[16];
	unsigned i;

	(void)state;
	for (i = 0; i <= FORMER_MAX; i++) {
		(void)snprintf(name, sizeof(name), "u%u", i);
		former_note(&f, name, 2001, 100);
	}
	assert_false(former_is_others(&f, "u0", 1, 100));
	assert_true(former_is_others(&f, "u1", 1, 100));
	assert_true(former_is_others(&f, name, 1, 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_anothers_for_five_minutes),
		cmocka_unit_test(a_name_that_goes_back_and_forth_takes_two_places),
		cmocka_unit_test(the_oldest_goes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
