/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How long a comparison takes must not say how much of a guess was right. Under valgrind's
 * memcheck: what the password was made into is marked as undefined, and memcheck reports
 * each jump and each address that depends on such bytes. What is asked is the real
 * verifier_check(); only the slow function is another one, whose result is marked. That
 * memcheck sees what it is to see is shown first, by a comparison that ends early.
 *
 * The program runs itself under valgrind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/crypt/verifier.h"

#define SKIPPED 77

int __wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key);

static bool marked;

/* The password and zeroes. */
int
__wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key)
{
	(void)k;
	(void)salt;
	memset(ret_key->data, 0, KDF_OUT_LEN);
	memcpy(ret_key->data, password->data, password->len);
	ret_key->len = KDF_OUT_LEN;
	if (marked)
		(void)VALGRIND_MAKE_MEM_UNDEFINED(ret_key->data, KDF_OUT_LEN);
	return 0;
}

static struct secret *
key(void)
{
	struct secret *s = secret_new(32);

	assert_non_null(s);
	for (size_t i = 0; i < 32; i++)
		s->data[i] = (uint8_t)i;
	s->len = 32;
	return s;
}

static void
make(uint8_t v[VERIFIER_LEN])
{
	static const struct kdf quick = { KDF_SCRYPT, 10, 1, 1 };
	struct secret *k cleanup_(secret_freep) = key();
	struct secret *s cleanup_(secret_freep) = secret_copy("secret", 6);

	worker_role_assume();
	assert_int_equal(verifier_make(k, &quick, s, v), 0);
}

static int
check(const char *password, const uint8_t v[VERIFIER_LEN])
{
	struct secret *k cleanup_(secret_freep) = key();
	struct secret *s cleanup_(secret_freep) = secret_copy(password, strlen(password));
	int r;

	worker_role_assume();
	marked = true;
	r = verifier_check(k, s, v, VERIFIER_LEN);
	marked = false;
	/* The verdict is no secret. */
	(void)VALGRIND_MAKE_MEM_DEFINED(&r, sizeof(r));
	return r;
}

/* As nobody should compare: ends at the first byte that differs. */
static __attribute__((noinline)) bool
differ(const volatile uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return true;
	}
	return false;
}

static void
a_comparison_that_ends_early_is_seen(void **state)
{
	uint8_t a[16] = { 1, 2, 3 };
	uint8_t b[16] = { 1, 2, 4 };
	unsigned before = VALGRIND_COUNT_ERRORS;

	(void)state;
	(void)VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof(a));
	assert_true(differ(a, b, sizeof(a)));
	assert_true(VALGRIND_COUNT_ERRORS > before);
}

static void
no_jump_and_no_address_depends_on_what_a_password_was_made_into(void **state)
{
	uint8_t v[VERIFIER_LEN];
	unsigned before = VALGRIND_COUNT_ERRORS;

	(void)state;
	make(v);
	assert_int_equal(check("secret", v), 1);
	assert_int_equal(check("secreT", v), 0);
	assert_int_equal(check("another", v), 0);
	assert_int_equal(check("", v), 0);
	assert_int_equal(VALGRIND_COUNT_ERRORS, before);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_comparison_that_ends_early_is_seen),
		cmocka_unit_test(
		    no_jump_and_no_address_depends_on_what_a_password_was_made_into),
	};

	(void)argc;
	if (RUNNING_ON_VALGRIND == 0) {
		(void)execlp("valgrind", "valgrind", "--quiet", argv[0], (char *)NULL);
		(void)printf("skipped: no valgrind here\n");
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
