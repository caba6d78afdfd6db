/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Trust itself is tested against a real server: tests/integration/idp_tls_test.c. */

static void
test_without_ca_path_the_system_store_is_enough(void **state)
{
	struct x509_store_st *store = NULL;
	char why[128] = "";

	(void)state;
	worker_role_assume();
	assert_int_equal(tls_store_new(NULL, &store, why, sizeof(why)), 0);
	assert_non_null(store);
	assert_string_equal(why, "");
	assert_null(tls_store_free(store));
}

static void
test_a_missing_ca_path_is_named_with_its_error(void **state)
{
	struct x509_store_st *store = NULL;
	char why[128] = "";

	(void)state;
	worker_role_assume();
	assert_int_equal(tls_store_new("/nonexistent/ca.pem", &store, why, sizeof(why)),
	    -ENOENT);
	assert_string_equal(why, "/nonexistent/ca.pem: No such file or directory");
	assert_null(store);
}

static void
test_a_file_without_a_certificate_is_no_trust(void **state)
{
	struct x509_store_st *store = NULL;
	char why[128] = "";

	(void)state;
	worker_role_assume();
	assert_int_equal(tls_store_new("/proc/self/status", &store, why, sizeof(why)),
	    -EBADMSG);
	assert_string_equal(why, "/proc/self/status: no certificate in it");
}

static void
test_a_directory_is_taken_as_one_of_certificates(void **state)
{
	struct x509_store_st *store = NULL;
	char why[128] = "";

	(void)state;
	worker_role_assume();
	assert_int_equal(tls_store_new("/proc/self", &store, why, sizeof(why)), 0);
	assert_null(tls_store_free(store));
}

static void
test_no_connection_no_certificate(void **state)
{
	struct tls_cert cert = { .not_after = 7 };

	(void)state;
	tls_cert_read(NULL, &cert);
	assert_int_equal(cert.not_after, 0);
	assert_string_equal(cert.issuer, "");
	assert_int_equal(tls_store_use(NULL, NULL), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_ca_path_the_system_store_is_enough),
		cmocka_unit_test(test_a_missing_ca_path_is_named_with_its_error),
		cmocka_unit_test(test_a_file_without_a_certificate_is_no_trust),
		cmocka_unit_test(test_a_directory_is_taken_as_one_of_certificates),
		cmocka_unit_test(test_no_connection_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
