/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

#define TEXT "00112233-4455-6677-8899-aabbccddeeff"

static void
text_and_bytes_convert_both_ways(void **state)
{
	static const uint8_t bytes[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
		0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	char out[UUID_TEXT_LEN + 1];
	struct uuid u, v;

	(void)state;
	assert_int_equal(uuid_parse(TEXT, 36, &u), 0);
	assert_memory_equal(u.b, bytes, 16);
	uuid_format(&u, out);
	assert_string_equal(out, TEXT);
	assert_int_equal(uuid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", 36, &v), 0);
	assert_true(uuid_equal(&u, &v));
	v.b[15] ^= 1;
	assert_false(uuid_equal(&u, &v));
}

static void
other_spellings_are_refused(void **state)
{
	static const char *const bad[] = { "", TEXT "0",
		"00112233445566778899aabbccddeeff",
		"0011223-34455-6677-8899-aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddeefg",
		"{0112233-4455-6677-8899-aabbccddeef}",
		"00112233 4455 6677 8899 aabbccddeeff" };
	struct uuid u;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_not_equal(uuid_parse(bad[i], strlen(bad[i]), &u), 0);
	assert_int_not_equal(uuid_parse(TEXT, 35, &u), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_bytes_convert_both_ways),
		cmocka_unit_test(other_spellings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
