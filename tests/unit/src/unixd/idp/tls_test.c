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
#include <sys/stat.h>
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

static unsigned trims;

int __real_malloc_trim(size_t pad);
int __wrap_malloc_trim(size_t pad);

int
__wrap_malloc_trim(size_t pad)
{
	trims++;
	return __real_malloc_trim(pad);
}

/* Small pieces in the middle of a heap: the allocator does not give them back by itself. */
static void
test_the_memory_of_a_store_goes_back_to_the_system(void **state)
{
	struct x509_store_st *store = NULL;
	char why[200] = "";

	(void)state;
	worker_role_assume();
	assert_int_equal(tls_store_new(NULL, &store, why, sizeof(why)), 0);
	trims = 0;
	assert_null(tls_store_free(store));
	assert_int_equal(trims, 1);
	assert_null(tls_store_free(NULL));
	assert_int_equal(trims, 1);
}

/* Nobody writes into it: who opened it to read would wait for ever. */
static void
test_a_pipe_is_no_trust_and_nobody_waits_for_it(void **state)
{
	struct x509_store_st *store = NULL;
	char dir[] = "/tmp/tls_test.XXXXXX", path[64], why[200] = "";

	(void)state;
	worker_role_assume();
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/ca", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(60);
	assert_int_equal(tls_store_new(path, &store, why, sizeof(why)), -EBADMSG);
	(void)alarm(0);
	assert_non_null(strstr(why, "no certificate in it"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
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
		cmocka_unit_test(test_the_memory_of_a_store_goes_back_to_the_system),
		cmocka_unit_test(test_a_pipe_is_no_trust_and_nobody_waits_for_it),
		cmocka_unit_test(test_a_directory_is_taken_as_one_of_certificates),
		cmocka_unit_test(test_no_connection_no_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
