/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/negative.h"

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

static struct negative n;

static int
setup(void **state)
{
	(void)state;
	negative_init(&n);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	negative_deinit(&n);
	return 0;
}

static void
an_entry_lives_until_its_time(void **state)
{
	(void)state;
	negative_add(&n, KIND_USER, "eve", 100);
	assert_true(negative_is_fresh(&n, KIND_USER, "eve", 99));
	assert_false(negative_is_fresh(&n, KIND_USER, "eve", 100));
	assert_int_equal(n.n, 0);
}

static void
kinds_are_apart(void **state)
{
	(void)state;
	negative_add(&n, KIND_USER, "staff", 100);
	assert_false(negative_is_fresh(&n, KIND_GROUP, "staff", 1));
	negative_forget(&n, KIND_GROUP, "staff");
	assert_true(negative_is_fresh(&n, KIND_USER, "staff", 1));
}

static void
a_success_forgets_it(void **state)
{
	(void)state;
	negative_add(&n, KIND_USER, "2001", 100);
	negative_forget(&n, KIND_USER, "2001");
	assert_false(negative_is_fresh(&n, KIND_USER, "2001", 1));
}

static void
the_least_recently_used_goes_first(void **state)
{
	char id[16];
	int i;

	(void)state;
	negative_add(&n, KIND_USER, "kept", 1000);
	negative_add(&n, KIND_USER, "idle", 1000);
	for (i = 0; i < NEGATIVE_MAX - 2; i++) {
		snprintf(id, sizeof(id), "x%d", i);
		negative_add(&n, KIND_USER, id, 1000);
	}
	assert_int_equal(n.n, NEGATIVE_MAX);
	assert_true(negative_is_fresh(&n, KIND_USER, "kept", 1));
	negative_add(&n, KIND_USER, "one-more", 1000);
	assert_int_equal(n.n, NEGATIVE_MAX);
	assert_true(negative_is_fresh(&n, KIND_USER, "kept", 1));
	assert_false(negative_is_fresh(&n, KIND_USER, "idle", 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_lives_until_its_time, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(kinds_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_success_forgets_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_least_recently_used_goes_first, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
