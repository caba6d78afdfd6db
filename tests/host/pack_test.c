/* SPDX-License-Identifier: MPL-2.0 */
#include "nss/pack.h"

#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/le.h"
#include "src/base/util.h"

#define ALICE     "alice\0x\0Alice\0/home/alice\0/bin/sh"
#define STAFF     "staff\0x\0alice\0bob"
#define BUF_ALIGN alignof(max_align_t)

static uint8_t head[PACK_HEAD_LEN];

static void
set_head(uint32_t a, uint32_t b, size_t len)
{
	le32_put(head, a);
	le32_put(head + 4, b);
	le32_put(head + 8, (uint32_t)len);
}

/* Packs `len` bytes from a block of exactly that size. */
static int
try_passwd(uint32_t uid, uint32_t gid, const char *strings, size_t len)
{
	char *buf = malloc(len + (len == 0));
	struct passwd pw;
	int r;

	memcpy(buf, strings, len);
	set_head(uid, gid, len);
	r = pack_passwd(head, buf, len, &pw);
	if (r == 0) {
		assert_string_equal(pw.pw_name, "alice");
		assert_string_equal(pw.pw_passwd, "x");
		assert_string_equal(pw.pw_gecos, "Alice");
		assert_string_equal(pw.pw_dir, "/home/alice");
		assert_string_equal(pw.pw_shell, "/bin/sh");
		assert_int_equal(pw.pw_uid, uid);
		assert_int_equal(pw.pw_gid, gid);
	}
	free(buf);
	return r;
}

static void
a_passwd_reply_becomes_a_struct(void **state)
{
	(void)state;
	assert_int_equal(try_passwd(70001, 70002, ALICE, sizeof(ALICE)), 0);
}

static void
no_user_below_1000_and_no_reserved_id_comes_out(void **state)
{
	static const uint32_t bad[] = { 0, 1, 27, 999, 65534, 65535, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(try_passwd(bad[i], 70001, ALICE, sizeof(ALICE)),
		    -EPROTO);
		assert_int_equal(try_passwd(70001, bad[i], ALICE, sizeof(ALICE)),
		    -EPROTO);
	}
}

static void
cut_or_overlong_passwd_replies_are_refused(void **state)
{
	static const char five_and_more[] = ALICE "\0more";
	static const char unnamed[] = "\0x\0\0/\0/bin/sh";
	static const char forged[] = "alice\0x\0A\nroot::0:0\0/\0/bin/sh";
	char buf[64] = ALICE;
	struct passwd pw;

	(void)state;
	for (size_t len = 0; len < sizeof(ALICE); len++)
		assert_int_equal(try_passwd(70001, 70001, ALICE, len), -EPROTO);
	assert_int_equal(try_passwd(70001, 70001, five_and_more, sizeof(five_and_more)),
	    -EPROTO);
	assert_int_equal(try_passwd(70001, 70001, unnamed, sizeof(unnamed)), -EPROTO);
	assert_int_equal(try_passwd(70001, 70001, forged, sizeof(forged)), -EPROTO);
	/* the length inside disagrees with the one of the frame */
	set_head(70001, 70001, sizeof(ALICE) + 1);
	assert_int_equal(pack_passwd(head, buf, sizeof(ALICE), &pw), -EPROTO);
}

static void
group_members_are_aligned_and_fit_or_it_says_so(void **state)
{
	static alignas(max_align_t) char room[256];

	(void)state;
	for (size_t shift = 0; shift < BUF_ALIGN; shift++) {
		char *buf = room + shift;
		size_t pad = (uintptr_t)(buf + sizeof(STAFF)) % alignof(char *);
		size_t need = sizeof(STAFF) + (pad == 0 ? 0 : alignof(char *) - pad) +
		    3 * sizeof(char *);

		for (size_t cap = sizeof(STAFF); cap <= need; cap++) {
			struct group gr;
			int r;

			memset(room, 0x5a, sizeof(room));
			memcpy(buf, STAFF, sizeof(STAFF));
			set_head(71000, 2, sizeof(STAFF));
			r = pack_group(head, buf, sizeof(STAFF), cap, &gr);
			assert_int_equal(r, cap < need ? -ERANGE : 0);
			assert_int_equal(buf[cap], 0x5a);
			if (r != 0)
				continue;
			assert_int_equal((uintptr_t)gr.gr_mem % alignof(char *), 0);
			assert_string_equal(gr.gr_name, "staff");
			assert_string_equal(gr.gr_mem[0], "alice");
			assert_string_equal(gr.gr_mem[1], "bob");
			assert_null(gr.gr_mem[2]);
		}
	}
}

static int
try_group(uint32_t gid, uint32_t n, const char *strings, size_t len)
{
	alignas(max_align_t) char buf[256];
	struct group gr;

	memcpy(buf, strings, len);
	set_head(gid, n, len);
	return pack_group(head, buf, len, sizeof(buf), &gr);
}

static void
a_wrong_member_count_is_refused_and_never_too_small_a_buffer(void **state)
{
	static const uint32_t counts[] = { 0, 1, 3, 18, 19, 0x3fffffff, 0x40000000,
		0x7fffffff, UINT32_MAX };

	(void)state;
	assert_int_equal(try_group(71000, 2, STAFF, sizeof(STAFF)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		assert_int_equal(try_group(71000, counts[i], STAFF, sizeof(STAFF)),
		    -EPROTO);
	for (size_t len = 0; len < sizeof(STAFF); len++)
		assert_int_equal(try_group(71000, 2, STAFF, len), -EPROTO);
}

static void
groups_of_the_system_pass_and_root_does_not(void **state)
{
	static const char sudo[] = "sudo\0x\0alice";

	(void)state;
	assert_int_equal(try_group(27, 1, sudo, sizeof(sudo)), 0);
	assert_int_equal(try_group(0, 1, sudo, sizeof(sudo)), -EPROTO);
	assert_int_equal(try_group(65534, 1, sudo, sizeof(sudo)), -EPROTO);
	assert_int_equal(try_group(UINT32_MAX, 1, sudo, sizeof(sudo)), -EPROTO);
}

static bool
answers(const char *got, const char *asked)
{
	struct name n;

	assert_int_equal(name_parse(asked, strlen(asked), &n), 0);
	return pack_name_answers(got, &n);
}

static void
an_answer_about_somebody_else_is_seen(void **state)
{
	(void)state;
	assert_true(answers("alice", "alice"));
	assert_true(answers("alice@example.com", "alice"));
	assert_true(answers("alice", "ALICE@example.com"));
	assert_true(answers("Debian-exim", "debian-EXIM"));
	assert_true(answers("anything", "0f2d8a5c-1b7e-4c3d-9e10-aabbccddeeff"));
	assert_false(answers("alicia", "alice"));
	assert_false(answers("alic", "alice"));
	assert_false(answers("", "alice"));
	assert_false(answers("alice.b", "alice"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_passwd_reply_becomes_a_struct),
		cmocka_unit_test(no_user_below_1000_and_no_reserved_id_comes_out),
		cmocka_unit_test(cut_or_overlong_passwd_replies_are_refused),
		cmocka_unit_test(group_members_are_aligned_and_fit_or_it_says_so),
		cmocka_unit_test(
		    a_wrong_member_count_is_refused_and_never_too_small_a_buffer),
		cmocka_unit_test(groups_of_the_system_pass_and_root_does_not),
		cmocka_unit_test(an_answer_about_somebody_else_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
