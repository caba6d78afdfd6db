/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/server/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
put(struct reader *r, const void *bytes, size_t n)
{
	size_t room;
	uint8_t *at = reader_room(r, &room);

	assert_true(n <= room);
	memcpy(at, bytes, n);
	reader_filled(r, n);
}

static void
put_header(struct reader *r, uint16_t op, uint32_t length)
{
	uint8_t header[KU_WIRE_HEADER_LEN];

	frame_put(header,
	    &(struct frame_header){ .version = KU_WIRE_VERSION,
		.op = op,
		.serial = 3,
		.length = length });
	put(r, header, sizeof(header));
}

static enum reader_result
look(const struct reader *r, const uint8_t **ret_body)
{
	struct frame_header h;

	return reader_next(r, &h, ret_body);
}

static void
no_byte_behind_the_request_in_hand_is_asked_for(void **state)
{
	struct reader r = { 0 };
	const uint8_t *body = NULL;
	size_t room;

	(void)state;
	(void)reader_room(&r, &room);
	assert_int_equal(room, KU_WIRE_HEADER_LEN);
	put_header(&r, KU_OP_PASSWD_BY_NAME, 9);
	(void)reader_room(&r, &room);
	assert_int_equal(room, 9);
	assert_int_equal(look(&r, &body), READER_MORE);
	put(&r, "\5\0\0\0al", 6);
	(void)reader_room(&r, &room);
	assert_int_equal(room, 3);
	put(&r, "ice", 3);
	(void)reader_room(&r, &room);
	assert_int_equal(room, 0);
	assert_int_equal(look(&r, &body), READER_REQUEST);
	assert_memory_equal(body, "\5\0\0\0alice", 9);
	reader_consume(&r);
	assert_false(reader_has_bytes(&r));
	(void)reader_room(&r, &room);
	assert_int_equal(room, KU_WIRE_HEADER_LEN);
}

static void
a_password_is_never_in_the_readers_own_buffer(void **state)
{
	static const char secret[] = "correct horse";
	struct reader r = { 0 };
	const uint8_t *body = NULL;

	(void)state;
	put_header(&r, KU_OP_PAM_AUTH, sizeof(secret));
	assert_non_null(r.secret);
	put(&r, secret, sizeof(secret));
	assert_int_equal(look(&r, &body), READER_REQUEST);
	assert_ptr_equal(body, r.secret->data);
	assert_memory_equal(body, secret, sizeof(secret));
	assert_null(memmem(r.body, sizeof(r.body), "horse", 5));
	reader_consume(&r);
	assert_null(r.secret);
	/* half of one, when the peer goes */
	put_header(&r, KU_OP_PAM_AUTH, sizeof(secret));
	put(&r, secret, 5);
	reader_clear(&r);
	assert_null(r.secret);
	assert_false(reader_has_bytes(&r));
}

static void
an_operation_we_do_not_know_may_hold_a_password_too(void **state)
{
	struct reader r = { 0 };
	const uint8_t *body = NULL;

	(void)state;
	put_header(&r, 0x04ff, 5);
	put(&r, "horse", 5);
	assert_int_equal(look(&r, &body), READER_UNKNOWN);
	assert_non_null(r.secret);
	assert_null(memmem(r.body, sizeof(r.body), "horse", 5));
	reader_clear(&r);
}

static void
what_is_too_long_gets_no_room(void **state)
{
	struct reader r = { 0 };
	const uint8_t *body = NULL;
	size_t room;

	(void)state;
	put_header(&r, KU_OP_PAM_AUTH, KU_MAX_PAM_REQ + 1);
	(void)reader_room(&r, &room);
	assert_int_equal(room, 0);
	assert_null(r.secret);
	assert_int_equal(look(&r, &body), READER_TOO_LONG);
	reader_clear(&r);
	put_header(&r, 0x04ff, UINT32_MAX);
	(void)reader_room(&r, &room);
	assert_int_equal(room, 0);
	assert_int_equal(look(&r, &body), READER_VERSION);
	reader_clear(&r);
}

static void
without_memory_for_a_secret_nothing_is_read(void **state)
{
	struct reader r = { 0 };
	const uint8_t *body = NULL;
	size_t room;

	(void)state;
	put_header(&r, KU_OP_PAM_AUTH, 20);
	r.secret = secret_free(r.secret);
	r.no_memory = true;
	(void)reader_room(&r, &room);
	assert_int_equal(room, 0);
	assert_int_equal(look(&r, &body), READER_NO_MEMORY);
	reader_clear(&r);
	(void)reader_room(&r, &room);
	assert_int_equal(room, KU_WIRE_HEADER_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_behind_the_request_in_hand_is_asked_for),
		cmocka_unit_test(a_password_is_never_in_the_readers_own_buffer),
		cmocka_unit_test(an_operation_we_do_not_know_may_hold_a_password_too),
		cmocka_unit_test(what_is_too_long_gets_no_room),
		cmocka_unit_test(without_memory_for_a_secret_nothing_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
