/* SPDX-License-Identifier: MPL-2.0 */
/* The expected keys were made by other implementations of the two functions. */
#include "src/unixd/crypt/kdf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/crypt/crypt.h"

static const uint8_t salt[KDF_SALT_LEN] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46,
	0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f };

static int
run(const struct kdf *k, uint8_t out[KDF_OUT_LEN])
{
	static const char password[] = "correct horse battery staple";
	struct secret *s cleanup_(secret_freep) = secret_copy(password, strlen(password));
	struct secret *key cleanup_(secret_freep) = secret_new(KDF_OUT_LEN);
	int r;

	worker_role_assume();
	r = kdf_run(k, s, salt, key);
	assert_int_equal(key->len, r == 0 ? KDF_OUT_LEN : 0);
	memcpy(out, key->data, KDF_OUT_LEN);
	return r;
}

static void
scrypt_gives_what_it_gives_elsewhere(void **state)
{
	static const struct kdf usual = { KDF_SCRYPT, 14, 8, 5 };
	static const struct kdf small = { KDF_SCRYPT, 10, 1, 1 };
	static const uint8_t usual_key[] = { 0x3d, 0xf5, 0xb0, 0xd5, 0x5f, 0x0b, 0x78,
		0x3c, 0x17, 0x01, 0xb4, 0x0b, 0xf4, 0xe6, 0x80, 0xb7, 0x11, 0x7c, 0xff,
		0xd7, 0xa1, 0x01, 0x13, 0x08, 0xe8, 0xd2, 0xd0, 0x31, 0x30, 0x7a, 0x42,
		0xad };
	static const uint8_t small_key[] = { 0x6d, 0xc3, 0x42, 0x0e, 0xf2, 0xad, 0x06,
		0x62, 0x81, 0xc0, 0x5c, 0xe9, 0x80, 0x22, 0x0d, 0xf1, 0x87, 0xbe, 0x16,
		0x04, 0xe6, 0x37, 0xd4, 0x4b, 0x8b, 0xae, 0xf0, 0x83, 0xd2, 0x6a, 0xf5,
		0xc1 };
	uint8_t out[KDF_OUT_LEN];

	(void)state;
	assert_int_equal(run(&usual, out), 0);
	assert_memory_equal(out, usual_key, sizeof(out));
	assert_int_equal(run(&small, out), 0);
	assert_memory_equal(out, small_key, sizeof(out));
}

static void
argon2id_gives_what_it_gives_elsewhere_or_says_that_it_is_missing(void **state)
{
	static const struct kdf usual = { KDF_ARGON2ID, 12288, 3, 1 };
	static const uint8_t key[] = { 0x67, 0xc5, 0xe2, 0xb0, 0x79, 0x8a, 0xc3, 0x53,
		0x51, 0x48, 0xd2, 0x0c, 0x3f, 0x55, 0x7e, 0x9a, 0x81, 0x12, 0xc2, 0x09,
		0x72, 0x04, 0xe5, 0x22, 0x6b, 0x52, 0x0c, 0xee, 0x3c, 0x61, 0xd6, 0xd4 };
	uint8_t out[KDF_OUT_LEN];
	struct kdf best = kdf_best();

	(void)state;
	if (kdf_have_argon2id()) {
		assert_string_equal(crypt_kdf_name(), "argon2id");
		assert_int_equal(best.kind, KDF_ARGON2ID);
		assert_int_equal(run(&usual, out), 0);
		assert_memory_equal(out, key, sizeof(out));
	} else {
		assert_string_equal(crypt_kdf_name(), "scrypt");
		assert_int_equal(best.kind, KDF_SCRYPT);
		assert_int_equal(run(&usual, out), -EOPNOTSUPP);
	}
	assert_true(kdf_is_bounded(&best));
}

static void
parameters_have_bounds(void **state)
{
	static const struct kdf good[] = { { KDF_SCRYPT, 14, 8, 5 },
		{ KDF_SCRYPT, 16, 8, 1 }, { KDF_SCRYPT, 14, 8, 20 },
		{ KDF_SCRYPT, 10, 1, 1 }, { KDF_ARGON2ID, 19456, 2, 1 },
		{ KDF_ARGON2ID, 65536, 2, 4 }, { KDF_ARGON2ID, 8, 1, 1 } };
	static const struct kdf bad[] = { { KDF_SCRYPT, 14, 8, 21 },
		{ KDF_SCRYPT, 17, 8, 1 }, { KDF_SCRYPT, 20, 1, 1 },
		{ KDF_SCRYPT, 9, 8, 1 }, { KDF_SCRYPT, 32, 8, 1 },
		{ KDF_SCRYPT, 64, 8, 1 }, { KDF_SCRYPT, UINT32_MAX, 8, 1 },
		{ KDF_SCRYPT, 14, 0, 5 }, { KDF_SCRYPT, 14, 8, 0 },
		{ KDF_SCRYPT, 10, UINT32_MAX, UINT32_MAX },
		{ KDF_SCRYPT, 10, 1, UINT32_MAX }, { KDF_ARGON2ID, 65537, 1, 1 },
		{ KDF_ARGON2ID, UINT32_MAX, 1, 1 }, { KDF_ARGON2ID, 65536, 3, 1 },
		{ KDF_ARGON2ID, 8, 65, 1 }, { KDF_ARGON2ID, 8, UINT32_MAX, 1 },
		{ KDF_ARGON2ID, 65536, 1, 5 }, { KDF_ARGON2ID, 7, 1, 1 },
		{ KDF_ARGON2ID, 15, 1, 2 }, { KDF_ARGON2ID, 8, 0, 1 },
		{ KDF_ARGON2ID, 8, 1, 0 }, { 0, 14, 8, 5 }, { 3, 14, 8, 5 } };
	uint8_t out[KDF_OUT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(kdf_is_bounded(&good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(kdf_is_bounded(&bad[i]));
		assert_int_equal(run(&bad[i], out), -EBADMSG);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scrypt_gives_what_it_gives_elsewhere),
		cmocka_unit_test(
		    argon2id_gives_what_it_gives_elsewhere_or_says_that_it_is_missing),
		cmocka_unit_test(parameters_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
