/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

#define UUID_UPPER "0F2D8A5C-1B7E-4C3D-9E10-AABBCCDDEEFF"
#define UUID_LOWER "0f2d8a5c-1b7e-4c3d-9e10-aabbccddeeff"

static int
parse(const char *s, struct name *name)
{
	return name_parse(s, strlen(s), name);
}

static void
assert_name(const char *s, enum name_kind kind, const char *text, size_t short_len)
{
	struct name n;

	assert_int_equal(parse(s, &n), 0);
	assert_int_equal(n.kind, kind);
	assert_string_equal(n.text, text);
	assert_int_equal(n.len, strlen(text));
	assert_int_equal(n.short_len, short_len);
}

static void
every_spelling_becomes_one_canonical_name(void **state)
{
	(void)state;
	assert_name("alice", NAME_SHORT, "alice", 5);
	assert_name("ALICE", NAME_SHORT, "alice", 5);
	assert_name("a", NAME_SHORT, "a", 1);
	assert_name("a.b_c-9", NAME_SHORT, "a.b_c-9", 7);
	assert_name("Alice@IDM.Example.COM", NAME_SPN, "alice@idm.example.com", 5);
	assert_name("a@0", NAME_SPN, "a@0", 1);
	assert_name(UUID_UPPER, NAME_UUID, UUID_LOWER, 36);
	/* a UUID that also looks like a short name is a UUID */
	assert_name("aaaaaaaa-1b7e-4c3d-9e10-aabbccddeeff", NAME_UUID,
	    "aaaaaaaa-1b7e-4c3d-9e10-aabbccddeeff", 36);
}

static void
what_the_server_would_take_for_somebody_else_is_no_name(void **state)
{
	static const char *const bad[] = { "", "name=alice", "name%3Dalice", "alice,foo",
		"alice%2Cfoo", "70001", "1alice", "-alice", ".alice", "_alice", "@",
		"+alice", "~alice", ".", "..", "+", "alice\t", "alice\r", "alice\x01",
		"alice\x7f", "alice\x1b[2J", "alice@", "@example.com", "a@b@c",
		"alice example", "alice\n", "alice:", "alice/..", "../alice", "alice$",
		"al\xc3\xad"
		"ce",
		"alice@ex_ample", "alice@ex ample",
		"0f2d8a5c-1b7e-4c3d-9e10-aabbccddeefg",
		"0f2d8a5c1b7e4c3d9e10aabbccddeeff", "{" UUID_LOWER "}" };
	struct name n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_not_equal(parse(bad[i], &n), 0);
	assert_int_not_equal(name_parse(NULL, 0, &n), 0);
	assert_int_not_equal(name_parse(NULL, 4, &n), 0);
	assert_int_not_equal(name_parse("ali\0ce", 6, &n), 0);
	assert_int_not_equal(name_parse("alice", 6, &n), 0);
}

static void
lengths_end_where_the_grammar_says(void **state)
{
	char text[NAME_MAX_TEXT + 2];
	struct name n;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(name_parse(text, 64, &n), 0);
	assert_int_not_equal(name_parse(text, 65, &n), 0);
	text[64] = '@';
	assert_int_equal(name_parse(text, NAME_MAX_TEXT, &n), 0);
	assert_int_equal(n.len, NAME_MAX_TEXT);
	assert_int_equal(n.text[n.len], '\0');
	assert_int_not_equal(name_parse(text, NAME_MAX_TEXT + 1, &n), 0);
	/* a short SPN whose domain alone is too long */
	text[1] = '@';
	text[64] = 'a';
	assert_int_equal(name_parse(text, 2 + NAME_MAX_DOMAIN, &n), 0);
	assert_int_not_equal(name_parse(text, 2 + NAME_MAX_DOMAIN + 1, &n), 0);
}

static void
only_the_own_domain_is_stripped(void **state)
{
	struct name n;

	(void)state;
	assert_int_equal(parse("Alice@Example.com", &n), 0);
	name_strip_domain(&n, NULL);
	name_strip_domain(&n, "");
	name_strip_domain(&n, "example.co");
	name_strip_domain(&n, "example.com.evil");
	assert_string_equal(n.text, "alice@example.com");
	name_strip_domain(&n, "example.com");
	assert_string_equal(n.text, "alice");
	assert_int_equal(n.len, 5);
	assert_int_equal(n.kind, NAME_SHORT);
	name_strip_domain(&n, "alice");
	assert_string_equal(n.text, "alice");
}

static void
fields_are_clean_utf8_without_separators(void **state)
{
	static const char *const good[] = { "", "Alice Doe", "J\xc3\xbcrgen",
		"\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x8c\xb1", "/home/a,b", "\xc2\xa0" };
	static const char *const bad[] = { "a:b", "a\nb", "a\tb", "\x1b[31m", "\x7f",
		"\xc2\x85", "\xff", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x9f\x8c", "\x80" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(name_field_is_clean(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(name_field_is_clean(bad[i]));
}

/* Both ways of asking, for everything that one more character can do to a name. */
static void
agree(const char *s)
{
	struct name n;
	bool parses = parse(s, &n) == 0 && streq(n.text, s);
	size_t len = strlen(s);

	assert_int_equal(name_canonical_len(s, NAME_SHORT),
	    parses && n.kind == NAME_SHORT ? len : 0);
	assert_int_equal(name_canonical_len(s, NAME_SPN),
	    parses && n.kind == NAME_SPN ? len : 0);
	assert_int_equal(name_canonical_len(s, NAME_UUID), 0);
}

static void
what_is_canonical_is_what_parsing_leaves_as_it_is(void **state)
{
	static const char *const bases[] = { "", "a", "alice", "a@", "a@b",
		"alice@x.example", "9", "-", "ALICE", "a@b@c", UUID_LOWER, UUID_UPPER,
		UUID_LOWER "@x" };
	char text[NAME_MAX_TEXT + 8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		size_t len = strlen(bases[i]);

		for (size_t at = 0; at <= len; at++) {
			for (int c = 0; c < 256; c++) {
				memcpy(text, bases[i], at);
				text[at] = (char)c;
				memcpy(text + at + 1, bases[i] + at, len - at + 1);
				agree(text);
			}
		}
	}
	for (size_t n = 0; n < sizeof(text); n++) {
		memset(text, 'a', n);
		text[n] = '\0';
		agree(text);
		for (size_t at = 60; at < 68 && at < n; at++) {
			text[at] = '@';
			agree(text);
			text[at] = 'a';
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_becomes_one_canonical_name),
		cmocka_unit_test(what_the_server_would_take_for_somebody_else_is_no_name),
		cmocka_unit_test(lengths_end_where_the_grammar_says),
		cmocka_unit_test(what_is_canonical_is_what_parsing_leaves_as_it_is),
		cmocka_unit_test(only_the_own_domain_is_stripped),
		cmocka_unit_test(fields_are_clean_utf8_without_separators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
