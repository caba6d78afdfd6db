/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/crypt/verifier.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "src/base/util.h"

/* Quick, for all that is not about the function itself. */
static const struct kdf quick = { KDF_SCRYPT, 10, 1, 1 };

static unsigned runs;
static int maps_left = -1; /* mmap(2) fails after so many; -1: never */

int __real_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key);
int __wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);

int
__wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key)
{
	worker_role_assume();
	runs++;
	return __real_kdf_run(k, password, salt, ret_key);
}

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (maps_left == 0) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (maps_left > 0)
		maps_left--;
	return __real_mmap64(at, len, prot, flags, fd, off);
}

static struct secret *
key_from(uint8_t first)
{
	struct secret *s = secret_new(32);

	assert_non_null(s);
	for (size_t i = 0; i < 32; i++)
		s->data[i] = (uint8_t)(first + i);
	s->len = 32;
	return s;
}

static int
make(uint8_t first, const char *password, uint8_t v[VERIFIER_LEN])
{
	struct secret *key cleanup_(secret_freep) = key_from(first);
	struct secret *s cleanup_(secret_freep) = secret_copy(password, strlen(password));

	worker_role_assume();
	return verifier_make(key, &quick, s, v);
}

static int
check_n(uint8_t first, const char *password, size_t n, const uint8_t *v, size_t len)
{
	struct secret *key cleanup_(secret_freep) = key_from(first);
	struct secret *s cleanup_(secret_freep) = secret_copy(password, n);

	worker_role_assume();
	return verifier_check(key, s, v, len);
}

static int
check(uint8_t first, const char *password, const uint8_t *v)
{
	return check_n(first, password, strlen(password), v, VERIFIER_LEN);
}

static void
it_accepts_the_password_and_no_other(void **state)
{
	uint8_t one[VERIFIER_LEN];
	uint8_t two[VERIFIER_LEN];

	(void)state;
	assert_int_equal(make(0, "secret", one), 0);
	assert_int_equal(make(0, "secret", two), 0);
	assert_memory_not_equal(one + 16, two + 16, 16);
	assert_memory_not_equal(one + 32, two + 32, 32);
	assert_int_equal(check(0, "secret", one), 1);
	assert_int_equal(check(0, "secret", two), 1);
	assert_int_equal(check(0, "secreT", one), 0);
	assert_int_equal(check(0, "secret ", one), 0);
	assert_int_equal(check(0, "", one), 0);
	/* All bytes count, also those behind a NUL. */
	assert_int_equal(check_n(0, "secret\0x", 8, one, VERIFIER_LEN), 0);
}

/* Made by other implementations of everything. */
static void
verifiers_made_elsewhere_work(void **state)
{
	static const uint8_t scrypt[] = { 0x6b, 0x56, 0x01, 0x01, 0x0e, 0x00, 0x00, 0x00,
		0x08, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x40, 0x41, 0x42, 0x43,
		0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f,
		0x5c, 0x74, 0x34, 0x7a, 0x02, 0x45, 0x94, 0xaa, 0x50, 0x76, 0x54, 0x37,
		0xe2, 0xcb, 0x72, 0x4d, 0x27, 0x5d, 0x09, 0xaa, 0x02, 0x19, 0xd8, 0x7f,
		0xd2, 0x63, 0x0c, 0x39, 0xa3, 0xd0, 0x87, 0xe1, 0x5d, 0x32, 0x30, 0xb1,
		0x7d, 0xc1, 0x48, 0x7b, 0x40, 0xc6, 0xce, 0xc2, 0x9b, 0x26, 0x11, 0x87 };
	static const uint8_t argon2id[] = { 0x6b, 0x56, 0x01, 0x02, 0x00, 0x30, 0x00,
		0x00, 0x03, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x40, 0x41, 0x42,
		0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
		0x4f, 0xab, 0x5f, 0x65, 0x3d, 0x84, 0xab, 0x9c, 0x6d, 0xf7, 0x9d, 0x39,
		0xb6, 0x6a, 0x89, 0x7c, 0xdc, 0xc8, 0x32, 0xfe, 0x80, 0xd2, 0x0c, 0xd9,
		0xb5, 0xdb, 0x95, 0x3d, 0x45, 0x67, 0xd8, 0x29, 0xcb, 0xd2, 0xa2, 0x63,
		0x36, 0xeb, 0xe9, 0x57, 0x3f, 0x6f, 0x31, 0xf7, 0xa1, 0x2c, 0x6c, 0x47,
		0x98 };
	static const char password[] = "correct horse battery staple";

	(void)state;
	assert_int_equal(check(0, password, scrypt), 1);
	assert_int_equal(check(0, password, argon2id),
	    kdf_have_argon2id() ? 1 : -EOPNOTSUPP);
	if (kdf_have_argon2id())
		assert_int_equal(check(0, "another", argon2id), 0);
}

