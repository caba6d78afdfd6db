/* SPDX-License-Identifier: MPL-2.0 */
#include "src/prog/jsonw.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char out[1024];

static FILE *
open_out(void)
{
	FILE *f = fmemopen(out, sizeof(out), "w");

	memset(out, 0, sizeof(out));
	assert_non_null(f);
	return f;
}

static void
test_objects_and_arrays_nest_with_commas(void **state)
{
	FILE *f = open_out();
	struct jsonw w;

	(void)state;
	jsonw_begin(&w, f);
	jsonw_open_object(&w, NULL);
	jsonw_string(&w, "system", "online");
	jsonw_open_array(&w, "users");
	jsonw_string(&w, NULL, "alice");
	jsonw_open_object(&w, NULL);
	jsonw_close(&w);
	jsonw_uint(&w, NULL, UINT64_MAX);
	jsonw_close(&w);
	jsonw_int(&w, "n", INT64_MIN);
	jsonw_bool(&w, "yes", true);
	jsonw_bool(&w, "no", false);
	jsonw_null(&w, "reason");
	jsonw_string(&w, "none", NULL);
	jsonw_open_array(&w, "empty");
	jsonw_close(&w);
	jsonw_close(&w);
	assert_int_equal(jsonw_end(&w), 0);
	assert_string_equal(out,
	    "{\"system\":\"online\",\"users\":[\"alice\",{},18446744073709551615],"
	    "\"n\":-9223372036854775808,\"yes\":true,\"no\":false,\"reason\":null,"
	    "\"none\":null,\"empty\":[]}\n");
	assert_int_equal(fclose(f), 0);
}

static void
assert_string(const char *text, const char *want)
{
	FILE *f = open_out();
	struct jsonw w;

	jsonw_begin(&w, f);
	jsonw_string(&w, NULL, text);
	assert_int_equal(jsonw_end(&w), 0);
	assert_string_equal(out, want);
	assert_int_equal(fclose(f), 0);
}

static void
test_strings_are_escaped(void **state)
{
	(void)state;
	assert_string("a\"b\\c/", "\"a\\\"b\\\\c/\"\n");
	assert_string("\n\t\r\x01\x1b\x7f", "\"\\n\\t\\u000d\\u0001\\u001b\\u007f\"\n");
	assert_string("caf\xc3\xa9 \xf0\x9f\x98\x80",
	    "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"\n");
}

static void
test_bytes_that_are_no_utf8_are_replaced(void **state)
{
	(void)state;
	assert_string("a\xff"
		      "b",
	    "\"a\xef\xbf\xbd"
	    "b\"\n");
	assert_string("\xc3", "\"\xef\xbf\xbd\"\n");
	assert_string("\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"\n");
	assert_string("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n");
}

static void
test_a_full_disk_is_told(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct jsonw w;

	(void)state;
	if (f == NULL)
		skip();
	jsonw_begin(&w, f);
	jsonw_string(&w, NULL, "x");
	assert_int_equal(jsonw_end(&w), -EIO);
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_and_arrays_nest_with_commas),
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_bytes_that_are_no_utf8_are_replaced),
		cmocka_unit_test(test_a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
