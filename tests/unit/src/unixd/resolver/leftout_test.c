/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/leftout.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/model/model.h"

static struct leftouts l;
static const struct uuid staff = { { 1 } }, devs = { { 2 } };

static int
setup(void **state)
{
	(void)state;
	leftout_init(&l);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	leftout_clear(&l);
	return l.n == 0 ? 0 : -1;
}

/* Of names of one letter. */
static struct members *
list(const char *letters)
{
	struct member v[32];
	char spn[32][8];
	size_t n;

	for (n = 0; letters[n] != '\0'; n++) {
		(void)snprintf(spn[n], sizeof(spn[n]), "%c@x", letters[n]);
		v[n] = (struct member){ .name = spn[n], .spn = spn[n] };
	}
	return members_new(v, n);
}

static void
leave_out(const struct uuid *group, const char *shown, const char *spn)
{
	struct members *m = list(shown);
	struct leftout_print print = { 0 };

	/* In any order. */
	for (uint32_t i = m->n; i > 0; i--)
		leftout_print_add(&print, m->v[i - 1].spn);
	if (!leftout_more(&l, group, spn))
		leftout_add(&l, group, &print, spn);
	members_unref(m);
}

static void
comes_as(const struct uuid *group, const char *sent, const char *used)
{
	struct members *m = list(sent), *want = list(used);
	struct members *got = leftout_apply(&l, group, m);

	assert_true(members_equal(got, want));
	members_unref(got);
	members_unref(want);
	members_unref(m);
}

static void
who_was_left_out_stays_out_of_the_same_list(void **state)
{
	(void)state;
	comes_as(&staff, "abc", "abc");
	leave_out(&staff, "abc", "b@x");
	comes_as(&staff, "abc", "ac");
	comes_as(&staff, "abc", "ac");
	comes_as(&devs, "abc", "abc");
	/* The second one is taken from what is left. */
	leave_out(&staff, "ac", "c@x");
	comes_as(&staff, "abc", "a");
	assert_int_equal(l.n, 1);
}

static void
another_list_gives_everybody_a_new_chance(void **state)
{
	(void)state;
	leave_out(&staff, "abc", "b@x");
	comes_as(&staff, "abcd", "abcd");
	comes_as(&staff, "abc", "abc");
	assert_int_equal(l.n, 0);
}

static void
who_exists_after_all_is_in_again(void **state)
{
	(void)state;
	leave_out(&staff, "abc", "b@x");
	leave_out(&staff, "ac", "c@x");
	leave_out(&devs, "bd", "b@x");
	leftout_readmit(&l, "a@x");
	leftout_readmit(&l, "z@x");
	leftout_readmit(&l, "b@x");
	leftout_readmit(&l, "b@x");
	assert_int_equal(l.n, 1);
	comes_as(&staff, "abc", "ab");
	comes_as(&devs, "bd", "bd");
	leftout_readmit(&l, "c@x");
	assert_int_equal(l.n, 0);
}

static void
twice_is_once(void **state)
{
	(void)state;
	leave_out(&staff, "ab", "b@x");
	leave_out(&staff, "ab", "b@x");
	leftout_readmit(&l, "b@x");
	assert_int_equal(l.n, 0);
}

static void
only_so_many_groups_are_remembered_the_latest_of_them(void **state)
{
	struct uuid group = { { 9 } };
	int i;

	(void)state;
	for (i = 0; i < LEFTOUT_GROUPS + 3; i++) {
		group.b[1] = (uint8_t)(i >> 8);
		group.b[2] = (uint8_t)i;
		leave_out(&group, "ab", "a@x");
	}
	assert_int_equal(l.n, LEFTOUT_GROUPS);
	comes_as(&group, "ab", "b");
	group.b[1] = 0;
	group.b[2] = 2;
	comes_as(&group, "ab", "ab");
	group.b[2] = 3;
	comes_as(&group, "ab", "b");
}

/* A quarter of the server's lists of a hundred thousand would be a gigabyte. */
static void
large_lists_cost_what_is_left_out_of_them(void **state)
{
	struct leftout_print print = { 0 };
	struct mallinfo2 before, after;
	struct uuid group = { { 7 } };
	char spn[32];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(spn, sizeof(spn), "u%05d@idm.example", i);
		leftout_print_add(&print, spn);
	}
	before = mallinfo2();
	for (int i = 0; i < LEFTOUT_GROUPS; i++) {
		group.b[1] = (uint8_t)i;
		leftout_add(&l, &group, &print, "u00001@idm.example");
	}
	after = mallinfo2();
	assert_true(after.uordblks - before.uordblks < 256 * 1024);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(who_was_left_out_stays_out_of_the_same_list),
		T(another_list_gives_everybody_a_new_chance),
		T(who_exists_after_all_is_in_again),
		T(twice_is_once),
		T(large_lists_cost_what_is_left_out_of_them),
		T(only_so_many_groups_are_remembered_the_latest_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
