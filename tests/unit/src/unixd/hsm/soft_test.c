/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/unixd/hsm/hsm.h"

#define PIN "0123456789abcdef0123456789abcdef0123456789abcdef"

static char dir[64];
static struct pin pin;
static unsigned derived; /* how often a key was derived */
static bool no_scrypt;
static int maps_left = -1; /* mmap(2) fails after so many; -1: never */

int __real_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);

int
__wrap_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len)
{
	derived++;
	if (no_scrypt)
		return 0;
	return __real_EVP_PBE_scrypt(pass, pass_len, salt, salt_len, n, r, p, max, key,
	    key_len);
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

static void
write_pin(const void *data, size_t len)
{
	FILE *f = fopen(pin.path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/ku-soft-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(pin.path, sizeof(pin.path), "%s/hsm-pin", dir);
	write_pin(PIN, strlen(PIN));
	derived = 0;
	no_scrypt = false;
	maps_left = -1;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(pin.path);
	return rmdir(dir);
}

static struct secret *
some_key(void)
{
	struct secret *s = secret_new(HSM_KEY_LEN);

	assert_non_null(s);
	for (size_t i = 0; i < HSM_KEY_LEN; i++)
		s->data[i] = (uint8_t)i;
	s->len = HSM_KEY_LEN;
	return s;
}

static size_t
seal(uint8_t blob[HSM_MAX_SEALED])
{
	struct secret *key = some_key();
	size_t len;

	assert_int_equal(hsm_soft.seal(&pin, key, blob, &len), 0);
	secret_freep(&key);
	return len;
}

static int
unseal(const uint8_t *blob, size_t len)
{
	struct secret *want = some_key();
	struct secret *key = NULL;
	int r = hsm_soft.unseal(&pin, blob, len, &key);

	assert_true((r == 0) == (key != NULL));
	if (r == 0) {
		assert_int_equal(key->len, HSM_KEY_LEN);
		assert_memory_equal(key->data, want->data, HSM_KEY_LEN);
	}
	secret_freep(&key);
	secret_freep(&want);
	return r;
}

static void
what_was_sealed_opens_and_no_two_are_alike(void **state)
{
	uint8_t one[HSM_MAX_SEALED];
	uint8_t two[HSM_MAX_SEALED];
	size_t len = seal(one);

	(void)state;
	assert_string_equal(hsm_soft.name, "soft");
	assert_int_equal(len, 85);
	assert_int_equal(seal(two), len);
	assert_memory_not_equal(one + 9, two + 9, 16);
	assert_memory_not_equal(one + 37, two + 37, 32);
	assert_int_equal(unseal(one, len), 0);
	assert_int_equal(unseal(two, len), 0);
}

/* Made with another implementation of scrypt and AES-GCM. */
static void
a_key_sealed_elsewhere_opens(void **state)
{
	static const uint8_t blob[] = { 0x6b, 0x75, 0x4b, 0x53, 0x01, 0x01, 0x0e, 0x08,
		0x05, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a,
		0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a,
		0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x9b, 0x74, 0xfb, 0x73, 0x5c, 0x88, 0xb7,
		0x64, 0x98, 0x7d, 0xf0, 0x68, 0x5f, 0x36, 0xef, 0x73, 0x9e, 0xbd, 0x5e,
		0x15, 0x7b, 0xec, 0x91, 0x92, 0xec, 0xd7, 0x41, 0x58, 0xc2, 0x42, 0x5b,
		0xf1, 0x3f, 0x63, 0x36, 0x74, 0x07, 0x93, 0xb9, 0x83, 0x3f, 0x42, 0x9e,
		0x97, 0x1f, 0xb5, 0x24, 0xd6 };

	(void)state;
	assert_int_equal(unseal(blob, sizeof(blob)), 0);
}

static void
a_newline_at_the_end_of_the_pin_does_not_count(void **state)
{
	uint8_t blob[HSM_MAX_SEALED];
	size_t len = seal(blob);

	(void)state;
	write_pin(PIN "\n", strlen(PIN) + 1);
	assert_int_equal(unseal(blob, len), 0);
	write_pin(PIN "\n\n", strlen(PIN) + 2);
	assert_int_equal(unseal(blob, len), -EBADMSG);
	write_pin(PIN " ", strlen(PIN) + 1);
	assert_int_equal(unseal(blob, len), -EBADMSG);
	/* All of it counts, a NUL too. */
	write_pin("1234567890123456789012345\0one", 29);
	len = seal(blob);
	write_pin("1234567890123456789012345\0two", 29);
	assert_int_equal(unseal(blob, len), -EBADMSG);
}

static void
a_damaged_blob_does_not_open(void **state)
{
	static const size_t places[] = { 0, 3, 4, 5, 9, 25, 37, 68, 69, 84 };
	uint8_t blob[HSM_MAX_SEALED];
	size_t len = seal(blob);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		blob[places[i]] ^= 0x10;
		assert_int_equal(unseal(blob, len), -EBADMSG);
		blob[places[i]] ^= 0x10;
	}
	derived = 0;
	assert_int_equal(unseal(blob, len - 1), -EBADMSG);
	assert_int_equal(unseal(blob, len + 1), -EBADMSG);
	assert_int_equal(unseal(blob, 0), -EBADMSG);
	assert_int_equal(derived, 0);
	assert_int_equal(unseal(blob, len), 0);
}

static void
parameters_out_of_bounds_cost_nothing(void **state)
{
	static const uint8_t hostile[][3] = { { 9, 8, 5 }, { 21, 8, 1 }, { 63, 1, 1 },
		{ 255, 1, 1 }, { 14, 0, 5 }, { 14, 8, 0 }, { 14, 255, 255 },
		{ 14, 8, 21 }, { 17, 8, 1 }, { 20, 1, 1 } };
	uint8_t blob[HSM_MAX_SEALED];
	size_t len = seal(blob);

	(void)state;
	derived = 0;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		memcpy(blob + 6, hostile[i], 3);
		assert_int_equal(unseal(blob, len), -EBADMSG);
	}
	assert_int_equal(derived, 0);
	/* Within bounds, but not what was sealed. */
	memcpy(blob + 6, (const uint8_t[]){ 10, 1, 1 }, 3);
	assert_int_equal(unseal(blob, len), -EBADMSG);
	assert_int_equal(derived, 1);
}