static void
damage_is_told_from_a_wrong_password_and_costs_nothing(void **state)
{
	uint8_t v[VERIFIER_LEN + 1];

	(void)state;
	assert_int_equal(make(0, "secret", v), 0);
	runs = 0;
	for (size_t i = 0; i < VERIFIER_LEN; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			v[i] ^= (uint8_t)(1u << bit);
			assert_int_equal(check(0, "secret", v), -EBADMSG);
			v[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_int_equal(check_n(0, "secret", 6, v, VERIFIER_LEN - 1), -EBADMSG);
	assert_int_equal(check_n(0, "secret", 6, v, VERIFIER_LEN + 1), -EBADMSG);
	assert_int_equal(check_n(0, "secret", 6, v, 0), -EBADMSG);
	/* Another key. */
	assert_int_equal(check(1, "secret", v), -EBADMSG);
	assert_int_equal(runs, 0);
	assert_int_equal(check(0, "secret", v), 1);
	assert_int_equal(runs, 1);
}

/* Seals as somebody who has the key would. */
static void
seal_again(uint8_t first, uint8_t v[VERIFIER_LEN])
{
	struct secret *key cleanup_(secret_freep) = key_from(first);
	uint8_t text[65] = { 'V' };
	uint8_t sum[32];
	unsigned n = sizeof(sum);

	memcpy(text + 1, v, 64);
	assert_non_null(HMAC(EVP_sha256(), key->data, 32, text, sizeof(text), sum, &n));
	memcpy(v + 64, sum, 16);
}

static void
what_no_version_of_ours_makes_is_refused_even_when_sealed(void **state)
{
	uint8_t good[VERIFIER_LEN];
	uint8_t v[VERIFIER_LEN];

	(void)state;
	assert_int_equal(make(0, "secret", good), 0);
	memcpy(v, good, sizeof(v));
	seal_again(0, v);
	assert_memory_equal(v, good, sizeof(v));
	v[2] = 2; /* version */
	seal_again(0, v);
	assert_int_equal(check(0, "secret", v), -EBADMSG);
	memcpy(v, good, sizeof(v));
	v[0] = 'K';
	seal_again(0, v);
	assert_int_equal(check(0, "secret", v), -EBADMSG);
	memcpy(v, good, sizeof(v));
	v[3] = 7; /* function */
	seal_again(0, v);
	assert_int_equal(check(0, "secret", v), -EBADMSG);
	memcpy(v, good, sizeof(v));
	v[4] = 40; /* log2 of N */
	seal_again(0, v);
	assert_int_equal(check(0, "secret", v), -EBADMSG);
	/* Other parameters than it was made with: another password. */
	memcpy(v, good, sizeof(v));
	v[4] = 11;
	seal_again(0, v);
	assert_int_equal(check(0, "secret", v), 0);
}

static void
lack_of_memory_is_not_a_wrong_password(void **state)
{
	struct secret *key cleanup_(secret_freep) = key_from(0);
	struct secret *s cleanup_(secret_freep) = secret_copy("secret", 6);
	uint8_t v[VERIFIER_LEN];
	int r;

	(void)state;
	worker_role_assume();
	maps_left = 0;
	r = verifier_make(key, &quick, s, v);
	maps_left = -1;
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(verifier_make(key, &quick, s, v), 0);
	maps_left = 0;
	r = verifier_check(key, s, v, sizeof(v));
	maps_left = -1;
	assert_int_equal(r, -ENOMEM);
	assert_int_equal(verifier_check(key, s, v, sizeof(v)), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_accepts_the_password_and_no_other),
		cmocka_unit_test(verifiers_made_elsewhere_work),
		cmocka_unit_test(damage_is_told_from_a_wrong_password_and_costs_nothing),
		cmocka_unit_test(
		    what_no_version_of_ours_makes_is_refused_even_when_sealed),
		cmocka_unit_test(lack_of_memory_is_not_a_wrong_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
