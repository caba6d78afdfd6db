/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/wire/codec.h"

static void
the_header_has_the_published_layout(void **state)
{
	static const uint8_t golden[16] = { 0x75, 0x4b, 1, 0, 0x02, 0x01, 7, 0, 0xef,
		0xbe, 0xad, 0xde, 0x10, 0x20, 0x30, 0 };
	const struct frame_header in = { .version = 1,
		.op = KU_OP_PASSWD_BY_UID,
		.status = KU_ST_LOCAL,
		.serial = 0xdeadbeef,
		.length = 0x302010 };
	struct frame_header out;
	uint8_t buf[16];

	(void)state;
	frame_put(buf, &in);
	assert_memory_equal(buf, golden, sizeof(golden));
	assert_int_equal(frame_get(buf, &out), 0);
	assert_int_equal(out.version, in.version);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(out.op, in.op);
	assert_int_equal(out.status, in.status);
	assert_int_equal(out.serial, in.serial);
	assert_int_equal(out.length, in.length);
}

static void
a_wrong_magic_is_refused_and_a_wrong_version_is_not_judged(void **state)
{
	struct frame_header h;
	uint8_t buf[16];

	(void)state;
	frame_put(buf, &(struct frame_header){ .version = 200 });
	assert_int_equal(frame_get(buf, &h), 0);
	assert_int_equal(h.version, 200);
	buf[1] ^= 1;
	assert_true(frame_get(buf, &h) < 0);
	buf[1] ^= 1;
	buf[0] ^= 0x80;
	assert_true(frame_get(buf, &h) < 0);
}

static void
every_operation_has_its_own_code_and_name(void **state)
{
	static const struct {
		uint16_t code;
		const char *name;
	} ops[] = {
#define ROW(name, code, who, max_req) { code, #name },
		KU_OPS(ROW)
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		assert_string_equal(op_name(ops[i].code), ops[i].name);
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(ops[i].code, ops[k].code);
	}
	assert_string_equal(op_name(0), "?");
	assert_string_equal(op_name(0xffff), "?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_has_the_published_layout),
		cmocka_unit_test(
		    a_wrong_magic_is_refused_and_a_wrong_version_is_not_judged),
		cmocka_unit_test(every_operation_has_its_own_code_and_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
