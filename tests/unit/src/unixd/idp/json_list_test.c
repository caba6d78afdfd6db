/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "recorded.h"
#include "src/base/util.h"
#include "src/unixd/idp/grouplist.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/model/model.h"

static const char *const people[] = { "alice", "bob", "carol", "dave", "frank", "grace" };

static void
are_people(struct members *m)
{
	assert_int_equal(m->n, ARRAY_SIZE(people));
	for (size_t i = 0; i < ARRAY_SIZE(people); i++)
		assert_string_equal(m->v[i].name, people[i]);
	assert_string_equal(m->v[0].spn, "alice@idm.example.test");
	(void)members_unref(m);
}

static void
test_a_recorded_search_gives_the_people(void **state)
{
	struct members *m = NULL;
	size_t len;
	char *text = recorded("scim-nested", &len);

	(void)state;
	assert_int_equal(json_scim_members(text, len, &m), 0);
	are_people(m);
	free(text);
}

static void
test_a_search_that_is_not_whole_is_no_answer(void **state)
{
	struct members *m = NULL;
	size_t len;
	char *text = recorded("scim-cut", &len);

	(void)state;
	assert_int_equal(json_scim_members(text, len, &m), -EBADMSG);
	free(text);
	text = recorded("scim-refused", &len);
	assert_int_equal(json_scim_members(text, len, &m), -EBADMSG);
	free(text);
}

static struct members *
scim(const char *text)
{
	struct members *m = NULL;

	return json_scim_members(text, strlen(text), &m) == 0 ? m : NULL;
}

static void
test_an_empty_search_is_an_empty_list(void **state)
{
	struct members *m = scim("{\"totalResults\":0,\"resources\":[]}");

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->n, 0);
	(void)members_unref(m);
	assert_null(scim("{\"resources\":[]}"));
	assert_null(scim("{\"totalResults\":0}"));
}

static void
test_what_is_no_name_is_left_out_of_a_search(void **state)
{
	struct members *m = scim("{\"totalResults\":4,\"resources\":["
				 "{\"spn\":\"bob@x.test\"},{\"name\":\"b\"},7,"
				 "{\"name\":\"eve\",\"spn\":\"al@x.test\"}]}");

	(void)state;
	assert_non_null(m);
	assert_int_equal(m->n, 1);
	assert_string_equal(m->v[0].name, "bob");
	(void)members_unref(m);
}

static void
test_direct_members_and_none_are_read(void **state)
{
	struct members *m = NULL;
	size_t len;
	char *text = recorded("members-direct", &len);

	(void)state;
	assert_int_equal(json_spn_members(text, len, &m), 0);
	are_people(m);
	free(text);
	text = recorded("members-none", &len);
	assert_int_equal(json_spn_members(text, len, &m), 0);
	assert_int_equal(m->n, 0);
	(void)members_unref(m);
	free(text);
	assert_int_equal(json_spn_members("{}", 2, &m), -EBADMSG);
}

static void
test_a_recorded_list_of_groups_gives_the_closure(void **state)
{
	struct grouplist *l = NULL;
	struct members *m = NULL;
	struct uuid uuid;
	size_t len;
	char *text = recorded("groups", &len);

	(void)state;
	assert_int_equal(json_group_list(text, len, &l), 0);
	free(text);
	assert_int_equal(uuid_parse("5d26031f-b04b-421b-8727-5442b1524b1f", UUID_TEXT_LEN,
			     &uuid),
	    0);
	assert_int_equal(grouplist_members(l, &uuid, &m), 0);
	are_people(m);
	(void)grouplist_free(l);
}

static void
test_what_is_no_list_of_groups_is_refused(void **state)
{
	struct grouplist *l = NULL;

	(void)state;
	assert_int_equal(json_group_list("{}", 2, &l), -EBADMSG);
	assert_int_equal(json_group_list("\"backend\"", 9, &l), -EBADMSG);
	/* Damaged groups are skipped, the list stands. */
	assert_int_equal(json_group_list("[7,{\"attrs\":{}}]", 16, &l), 0);
	(void)grouplist_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_recorded_search_gives_the_people),
		cmocka_unit_test(test_a_search_that_is_not_whole_is_no_answer),
		cmocka_unit_test(test_an_empty_search_is_an_empty_list),
		cmocka_unit_test(test_what_is_no_name_is_left_out_of_a_search),
		cmocka_unit_test(test_direct_members_and_none_are_read),
		cmocka_unit_test(test_a_recorded_list_of_groups_gives_the_closure),
		cmocka_unit_test(test_what_is_no_list_of_groups_is_refused),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
