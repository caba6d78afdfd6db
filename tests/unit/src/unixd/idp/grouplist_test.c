/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/grouplist.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/unixd/model/model.h"

static struct uuid
uuid_of(unsigned n)
{
	struct uuid u = { 0 };

	u.b[0] = (uint8_t)(n >> 8);
	u.b[1] = (uint8_t)n;
	return u;
}

static void
add(struct grouplist *l, unsigned n, const char *spn)
{
	struct uuid u = uuid_of(n);

	assert_int_equal(grouplist_add(l, &u, spn), 0);
}

static struct members *
members_of(const struct grouplist *l, unsigned n)
{
	struct uuid u = uuid_of(n);
	struct members *m = NULL;

	assert_int_equal(grouplist_members(l, &u, &m), 0);
	return m;
}

static void
test_nested_groups_are_opened_and_circles_end(void **state)
{
	struct grouplist *l = grouplist_new();
	struct members *m;

	(void)state;
	add(l, 1, "a@x");
	assert_int_equal(grouplist_add_member(l, "b@x"), 0);
	assert_int_equal(grouplist_add_member(l, "ann@x"), 0);
	add(l, 2, "b@x");
	assert_int_equal(grouplist_add_member(l, "c@x"), 0);
	assert_int_equal(grouplist_add_member(l, "ann@x"), 0);
	add(l, 3, "c@x");
	assert_int_equal(grouplist_add_member(l, "a@x"), 0);
	assert_int_equal(grouplist_add_member(l, "c@x"), 0);
	assert_int_equal(grouplist_add_member(l, "cat@x"), 0);
	add(l, 4, "empty@x");
	grouplist_seal(l);
	for (unsigned n = 1; n <= 3; n++) {
		m = members_of(l, n);
		assert_int_equal(m->n, 2);
		assert_string_equal(m->v[0].spn, "ann@x");
		assert_string_equal(m->v[1].spn, "cat@x");
		assert_string_equal(m->v[1].name, "cat");
		(void)members_unref(m);
	}
	m = members_of(l, 4);
	assert_int_equal(m->n, 0);
	(void)members_unref(m);
	(void)grouplist_free(l);
}

static void
test_a_group_that_is_not_in_the_list_is_told(void **state)
{
	struct grouplist *l = grouplist_new();
	struct uuid u = uuid_of(9);
	struct members *m = NULL;

	(void)state;
	add(l, 1, "a@x");
	grouplist_seal(l);
	assert_int_equal(grouplist_members(l, &u, &m), -ENOENT);
	(void)grouplist_free(l);
}

static void
test_a_long_chain_is_followed_to_its_end(void **state)
{
	enum { N = 2000 };
	struct grouplist *l = grouplist_new();
	struct members *m;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		char spn[32], next[32];

		(void)snprintf(spn, sizeof(spn), "g%u@x", i);
		(void)snprintf(next, sizeof(next), i == N - 1 ? "end@x" : "g%u@x", i + 1);
		add(l, i, spn);
		assert_int_equal(grouplist_add_member(l, next), 0);
	}
	grouplist_seal(l);
	m = members_of(l, 0);
	assert_int_equal(m->n, 1);
	assert_string_equal(m->v[0].name, "end");
	(void)members_unref(m);
	(void)grouplist_free(l);
}

static void
test_a_set_of_spns_is_sorted_each_once(void **state)
{
	struct memberset set = { 0 };
	struct members *m;

	(void)state;
	assert_int_equal(memberset_add(&set, "bob@x"), 0);
	assert_int_equal(memberset_add(&set, "ann@x"), 0);
	assert_int_equal(memberset_add(&set, "bob@x"), 0);
	m = memberset_make(&set);
	assert_int_equal(m->n, 2);
	assert_string_equal(m->v[0].name, "ann");
	assert_string_equal(m->v[1].spn, "bob@x");
	(void)members_unref(m);
	memberset_clear(&set);
	m = memberset_make(&set);
	assert_int_equal(m->n, 0);
	(void)members_unref(m);
}

static void
test_a_set_has_an_end(void **state)
{
	struct memberset set = { 0 };

	(void)state;
	for (unsigned i = 0; i < MODEL_MAX_MEMBERS; i++)
		assert_int_equal(memberset_add(&set, "a@x"), 0);
	assert_int_equal(memberset_add(&set, "a@x"), -E2BIG);
	memberset_clear(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested_groups_are_opened_and_circles_end),
		cmocka_unit_test(test_a_group_that_is_not_in_the_list_is_told),
		cmocka_unit_test(test_a_long_chain_is_followed_to_its_end),
		cmocka_unit_test(test_a_set_of_spns_is_sorted_each_once),
		cmocka_unit_test(test_a_set_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