static void
a_pin_that_cannot_be_had_is_told_from_a_wrong_one(void **state)
{
	uint8_t blob[HSM_MAX_SEALED];
	struct secret *key = some_key();
	size_t len = seal(blob);

	(void)state;
	assert_int_equal(truncate(pin.path, 5), 0);
	assert_int_equal(unseal(blob, len), -EBADMSG);
	assert_int_equal(unlink(pin.path), 0);
	assert_int_equal(unseal(blob, len), -ENOENT);
	assert_int_equal(hsm_soft.seal(&pin, key, blob, &len), -ENOENT);
	assert_int_equal(mkdir(pin.path, 0700), 0);
	assert_int_equal(unseal(blob, len), -EBADMSG);
	assert_int_equal(rmdir(pin.path), 0);
	key->len--;
	write_pin(PIN, strlen(PIN));
	assert_int_equal(hsm_soft.seal(&pin, key, blob, &len), -EINVAL);
	secret_freep(&key);
}

static void
lack_of_memory_is_no_wrong_pin(void **state)
{
	uint8_t blob[HSM_MAX_SEALED];
	struct secret *key = NULL;
	size_t len = seal(blob);

	(void)state;
	no_scrypt = true;
	assert_int_equal(unseal(blob, len), -ENOMEM);
	no_scrypt = false;
	for (int i = 0; i < 3; i++) {
		maps_left = i;
		assert_int_equal(hsm_soft.unseal(&pin, blob, len, &key), -ENOMEM);
		assert_null(key);
	}
	maps_left = -1;
	assert_int_equal(unseal(blob, len), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_sealed_opens_and_no_two_are_alike),
		TEST(a_key_sealed_elsewhere_opens),
		TEST(a_newline_at_the_end_of_the_pin_does_not_count),
		TEST(a_damaged_blob_does_not_open),
		TEST(parameters_out_of_bounds_cost_nothing),
		TEST(a_pin_that_cannot_be_had_is_told_from_a_wrong_one),
		TEST(lack_of_memory_is_no_wrong_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
