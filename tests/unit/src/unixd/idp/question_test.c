/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/base/uuid.h"

#define ALICE_UUID "0a0a0a0a-1111-2222-3333-444444444444"
#define BERT_UUID  "0b0b0b0b-1111-2222-3333-444444444444"

/* Does alice's entry answer this? */
static bool
alice_answers(const char *id)
{
	struct uuid uuid;

	assert_int_equal(uuid_parse(ALICE_UUID, strlen(ALICE_UUID), &uuid), 0);
	return question_is_answered_by(id, "alice", "alice@idm.example", &uuid, 20001);
}

static void
test_an_entry_answers_to_its_name_spn_uuid_and_number(void **state)
{
	static const char *const ids[] = { "alice", "ALICE", "alice@idm.example",
		"Alice@IDM.example", ALICE_UUID, "20001" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_true(alice_answers(ids[i]));
}

static void
test_an_entry_does_not_answer_for_another_name_or_uuid(void **state)
{
	static const char *const ids[] = { "bert", "alic", "alice2",
		"alice@other.example", "bert@idm.example", BERT_UUID };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_false(alice_answers(ids[i]));
}

static void
test_an_entry_does_not_answer_for_another_number(void **state)
{
	static const char *const ids[] = { "20002", "2000", "200010", "020001", "0", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_false(alice_answers(ids[i]));
}

static void
test_what_the_servers_parser_would_take_for_alice_is_not_her(void **state)
{
	static const char *const ids[] = { "name=alice", "alice,foo", "alice,dc=x",
		"ALICE,y", " alice", "alice ", "-alice", "*" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_false(alice_answers(ids[i]));
}

static void
test_what_is_not_plainly_harmless_is_escaped(void **state)
{
	char *path = question_path("account", "a/../b?c=%2e#d e", "_token");

	(void)state;
	assert_string_equal(path,
	    "/v1/account/a%2F..%2Fb%3Fc%3D%252e%23d%20e/_unix/_token");
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_entry_answers_to_its_name_spn_uuid_and_number),
		cmocka_unit_test(test_an_entry_does_not_answer_for_another_name_or_uuid),
		cmocka_unit_test(test_an_entry_does_not_answer_for_another_number),
		cmocka_unit_test(
		    test_what_the_servers_parser_would_take_for_alice_is_not_her),
		cmocka_unit_test(test_what_is_not_plainly_harmless_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
