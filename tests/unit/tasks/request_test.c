/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/request.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ku/wire_task.h"
#include "src/wire/codec.h"
#include "tasks/mount_ask.h"

#define UUID "7c2b1f0e-0000-4000-8000-00000000a11c"

static uint8_t body[4096];

static size_t
encode(const char *uuid, uint32_t uid, uint32_t gid, const char *name, const char *spn,
    const char *shown)
{
	struct uuid u;
	struct enc e;

	assert_int_equal(uuid_parse(uuid, strlen(uuid), &u), 0);
	enc_init(&e, body, sizeof(body));
	enc_bytes(&e, u.b, sizeof(u.b));
	enc_u32(&e, uid);
	enc_u32(&e, gid);
	enc_u32(&e, (uint32_t)(strlen(name) + strlen(spn) + strlen(shown) + 3));
	enc_strz(&e, name);
	enc_strz(&e, spn);
	enc_strz(&e, shown);
	assert_false(e.failed);
	return e.len;
}

static int
judge(uint32_t uid, uint32_t gid, const char *name, const char *spn, const char *shown)
{
	struct request r;
	struct why why;

	return request_decode(body, encode(UUID, uid, gid, name, spn, shown), &r, &why);
}

static void
a_request_says_who(void **state)
{
	struct request r, again;
	struct why why;
	size_t len = encode(UUID, 70001, 70002, "alice", "alice@example.com", "alice");

	(void)state;
	assert_int_equal(request_decode(body, len, &r, &why), 0);
	assert_string_equal(r.uuid_text, UUID);
	assert_int_equal(r.uid, 70001);
	assert_int_equal(r.gid, 70002);
	assert_string_equal(r.name.text, "alice");
	assert_string_equal(r.spn.text, "alice@example.com");
	assert_string_equal(r.shown.text, "alice");
	/* The same goes to the mount helper. */
	len = mount_ask_encode(&r, body, sizeof(body));
	assert_int_equal(request_decode(body, len, &again, &why), 0);
	assert_memory_equal(&r, &again, sizeof(r));
}

static void
cut_short_or_too_long_is_no_request(void **state)
{
	struct request r;
	struct why why;
	size_t len = encode(UUID, 70001, 70001, "alice", "alice@example.com", "alice");

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(request_decode(body, n, &r, &why), -EPROTO);
	assert_int_equal(request_decode(body, len + 1, &r, &why), -EPROTO);
	assert_int_equal(request_decode(body, KU_TASK_MAX_REQ + 1, &r, &why), -EPROTO);
	body[24]++; /* the length of the strings */
	assert_int_equal(request_decode(body, len, &r, &why), -EPROTO);
}

static void
refused_ids_are_refused_again(void **state)
{
	static const uint32_t bad[] = { 0, 1, 999, 61184, 65519, 65534, 65535,
		4294967295u };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(judge(bad[i], 70001, "alice", "alice@a.b", "alice"),
		    -EINVAL);
		assert_int_equal(judge(70001, bad[i], "alice", "alice@a.b", "alice"),
		    -EINVAL);
	}
	assert_int_equal(judge(1000, 1000, "alice", "alice@a.b", "alice"), 0);
}

static void
a_name_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/etc", "-a",
		"+a", "~a", "a b", "a\nb", "a:b", "Alice", "70001", UUID, "a@b",
		".kanidm-0", "\xc3\xa4" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(judge(70001, 70001, bad[i], "alice@a.b", "alice@a.b"),
		    -EINVAL);
		assert_int_equal(judge(70001, 70001, "alice", bad[i], "alice"), -EINVAL);
		assert_int_equal(judge(70001, 70001, "alice", "alice@a.b", bad[i]),
		    -EINVAL);
	}
	assert_int_equal(judge(70001, 70001, "alice", "alice@a/b", "alice"), -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice", "alice@", "alice"), -EINVAL);
}

static void
the_three_names_belong_together(void **state)
{
	(void)state;
	assert_int_equal(judge(70001, 70001, "alice", "bob@a.b", "alice"), -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice", "alice2@a.b", "alice"), -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice", "bobby@a.b", "alice"), -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice", "alice@a.b", "bob"), -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice", "alice@a.b", "alice@a.b"), 0);
}

/* alice of another domain has the SPN in both places: alice's home is not hers. */
static void
whoever_has_no_short_name_here_has_homes_by_the_spn(void **state)
{
	struct request r;
	struct why why;
	size_t len = encode(UUID, 70001, 70001, "alice@a.b", "alice@a.b", "alice@a.b");

	(void)state;
	assert_int_equal(request_decode(body, len, &r, &why), 0);
	assert_string_equal(request_attr(&r, NAME_ATTR_NAME), "alice@a.b");
	assert_string_equal(request_attr(&r, NAME_ATTR_SPN), "alice@a.b");
	assert_int_equal(judge(70001, 70001, "alice@a.c", "alice@a.b", "alice@a.b"),
	    -EINVAL);
	assert_int_equal(judge(70001, 70001, "alice@a.b", "alice@a.b", "alice"), -EINVAL);
}

static void
no_uuid_is_no_person(void **state)
{
	struct request r;
	struct why why;
	size_t len = encode("00000000-0000-0000-0000-000000000000", 70001, 70001, "alice",
	    "alice@a.b", "alice");

	(void)state;
	assert_int_equal(request_decode(body, len, &r, &why), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_says_who),
		cmocka_unit_test(cut_short_or_too_long_is_no_request),
		cmocka_unit_test(refused_ids_are_refused_again),
		cmocka_unit_test(a_name_that_is_none_is_refused),
		cmocka_unit_test(the_three_names_belong_together),
		cmocka_unit_test(whoever_has_no_short_name_here_has_homes_by_the_spn),
		cmocka_unit_test(no_uuid_is_no_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
