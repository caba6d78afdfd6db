/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/publish/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
keys_are_canonical_and_there_once(void **state)
{
	const char *const in[] = { "Alice", "alice@Own.example", "bob@trust.example",
		NULL, "no name", "70001", "01234567-89ab-cdef-0123-456789abcdef",
		"alice" };
	static const char want[] = "alice\0bob@trust.example";
	struct record_buf keys = { 0 };

	(void)state;
	record_keys(&keys, in, 8, "own.example");
	assert_int_equal(keys.len, sizeof(want));
	assert_memory_equal(keys.data, want, sizeof(want));
	record_buf_free(&keys);
}

static struct passwd_view
alice(void)
{
	static const uint32_t gids[] = { 7, 8, 9 };

	return (struct passwd_view){ 5000, 5000, "alice@own.example", "A", "/a",
		"/bin/sh", 3, gids, false };
}

static void
a_key_that_begins_the_name_takes_no_room(void **state)
{
	const char *const own[] = { "alice" }, *const other[] = { "xalic" };
	struct record_buf keys = { 0 }, a = { 0 }, b = { 0 };
	struct passwd_view v = alice();
	uint32_t len;

	(void)state;
	record_keys(&keys, own, 1, "own.example");
	assert_true(record_user(&a, &v, &keys));
	record_keys(&keys, other, 1, "own.example");
	assert_true(record_user(&b, &v, &keys));
	assert_memory_equal(record_key(a.data, &len), "alice", 5);
	assert_int_equal(len, 5);
	assert_memory_equal(record_key(b.data, &len), "xalic", 5);
	assert_true(record_size(a.data) < record_size(b.data));
	assert_int_equal(record_size(a.data) % 8, 0);
	assert_false(record_equal(a.data, b.data));
	record_buf_free(&a);
	record_buf_free(&b);
	record_buf_free(&keys);
}

static void
freshness_and_place_do_not_make_a_difference(void **state)
{
	const char *const key[] = { "alice" };
	struct record_buf keys = { 0 }, a = { 0 }, b = { 0 };
	struct passwd_view v = alice();

	(void)state;
	record_keys(&keys, key, 1, "");
	assert_true(record_user(&a, &v, &keys));
	assert_true(record_user(&b, &v, &keys));
	record_set_word(a.data, KU_MAP_E_FRESH, 77);
	record_set_word(a.data, KU_MAP_E_NEXT_ID, 800);
	record_set_word(a.data, KU_MAP_E_SUPERSEDED, 1);
	assert_true(record_equal(a.data, b.data));
	v.uid = 5001;
	assert_true(record_user(&b, &v, &keys));
	assert_false(record_equal(a.data, b.data));
	v = alice();
	v.n_gids = 2;
	assert_true(record_user(&b, &v, &keys));
	assert_false(record_equal(a.data, b.data));
	record_buf_free(&a);
	record_buf_free(&b);
	record_buf_free(&keys);
}

static void
what_the_format_cannot_hold_is_refused(void **state)
{
	const char *const key[] = { "alice" };
	struct record_buf keys = { 0 }, a = { 0 };
	struct passwd_view v = alice();
	struct group_view g = { 1, "", 0, NULL };
	char *text = malloc(70000);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 69999);
	text[69999] = '\0';
	record_keys(&keys, key, 1, "");
	v.gecos = text;
	assert_false(record_user(&a, &v, &keys));
	v.gecos = text + 69999 - 65000; /* each fits, together they do not */
	v.dir = text + 69999 - 65000;
	assert_false(record_user(&a, &v, &keys));
	v.dir = "/";
	v.gecos = NULL;
	assert_true(record_user(&a, &v, &keys));
	v.name = "";
	assert_false(record_user(&a, &v, &keys));
	assert_false(record_group(&a, &g, &keys));
	free(text);
	record_buf_free(&a);
	record_buf_free(&keys);
}

static void
another_domain_makes_other_keys_of_the_same_entry(void **state)
{
	const char *const in[] = { "alice", "alice@later.example", "zoe@trust.example" };
	const char *const members[] = { "a", "bb" };
	struct record_buf keys = { 0 }, rec = { 0 }, again = { 0 }, direct = { 0 };
	struct passwd_view v = alice();
	struct group_view g = { 6000, "alice@later.example", 2, members };

	(void)state;
	v.overrides = true;
	for (int group = 0; group < 2; group++) {
		record_keys(&keys, in, 3, "");
		assert_true(
		    group ? record_group(&rec, &g, &keys) : record_user(&rec, &v, &keys));
		assert_int_equal(record_n_aliases(rec.data), 2);
		assert_false(record_keys_again(&keys, rec.data, ""));
		assert_true(record_keys_again(&keys, rec.data, "later.example"));
		assert_true(record_rekey(&again, rec.data, &keys));
		record_keys(&keys, in, 3, "later.example");
		assert_true(group ? record_group(&direct, &g, &keys)
				  : record_user(&direct, &v, &keys));
		assert_true(record_equal(again.data, direct.data));
		assert_int_equal(record_n_aliases(again.data), 1);
		if (!group)
			assert_int_equal(record_word(again.data, KU_MAP_U_LENS + 3) >> 16,
			    KU_MAP_UF_OVERRIDE);
	}
	record_buf_free(&rec);
	record_buf_free(&again);
	record_buf_free(&direct);
	record_buf_free(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_canonical_and_there_once),
		cmocka_unit_test(a_key_that_begins_the_name_takes_no_room),
		cmocka_unit_test(freshness_and_place_do_not_make_a_difference),
		cmocka_unit_test(what_the_format_cannot_hold_is_refused),
		cmocka_unit_test(another_domain_makes_other_keys_of_the_same_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
