/* SPDX-License-Identifier: MPL-2.0 */
#include "src/wire/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t
encode_one_of_each(void *buf, size_t cap, bool *ret_failed)
{
	struct enc e;

	enc_init(&e, buf, cap);
	enc_u8(&e, 0x12);
	enc_u16(&e, 0x3456);
	enc_u32(&e, 0x789abcde);
	enc_u64(&e, 0x0123456789abcdef);
	enc_str(&e, "alice");
	enc_str(&e, "");
	enc_strz(&e, "sh");
	enc_strz(&e, "");
	enc_bytes(&e, "\xff\0", 2);
	*ret_failed = e.failed;
	return e.len;
}

/* True when every value came back as encode_one_of_each wrote it and nothing is left. */
static bool
decode_one_of_each(const void *buf, size_t len)
{
	struct dec d;
	size_t n1, n2;
	const char *s1, *s2, *z1, *z2;
	const void *raw;
	bool ok;

	dec_init(&d, buf, len);
	ok = dec_u8(&d) == 0x12;
	ok = (dec_u16(&d) == 0x3456) && ok;
	ok = (dec_u32(&d) == 0x789abcde) && ok;
	ok = (dec_u64(&d) == 0x0123456789abcdef) && ok;
	s1 = dec_str(&d, 5, &n1);
	s2 = dec_str(&d, 5, &n2);
	z1 = dec_strz(&d);
	z2 = dec_strz(&d);
	raw = dec_bytes(&d, 2);
	if (!dec_done(&d))
		return false;
	return ok && n1 == 5 && memcmp(s1, "alice", 5) == 0 && n2 == 0 && s2 != NULL &&
	    strcmp(z1, "sh") == 0 && strcmp(z2, "") == 0 && memcmp(raw, "\xff", 2) == 0;
}

static void
what_is_encoded_is_decoded(void **state)
{
	uint8_t buf[64];
	bool failed;
	size_t len = encode_one_of_each(buf, sizeof(buf), &failed);

	(void)state;
	assert_false(failed);
	assert_int_equal(len, 1 + 2 + 4 + 8 + 9 + 4 + 3 + 1 + 2);
	assert_memory_equal(buf, "\x12\x56\x34\xde\xbc\x9a\x78\xef\xcd\xab", 10);
	assert_true(decode_one_of_each(buf, len));
}

static void
no_byte_is_written_past_the_room_given(void **state)
{
	uint8_t buf[65];
	bool failed;
	size_t full = encode_one_of_each(buf, sizeof(buf), &failed);

	(void)state;
	for (size_t cap = 0; cap < full; cap++) {
		memset(buf, 0xa5, sizeof(buf));
		assert_true(encode_one_of_each(buf, cap, &failed) <= cap);
		assert_true(failed);
		for (size_t i = cap; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0xa5);
	}
}

static void
every_truncation_and_every_extra_byte_is_seen(void **state)
{
	uint8_t buf[64];
	bool failed;
	size_t full = encode_one_of_each(buf, sizeof(buf), &failed);

	(void)state;
	for (size_t len = 0; len < full; len++) {
		/* exactly as long as the input: a sanitizer sees a read past its end */
		uint8_t *copy = malloc(len + (len == 0));

		memcpy(copy, buf, len);
		assert_false(decode_one_of_each(copy, len));
		free(copy);
	}
	buf[full] = 0;
	assert_false(decode_one_of_each(buf, full + 1));
}

static void
a_failure_sticks(void **state)
{
	uint8_t buf[8] = { 1, 2, 3, 4 };
	struct dec d;
	struct enc e;

	(void)state;
	dec_init(&d, buf, 4);
	assert_int_equal(dec_u64(&d), 0);
	assert_true(d.failed);
	assert_int_equal(dec_u8(&d), 0);
	assert_null(dec_bytes(&d, 0));
	assert_false(dec_done(&d));
	enc_init(&e, buf, 3);
	enc_u32(&e, 1);
	enc_u8(&e, 1);
	assert_true(e.failed);
	assert_int_equal(e.len, 0);
}

static void
strings_with_odd_lengths_are_refused(void **state)
{
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 'a' };
	static const uint8_t nul[] = { 3, 0, 0, 0, 'a', 0, 'b' };
	static const uint8_t longer[] = { 4, 0, 0, 0, 'a', 'b', 'c', 'd' };
	static const uint8_t unterminated[] = { 'a', 'b' };
	struct dec d;
	size_t n;

	(void)state;
	dec_init(&d, huge, sizeof(huge));
	assert_null(dec_str(&d, SIZE_MAX, &n));
	assert_true(d.failed);
	dec_init(&d, nul, sizeof(nul));
	assert_null(dec_str(&d, 16, &n));
	assert_int_equal(n, 0);
	assert_true(d.failed);
	dec_init(&d, longer, sizeof(longer));
	assert_null(dec_str(&d, 3, &n));
	assert_true(d.failed);
	dec_init(&d, unterminated, sizeof(unterminated));
	assert_null(dec_strz(&d));
	assert_true(d.failed);
	dec_init(&d, unterminated, 0);
	assert_null(dec_strz(&d));
	assert_true(d.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(no_byte_is_written_past_the_room_given),
		cmocka_unit_test(every_truncation_and_every_extra_byte_is_seen),
		cmocka_unit_test(a_failure_sticks),
		cmocka_unit_test(strings_with_odd_lengths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
