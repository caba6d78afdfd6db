/* SPDX-License-Identifier: MPL-2.0 */
/* The body that carries a password; the rest of auth.c is tests/integration/idp_auth_test. */
#include "src/unixd/idp/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/secret.h"
#include "src/base/util.h"

static struct secret *
body_of(const void *password, size_t len, bool *ret_is_text)
{
	struct secret *s = secret_copy(password, len), *body;

	assert_non_null(s);
	body = auth_body(s, ret_is_text);
	(void)secret_free(s);
	return body;
}

static void
a_password_is_written_as_json(void **state)
{
	static const struct {
		const char *password;
		size_t len;
		const char *body;
	} rows[] = {
		{ "", 0, "{\"value\":\"\"}" },
		{ "horse", 5, "{\"value\":\"horse\"}" },
		{ "\"\\/", 3, "{\"value\":\"\\\"\\\\/\"}" },
		{ "\0\t\n\x1f\x7f", 5,
		    "{\"value\":\"\\u0000\\u0009\\u000a\\u001f\x7f\"}" },
		{ "\xc3\xa4\xf0\x9f\x90\xb4", 6,
		    "{\"value\":\"\xc3\xa4\xf0\x9f\x90\xb4\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_text = false;
		struct secret *s = body_of(rows[i].password, rows[i].len, &is_text);

		assert_non_null(s);
		assert_true(is_text);
		assert_int_equal(s->len, strlen(rows[i].body));
		assert_memory_equal(s->data, rows[i].body, s->len);
		(void)secret_free(s);
	}
}

static void
the_longest_body_there_can_be_fits(void **state)
{
	bool is_text = false;
	struct secret *s;
	char nuls[512] = { 0 };

	(void)state;
	s = body_of(nuls, sizeof(nuls), &is_text);
	assert_non_null(s);
	assert_int_equal(s->len, strlen("{\"value\":\"\"}") + sizeof(nuls) * 6);
	assert_true(s->len <= s->cap);
	(void)secret_free(s);
}

static void
what_is_no_utf8_has_no_body(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xed\xa0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82", "ok\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		bool is_text = true;

		assert_null(body_of(bad[i], strlen(bad[i]), &is_text));
		assert_false(is_text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_password_is_written_as_json),
		cmocka_unit_test(the_longest_body_there_can_be_fits),
		cmocka_unit_test(what_is_no_utf8_has_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
