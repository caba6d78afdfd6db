/* SPDX-License-Identifier: MPL-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/prog/toml.h"

static struct toml *
value(const char *text)
{
	char document[256];
	struct toml_error error;

	(void)snprintf(document, sizeof(document), "v = %s", text);
	return toml_parse(document, strlen(document), &error);
}

static void
test_integers_have_all_their_forms(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "0", 0 },
		{ "+0", 0 },
		{ "-0", 0 },
		{ "+99", 99 },
		{ "-17", -17 },
		{ "1_000", 1000 },
		{ "5_349_221", 5349221 },
		{ "1_2_3", 123 },
		{ "0xDEADBEEF", 0xdeadbeef },
		{ "0xdead_beef", 0xdeadbeef },
		{ "0o01234567", 01234567 },
		{ "0b11010110", 0xd6 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_(toml_freep) struct toml *t = value(cases[i].text);

		assert_non_null(t);
		assert_int_equal(toml_get(t, "v")->type, TOML_INTEGER);
		assert_true(toml_get(t, "v")->integer == cases[i].want);
	}
}

static void
test_floats_have_all_their_forms(void **state)
{
	static const struct {
		const char *text;
		double want;
	} cases[] = {
		{ "+1.0", 1.0 },
		{ "3.1415", 3.1415 },
		{ "-0.01", -0.01 },
		{ "5e+22", 5e22 },
		{ "1e06", 1e6 },
		{ "-2E-2", -2e-2 },
		{ "6.626e-34", 6.626e-34 },
		{ "224_617.445_991_228", 224617.445991228 },
		{ "inf", HUGE_VAL },
		{ "+inf", HUGE_VAL },
		{ "-inf", -HUGE_VAL },
	};
	cleanup_(toml_freep) struct toml *nan_doc = value("-nan");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_(toml_freep) struct toml *t = value(cases[i].text);

		assert_non_null(t);
		assert_int_equal(toml_get(t, "v")->type, TOML_FLOAT);
		assert_true(toml_get(t, "v")->real == cases[i].want);
	}
	assert_non_null(nan_doc);
	assert_true(isnan(toml_get(nan_doc, "v")->real));
}

static void
test_dates_and_times_keep_their_text(void **state)
{
	static const struct {
		const char *text;
		enum toml_type type;
	} cases[] = {
		{ "1979-05-27T07:32:00Z", TOML_OFFSET_DATETIME },
		{ "1979-05-27t00:32:00.999999-07:00", TOML_OFFSET_DATETIME },
		{ "1979-05-27 07:32:00z", TOML_OFFSET_DATETIME },
		{ "1979-05-27T07:32:00", TOML_LOCAL_DATETIME },
		{ "1979-05-27 07:32:00.5", TOML_LOCAL_DATETIME },
		{ "1979-05-27", TOML_LOCAL_DATE },
		{ "2024-02-29", TOML_LOCAL_DATE },
		{ "2000-02-29", TOML_LOCAL_DATE },
		{ "07:32:00", TOML_LOCAL_TIME },
		{ "23:59:60.123", TOML_LOCAL_TIME },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_(toml_freep) struct toml *t = value(cases[i].text);

		assert_non_null(t);
		assert_int_equal(toml_get(t, "v")->type, cases[i].type);
		assert_string_equal(toml_get(t, "v")->string.text, cases[i].text);
	}
}

static void
test_what_looks_like_a_number_and_is_none_is_refused(void **state)
{
	static const char *const cases[] = {
		"01",
		"-01",
		"+-1",
		"1_",
		"_1",
		"1__0",
		"0x",
		"0xg",
		"+0x1",
		"-0b1",
		"0o8",
		"0b2",
		"0X1",
		"0_1",
		"1.",
		".1",
		"1._1",
		"1_.1",
		"1e",
		"1e+",
		"1.e1",
		"1e1.0",
		"1e_1",
		"03.14",
		"Inf",
		"NaN",
		"infinity",
		"nan0",
		"+true",
		"True",
		"TRUE",
		"truee",
		"9223372036854775808",
		"-9223372036854775809",
		"0x8000000000000000",
		"1 000",
		"1,000",
		"0xdead_",
		"++1",
		"1+1",
		"1e6e6",
		"0x1p3",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_(toml_freep) struct toml *t = value(cases[i]);

		if (t != NULL)
			print_error("accepted %s\n", cases[i]);
		assert_null(t);
	}
}

static void
test_impossible_dates_are_refused(void **state)
{
	static const char *const cases[] = {
		"1979-13-01",
		"1979-00-01",
		"1979-01-32",
		"1979-01-00",
		"2023-02-29",
		"1900-02-29",
		"1979-1-1",
		"79-01-01",
		"1979-01-01T",
		"1979-01-01T24:00:00Z",
		"07:60:00",
		"07:32",
		"07:32:61",
		"07:32:00.",
		"1979-05-27T07:32Z",
		"1979-05-27T07:32:00+25:00",
		"1979-05-27T07:32:00+07",
		"1979-05-27X07:32:00",
		"1979-05-27  07:32:00",
		"1979-05-27T07:32:00ZZ",
		"1979-05-27 x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cleanup_(toml_freep) struct toml *t = value(cases[i]);

		if (t != NULL)
			print_error("accepted %s\n", cases[i]);
		assert_null(t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers_have_all_their_forms),
		cmocka_unit_test(test_floats_have_all_their_forms),
		cmocka_unit_test(test_dates_and_times_keep_their_text),
		cmocka_unit_test(test_what_looks_like_a_number_and_is_none_is_refused),
		cmocka_unit_test(test_impossible_dates_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
