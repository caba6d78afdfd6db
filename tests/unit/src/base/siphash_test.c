/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Key 00 01 .. 0f, message of n bytes 00 01 .. n-1: the published way to test SipHash; the
 * values are the ones that other implementations of SipHash-1-3 test against.
 */
#include "src/base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

static const struct {
	size_t len;
	uint64_t hash;
} vectors[] = {
	{ 0, 0xabac0158050fc4dc },
	{ 1, 0xc9f49bf37d57ca93 },
	{ 2, 0x82cb9b024dc7d44d },
	{ 3, 0x8bf80ab8e7ddf7fb },
	{ 4, 0xcf75576088d38328 },
	{ 5, 0xdef9d52f49533b67 },
	{ 6, 0xc50d2b50c59f22a7 },
	{ 7, 0xd3927d989bb11140 },
	{ 8, 0x369095118d299a8e },
	{ 9, 0x25a48eb36c063de4 },
	{ 15, 0xd320d86d2a519956 },
	{ 16, 0xcc4fdd1a7d908b66 },
	{ 63, 0x9d199062b7bbb3a8 },
};

static void
published_vectors_hold(void **state)
{
	const struct siphash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char msg[64];

	(void)state;
	for (size_t i = 0; i < sizeof(msg); i++)
		msg[i] = (unsigned char)i;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		assert_int_equal(siphash13(&key, msg, vectors[i].len), vectors[i].hash);
}

static void
alignment_of_the_data_does_not_matter(void **state)
{
	const struct siphash_key key = { 1, 2 };
	char buf[40];
	uint64_t first = siphash13(&key, "alice@example.com", 17);

	(void)state;
	for (size_t at = 0; at < 16; at++) {
		memcpy(buf + at, "alice@example.com", 17);
		assert_int_equal(siphash13(&key, buf + at, 17), first);
	}
}

static void
each_half_of_the_key_matters(void **state)
{
	const struct siphash_key a = { 1, 2 }, b = { 1, 3 }, c = { 0, 2 };

	(void)state;
	assert_int_not_equal(siphash13(&a, "x", 1), siphash13(&b, "x", 1));
	assert_int_not_equal(siphash13(&a, "x", 1), siphash13(&c, "x", 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors_hold),
		cmocka_unit_test(alignment_of_the_data_does_not_matter),
		cmocka_unit_test(each_half_of_the_key_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
