/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/prog/config_reader.h"

static void
assert_taken(const char *uri, const char *want, const char *want_path)
{
	const char *path, *why;
	char *base = NULL;

	assert_int_equal(config_uri_check(uri, &base, &path, &why), 0);
	assert_string_equal(base, want);
	assert_string_equal(path, want_path);
	free(base);
}

static void
assert_refused(const char *uri, const char *words)
{
	const char *path, *why = "";
	char *base = NULL;

	assert_int_equal(config_uri_check(uri, &base, &path, &why), -EINVAL);
	assert_null(base);
	if (strstr(why, words) == NULL)
		print_error("%s: %s\n", uri, why);
	assert_non_null(strstr(why, words));
}

static void
test_scheme_host_and_port_are_kept_without_the_path(void **state)
{
	(void)state;
	assert_taken("https://idm.example.com", "https://idm.example.com", "");
	assert_taken("https://idm.example.com/", "https://idm.example.com", "/");
	assert_taken("HTTPS://idm.example.com:8443/x?y", "https://idm.example.com:8443",
	    "/x?y");
	assert_taken("Https://IDM.Example.com/Path", "https://idm.example.com", "/Path");
	assert_taken("HTTP://LocalHost:8080", "http://localhost:8080", "");
	assert_taken("https://[2001:DB8::1]", "https://[2001:db8::1]", "");
	assert_taken("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", "");
	assert_taken("https://10.0.0.1", "https://10.0.0.1", "");
}

static void
test_plain_http_is_for_this_host_only(void **state)
{
	(void)state;
	assert_taken("http://127.0.0.1:8080", "http://127.0.0.1:8080", "");
	assert_taken("http://127.9.9.9", "http://127.9.9.9", "");
	assert_taken("http://[::1]", "http://[::1]", "");
	assert_taken("http://localhost/", "http://localhost", "/");
	assert_refused("http://idm.example.com", "passwords in clear");
	assert_refused("http://128.0.0.1", "passwords in clear");
	assert_refused("http://127.0.0.1.example.com", "passwords in clear");
	assert_refused("http://localhost.example.com", "passwords in clear");
	assert_refused("http://[::2]", "passwords in clear");
	assert_refused("http://127.0.0.1@evil.example.com", "user name");
	assert_taken("http://127.0.0.1\\@evil.example.com", "http://127.0.0.1",
	    "\\@evil.example.com");
}

static void
test_what_is_no_address_says_why(void **state)
{
	(void)state;
	assert_refused("idm.example.com", "https://");
	assert_refused("ldaps://idm.example.com", "https://");
	assert_refused("", "https://");
	assert_refused("https://", "host is missing");
	assert_refused("https:///path", "host is missing");
	assert_refused("https://:443", "host is missing");
	assert_refused("https://a:0", "port");
	assert_refused("https://a:65536", "port");
	assert_refused("https://a:", "port");
	assert_refused("https://a:+1", "port");
	assert_refused("https://a:99999999999999999999", "port");
	assert_refused("https://[::1", "not closed");
	assert_refused("https://[::g]", "IPv6");
	assert_refused("https://a b", "characters");
	assert_refused("https://a\r\nb", "characters");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scheme_host_and_port_are_kept_without_the_path),
		cmocka_unit_test(test_plain_http_is_for_this_host_only),
		cmocka_unit_test(test_what_is_no_address_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
