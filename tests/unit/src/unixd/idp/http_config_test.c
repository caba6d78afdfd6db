/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/http_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/idp/idp.h"

static struct http_config *
config_of(const char *uri)
{
	struct idp_settings s = { .uri = uri, .verify_ca = true, .ca_path = "/x" };

	return http_config_new(&s);
}

static void
test_a_uri_is_reduced_to_scheme_host_and_port(void **state)
{
	static const char *const t[][2] = {
		{ "https://idm.example.com", "https://idm.example.com" },
		{ "https://idm.example.com/", "https://idm.example.com" },
		{ "https://idm.example.com:8443/path?q#f",
		    "https://idm.example.com:8443" },
		{ "https://user:pw@idm.example.com/", "https://idm.example.com" },
		{ "https://[::1]:8443", "https://[::1]:8443" },
		{ "HTTPS://IDM.example.com", "https://IDM.example.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct http_config *c = config_of(t[i][0]);

		assert_null(c->uri_problem);
		assert_string_equal(c->base, t[i][1]);
		assert_true(c->tls);
		assert_null(http_config_unref(c));
	}
}

static void
test_plain_http_is_told_from_tls(void **state)
{
	struct http_config *c = config_of("http://localhost:8080");

	(void)state;
	assert_null(c->uri_problem);
	assert_false(c->tls);
	(void)http_config_unref(c);
}

static void
test_what_is_no_http_uri_is_a_problem_in_words(void **state)
{
	static const char *const bad[] = { "", "idm.example.com", "ftp://x", "https://",
		"https://a b", "file:///etc/passwd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct http_config *c = config_of(bad[i]);

		assert_non_null(c->uri_problem);
		(void)http_config_unref(c);
	}
}

static void
test_each_configuration_has_a_number_of_its_own_and_times_a_default(void **state)
{
	struct http_config *a = config_of(NULL), *b = config_of(NULL);

	(void)state;
	assert_null(a->base);
	assert_null(a->uri_problem);
	assert_true(a->generation != b->generation);
	assert_int_equal(a->conn_timeout_ms, 2000);
	assert_int_equal(a->request_timeout_ms, 4000);
	assert_string_equal(a->ca_path, "/x");
	assert_ptr_equal(http_config_ref(a), a);
	assert_null(http_config_unref(a));
	assert_int_equal(a->refs, 1);
	(void)http_config_unref(a);
	(void)http_config_unref(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_uri_is_reduced_to_scheme_host_and_port),
		cmocka_unit_test(test_plain_http_is_told_from_tls),
		cmocka_unit_test(test_what_is_no_http_uri_is_a_problem_in_words),
		cmocka_unit_test(
		    test_each_configuration_has_a_number_of_its_own_and_times_a_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
