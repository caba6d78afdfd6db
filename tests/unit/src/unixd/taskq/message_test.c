/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/taskq/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/unixd/taskq/taskq.h"

static size_t
strs(uint8_t *out, size_t cap, const char *text)
{
	struct enc e;

	enc_init(&e, out, cap);
	enc_u32(&e, (uint32_t)strlen(text) + 1);
	enc_strz(&e, text);
	assert_false(e.failed);
	return e.len;
}

static void
a_home_is_asked_for_by_ids_and_names_only(void **state)
{
	const struct taskq_home home = { .uuid = { { 1, 2, 3 } },
		.uid = 70001,
		.gid = 70002,
		.name = "alice",
		.spn = "alice@idm.example",
		.shown = "alice" };
	uint8_t frame[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ];
	struct frame_header h;
	struct dec d;
	int len;

	(void)state;
	len = message_home(&home, 7, frame);
	assert_true(len > (int)KU_WIRE_HEADER_LEN);
	assert_int_equal(frame_get(frame, &h), 0);
	assert_int_equal(h.op, KU_OP_TASK_HOME);
	assert_int_equal(h.serial, 7);
	assert_int_equal(h.status, 0);
	assert_int_equal(h.length, len - (int)KU_WIRE_HEADER_LEN);
	dec_init(&d, frame + KU_WIRE_HEADER_LEN, h.length);
	assert_memory_equal(dec_bytes(&d, 16), home.uuid.b, 16);
	assert_int_equal(dec_u32(&d), 70001);
	assert_int_equal(dec_u32(&d), 70002);
	assert_int_equal(dec_u32(&d), 6 + 18 + 6);
	assert_string_equal(dec_strz(&d), "alice");
	assert_string_equal(dec_strz(&d), "alice@idm.example");
	assert_string_equal(dec_strz(&d), "alice");
	assert_true(dec_done(&d));
}

static void
a_name_that_does_not_fit_is_not_cut(void **state)
{
	uint8_t frame[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ];
	char name[KU_TASK_MAX_REQ];
	struct taskq_home home = { .spn = "a@b", .shown = "a" };

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	home.name = name;
	assert_int_equal(message_home(&home, 1, frame), -E2BIG);
}

static void
text_for_a_person_is_one_printable_line(void **state)
{
	uint8_t body[KU_TASK_MAX_REPLY];
	char text[MESSAGE_TEXT_MAX], in[902];
	size_t len, i;

	(void)state;
	len = strs(body, sizeof(body), "/home/x: \x1b[31mred\nStale\x7f");
	assert_int_equal(message_text(body, len, text), 0);
	assert_string_equal(text, "/home/x: ?[31mred?Stale?");

	/* longer than shown, and cut between two characters */
	in[0] = 'a';
	for (i = 1; i < sizeof(in) - 1; i += 2)
		memcpy(in + i, "\xc3\xbc", 2);
	in[sizeof(in) - 1] = '\0';
	len = strs(body, sizeof(body), in);
	assert_int_equal(message_text(body, len, text), 0);
	assert_in_range(strlen(text), MESSAGE_TEXT_MAX - 3, MESSAGE_TEXT_MAX - 1);
	assert_memory_equal(text + strlen(text) - 2, "\xc3\xbc", 2);
}

static void
what_is_not_one_string_is_refused(void **state)
{
	static const uint8_t two[] = { 4, 0, 0, 0, 'a', 0, 'b', 0 };
	static const uint8_t open[] = { 2, 0, 0, 0, 'a', 'b' };
	static const uint8_t longer[] = { 1, 0, 0, 0, 0, 0 };
	static const uint8_t stub[] = { 1, 0 };
	char text[MESSAGE_TEXT_MAX];

	(void)state;
	assert_int_equal(message_text(two, sizeof(two), text), -EBADMSG);
	assert_int_equal(message_text(open, sizeof(open), text), -EBADMSG);
	assert_int_equal(message_text(longer, sizeof(longer), text), -EBADMSG);
	assert_int_equal(message_text(stub, sizeof(stub), text), -EBADMSG);
	assert_string_equal(text, "");
	assert_int_equal(message_text(stub, 0, text), 0);
}

static void
feed(struct message_reader *r, const struct frame_header *h, size_t body)
{
	uint8_t frame[KU_WIRE_HEADER_LEN + 64] = { 0 };
	size_t room;
	uint8_t *to = message_room(r, &room);

	frame_put(frame, h);
	assert_true(room >= KU_WIRE_HEADER_LEN + body);
	memcpy(to, frame, KU_WIRE_HEADER_LEN + body);
	message_filled(r, KU_WIRE_HEADER_LEN + body);
}

static void
frames_come_out_as_they_went_in(void **state)
{
	struct frame_header h = { .version = 1, .op = KU_OP_TASK_HOME, .length = 5 };
	struct message_reader r = { 0 };
	const uint8_t *body;

	(void)state;
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_MORE);
	h.serial = 1;
	feed(&r, &h, 5);
	h.serial = 2;
	feed(&r, &h, 4);
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_WHOLE);
	assert_int_equal(h.serial, 1);
	message_consume(&r, &h);
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_MORE);
	message_filled(&r, 1);
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_WHOLE);
	assert_int_equal(h.serial, 2);
	message_consume(&r, &h);
	assert_int_equal(r.len, 0);
}

static void
what_cannot_be_a_reply_is_known_by_its_header(void **state)
{
	struct frame_header h = { .version = 1,
		.op = KU_OP_TASK_HOME,
		.length = KU_TASK_MAX_REPLY + 1 };
	struct message_reader r = { 0 };
	const uint8_t *body;

	(void)state;
	feed(&r, &h, 0);
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_GARBAGE);
	r.len = 0;
	h.length = KU_TASK_MAX_REPLY;
	feed(&r, &h, 0);
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_MORE);
	r.buf[0] ^= 1;
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_GARBAGE);
	r.buf[0] ^= 1;
	r.buf[2] = 2;
	assert_int_equal(message_next(&r, &h, &body), MESSAGE_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home_is_asked_for_by_ids_and_names_only),
		cmocka_unit_test(a_name_that_does_not_fit_is_not_cut),
		cmocka_unit_test(text_for_a_person_is_one_printable_line),
		cmocka_unit_test(what_is_not_one_string_is_refused),
		cmocka_unit_test(frames_come_out_as_they_went_in),
		cmocka_unit_test(what_cannot_be_a_reply_is_known_by_its_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
