/* SPDX-License-Identifier: MPL-2.0 */
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "unit/src/unixd/server/harness.h"

#define OWN_UID 4242u

static void
more_status(void *arg, resolver_pair_fn fn, void *fn_arg)
{
	fn(fn_arg, "config", arg);
}

static int
setup(void **state)
{
	static struct harness h;
	static char note[] = "unknown key";
	struct server_settings s = {
		.own_uid = OWN_UID,
		.status = more_status,
		.arg = note,
	};

	harness_start(&h, &s);
	*state = &h;
	return 0;
}

static int
teardown(void **state)
{
	harness_stop(*state);
	return 0;
}

/* One request on a connection of its own, from a process of this uid. */
static void
ask_as(struct harness *h, uid_t uid, uint16_t op, const void *body, size_t len,
    struct answer_frame *a)
{
	int fd = harness_connect(h, uid);

	harness_request(fd, op, 1, body, len);
	harness_reply(h, fd, a);
	(void)close(fd);
	harness_settle(h);
}

static void
ask_name(struct harness *h, uint16_t op, const char *name, struct answer_frame *a)
{
	uint8_t body[1024];
	struct enc e;

	enc_init(&e, body, sizeof(body));
	enc_str(&e, name);
	ask_as(h, geteuid(), op, body, e.len, a);
}

static void
expect_strings(struct dec *d, const char *const *want, size_t n)
{
	size_t bytes = dec_u32(d), start = d->pos;

	for (size_t i = 0; i < n; i++) {
		const char *s = dec_strz(d);

		assert_non_null(s);
		assert_string_equal(s, want[i]);
	}
	assert_int_equal(d->pos - start, bytes);
	assert_true(dec_done(d));
}

static void
a_passwd_line_is_encoded_as_documented(void **state)
{
	static const char *const want[] = { "alice", "x", "Alice", "/home/alice",
		"/bin/sh" };
	struct answer_frame a;
	struct dec d;

	ask_name(*state, KU_OP_PASSWD_BY_NAME, "Alice", &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 70001);
	assert_int_equal(dec_u32(&d), 70001);
	expect_strings(&d, want, ARRAY_SIZE(want));
}

static void
a_group_line_is_encoded_as_documented(void **state)
{
	static const char *const want[] = { "staff", "x", "alice", "bob" };
	struct answer_frame a;
	struct dec d;

	ask_name(*state, KU_OP_GROUP_BY_NAME, "staff", &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 70010);
	assert_int_equal(dec_u32(&d), 2);
	expect_strings(&d, want, ARRAY_SIZE(want));
}

static void
initgroups_gives_the_primary_and_all_others(void **state)
{
	struct answer_frame a;
	struct dec d;

	ask_name(*state, KU_OP_INITGROUPS, "alice", &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 70001);
	assert_int_equal(dec_u32(&d), 2);
	assert_int_equal(dec_u32(&d), 70010);
	assert_int_equal(dec_u32(&d), 70011);
	assert_true(dec_done(&d));
}

static void
ssh_keys_come_one_string_each(void **state)
{
	static const char *const want[] = { "ssh-ed25519 AAAA1 a",
		"ssh-ed25519 AAAA2 b" };
	struct harness *h = *state;
	struct answer_frame a;
	struct dec d;

	ask_name(h, KU_OP_SSH_KEYS, "alice", &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	assert_int_equal(h->resolver.last_budget_ms, 3000);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 2);
	expect_strings(&d, want, ARRAY_SIZE(want));
}

static void
each_answer_has_its_status_and_no_body(void **state)
{
	static const struct {
		const char *name;
		uint16_t status;
	} row[] = {
		{ "nobody-here", KU_ST_NOTFOUND },
		{ "local", KU_ST_LOCAL },
		{ "unavail", KU_ST_UNAVAIL },
		{ "busy", KU_ST_BUSY },
	};
	static const uint16_t ops[] = { KU_OP_PASSWD_BY_NAME, KU_OP_GROUP_BY_NAME,
		KU_OP_INITGROUPS, KU_OP_SSH_KEYS };
	struct harness *h = *state;
	struct answer_frame a;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ops); j++) {
			ask_name(h, ops[j], row[i].name, &a);
			assert_int_equal(a.h.status, row[i].status);
			assert_int_equal(a.h.length, 0);
		}
	}
	assert_true(h->resolver.last_budget_ms <= 3000);
}

static void
what_cannot_be_a_name_is_not_found_and_never_asked(void **state)
{
	static const char *const names[] = { "", "70001", "name=alice", "alice,x",
		"al ice", "../etc" };
	struct harness *h = *state;
	struct answer_frame a;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ask_name(h, KU_OP_PASSWD_BY_NAME, names[i], &a);
		assert_int_equal(a.h.status, KU_ST_NOTFOUND);
	}
	assert_int_equal(h->resolver.n_asked, 0);
}

static void
a_body_that_is_not_exactly_the_request_is_bad(void **state)
{
	static const uint8_t trailing[] = { 1, 0, 0, 0, 'a', 'b' };
	static const uint8_t lying[] = { 200, 0, 0, 0, 'a' };
	static const uint8_t three[] = { 1, 2, 3 };
	struct harness *h = *state;
	struct answer_frame a;

	ask_as(h, geteuid(), KU_OP_PASSWD_BY_NAME, trailing, sizeof(trailing), &a);
	assert_int_equal(a.h.status, KU_ST_BAD);
	ask_as(h, geteuid(), KU_OP_GROUP_BY_NAME, lying, sizeof(lying), &a);
	assert_int_equal(a.h.status, KU_ST_BAD);
	ask_as(h, geteuid(), KU_OP_PASSWD_BY_UID, three, sizeof(three), &a);
	assert_int_equal(a.h.status, KU_ST_BAD);
	ask_as(h, geteuid(), KU_OP_GROUP_NEXT, three, sizeof(three), &a);
	assert_int_equal(a.h.status, KU_ST_BAD);
	assert_int_equal(h->resolver.n_asked, 0);
}

static void
numbers_and_cursors_reach_the_resolver(void **state)
{
	static const uint8_t uid[] = { 0x71, 0x11, 1, 0 };
	static const uint8_t gid[] = { 0x7a, 0x11, 1, 0 };
	static const uint8_t first[8] = { 0 };
	static const uint8_t end[8] = { 0xff, 0xff, 0xff, 0x7f, 1 };
	struct answer_frame a;

	ask_as(*state, geteuid(), KU_OP_PASSWD_BY_UID, uid, sizeof(uid), &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	ask_as(*state, geteuid(), KU_OP_GROUP_BY_GID, gid, sizeof(gid), &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	ask_as(*state, geteuid(), KU_OP_PASSWD_NEXT, first, sizeof(first), &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	ask_as(*state, geteuid(), KU_OP_PASSWD_NEXT, end, sizeof(end), &a);
	assert_int_equal(a.h.status, KU_ST_NOTFOUND);
	ask_as(*state, geteuid(), KU_OP_GROUP_NEXT, end, sizeof(end), &a);
	assert_int_equal(a.h.status, KU_ST_NOTFOUND);
}

/* Answered when the disk has it, or does not take it. */
static void
clear(struct harness *h, struct answer_frame *a)
{
	int fd = harness_connect(h, 0);

	harness_request(fd, KU_OP_CACHE_CLEAR, 1, NULL, 0);
	harness_settle(h);
	assert_int_equal(h->resolver.n_waiting, 1);
	fake_release(&h->resolver);
	harness_reply(h, fd, a);
	(void)close(fd);
}

static void
a_clear_that_the_disk_does_not_take_is_no_success(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;

	if (geteuid() != 0)
		skip();
	h->resolver.disk_fails = true;
	clear(h, &a);
	assert_int_equal(a.h.status, KU_ST_UNAVAIL);
	assert_int_equal(h->resolver.cleared, 1);
}

static void
only_root_clears_and_only_root_or_the_daemon_invalidates(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;

	if (geteuid() != 0)
		skip();
	ask_as(h, 1000, KU_OP_CACHE_CLEAR, NULL, 0, &a);
	assert_int_equal(a.h.status, KU_ST_DENIED);
	ask_as(h, OWN_UID, KU_OP_CACHE_CLEAR, NULL, 0, &a);
	assert_int_equal(a.h.status, KU_ST_DENIED);
	ask_as(h, OWN_UID, KU_OP_ACCEPT_ID, "\5\0\0\0alice", 9, &a);
	assert_int_equal(a.h.status, KU_ST_DENIED);
	ask_as(h, 1000, KU_OP_CACHE_INVALIDATE, NULL, 0, &a);
	assert_int_equal(a.h.status, KU_ST_DENIED);
	assert_int_equal(h->resolver.cleared + h->resolver.invalidated, 0);

	ask_as(h, OWN_UID, KU_OP_CACHE_INVALIDATE, NULL, 0, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	clear(h, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	assert_int_equal(h->resolver.invalidated, 1);
	assert_int_equal(h->resolver.cleared, 1);
	/* root's one takes the cached credentials along */
	assert_int_equal(h->login.n_cleared, 1);
}

static void
a_refusal_says_why_in_words(void **state)
{
	static const char *const want[] = { "only root may do this" };
	struct answer_frame a;
	struct dec d;

	ask_as(*state, geteuid() == 0 ? 1000 : geteuid(), KU_OP_CACHE_CLEAR, NULL, 0, &a);
	assert_int_equal(a.h.status, KU_ST_DENIED);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 1);
	expect_strings(&d, want, 1);
}

static void
status_waits_for_the_probe_and_shows_ours_after_the_resolvers(void **state)
{
	static const char *const want[] = { "system", "online", "Kanidm", "offline",
		"config", "unknown key" };
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	struct answer_frame a;
	struct dec d;

	h->resolver.probe_waits = true;
	harness_request(fd, KU_OP_STATUS, 1, NULL, 0);
	harness_settle(h);
	assert_int_equal(h->resolver.n_waiting, 1);
	assert_int_equal(h->resolver.last_budget_ms, 1500);
	fake_release(&h->resolver);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), ARRAY_SIZE(want));
	expect_strings(&d, want, ARRAY_SIZE(want));
	(void)close(fd);
}

static void
status_of_other_users_is_a_probe_a_second_at_most(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;

	if (geteuid() != 0)
		skip();
	for (int i = 0; i < 20; i++) {
		ask_as(h, 1000, KU_OP_STATUS, NULL, 0, &a);
		assert_int_equal(a.h.status, KU_ST_OK);
		assert_true(a.h.length > 8);
	}
	assert_true(h->resolver.n_probed <= 2);
	ask_as(h, 0, KU_OP_STATUS, NULL, 0, &a);
	ask_as(h, 0, KU_OP_STATUS, NULL, 0, &a);
	assert_in_range(h->resolver.n_probed, 3, 4);
}

/* What is on stderr while 500 connections are refused their wish. */
static void
refusals_do_not_fill_the_journal(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;
	char text[65536];
	int pipe_fds[2], saved = dup(STDERR_FILENO);
	ssize_t n;
	size_t lines = 0;

	assert_int_equal(pipe(pipe_fds), 0);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
	for (int i = 0; i < 500; i++)
		ask_as(h, geteuid() == 0 ? 1000 : geteuid(), KU_OP_CACHE_CLEAR, NULL, 0,
		    &a);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(pipe_fds[1]);
	n = read(pipe_fds[0], text, sizeof(text));
	for (ssize_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	(void)close(pipe_fds[0]);
	(void)close(saved);
	assert_in_range(lines, 1, 50);
}

static void
explain_gives_lines_also_for_what_is_no_name(void **state)
{
	static const char *const known[] = { "verdict: somebody can log in",
		"can_log_in: yes", "alice", "is known", "may log in" };
	static const char *const no_name[] = { "verdict: no name", "can_log_in: unknown",
		"not a name that an entry can have: never asked for" };
	struct answer_frame a;
	struct dec d;

	ask_name(*state, KU_OP_EXPLAIN, "alice", &a);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), ARRAY_SIZE(known));
	expect_strings(&d, known, ARRAY_SIZE(known));
	ask_name(*state, KU_OP_EXPLAIN, "alice,x", &a);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), ARRAY_SIZE(no_name));
	expect_strings(&d, no_name, ARRAY_SIZE(no_name));
}

/* The reply to ACCEPT_ID about alice comes when the disk has it, and not before. */
static void
accept_alice(struct harness *h, struct answer_frame *a)
{
	int fd = harness_connect(h, geteuid());

	harness_ask_name(fd, KU_OP_ACCEPT_ID, 1, "alice");
	harness_settle(h);
	assert_int_equal(h->resolver.n_waiting, 1);
	assert_int_equal(h->resolver.last_budget_ms, 2000);
	fake_release(&h->resolver);
	harness_reply(h, fd, a);
	(void)close(fd);
}

static void
accept_id_that_the_disk_does_not_take_is_no_success(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;
	int fd;

	if (geteuid() != 0)
		skip();
	h->resolver.disk_fails = true;
	accept_alice(h, &a);
	assert_int_equal(a.h.status, KU_ST_UNAVAIL);
	/* Who leaves meanwhile is not told. */
	fd = harness_connect(h, geteuid());
	harness_ask_name(fd, KU_OP_ACCEPT_ID, 1, "alice");
	harness_settle(h);
	(void)close(fd);
	harness_settle(h);
	assert_int_equal(h->resolver.n_cancelled, 1);
}

static void
accept_id_tells_old_and_new(void **state)
{
	struct answer_frame a;
	struct dec d;

	if (geteuid() != 0)
		skip();
	accept_alice(*state, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 70001);
	assert_int_equal(dec_u32(&d), 70099);
	assert_true(dec_done(&d));
	ask_name(*state, KU_OP_ACCEPT_ID, "bob", &a);
	assert_int_equal(a.h.status, KU_ST_UNAVAIL);
	ask_name(*state, KU_OP_ACCEPT_ID, "carol", &a);
	assert_int_equal(a.h.status, KU_ST_NOTFOUND);
}

static void
the_resolver_is_told_who_asks(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, 4711);
	struct answer_frame a;

	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "alice");
	harness_reply(h, fd, &a);
	assert_int_equal(h->resolver.last_asked_by, 4711);
	assert_int_equal(h->resolver.asked_by, 0);
	(void)close(fd);
}

int
main(void)
{
#define DISPATCH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		DISPATCH_TEST(a_passwd_line_is_encoded_as_documented),
		DISPATCH_TEST(a_group_line_is_encoded_as_documented),
		DISPATCH_TEST(initgroups_gives_the_primary_and_all_others),
		DISPATCH_TEST(ssh_keys_come_one_string_each),
		DISPATCH_TEST(each_answer_has_its_status_and_no_body),
		DISPATCH_TEST(what_cannot_be_a_name_is_not_found_and_never_asked),
		DISPATCH_TEST(a_body_that_is_not_exactly_the_request_is_bad),
		DISPATCH_TEST(numbers_and_cursors_reach_the_resolver),
		DISPATCH_TEST(only_root_clears_and_only_root_or_the_daemon_invalidates),
		DISPATCH_TEST(a_clear_that_the_disk_does_not_take_is_no_success),
		DISPATCH_TEST(a_refusal_says_why_in_words),
		DISPATCH_TEST(
		    status_waits_for_the_probe_and_shows_ours_after_the_resolvers),
		DISPATCH_TEST(status_of_other_users_is_a_probe_a_second_at_most),
		DISPATCH_TEST(refusals_do_not_fill_the_journal),
		DISPATCH_TEST(explain_gives_lines_also_for_what_is_no_name),
		DISPATCH_TEST(accept_id_tells_old_and_new),
		DISPATCH_TEST(accept_id_that_the_disk_does_not_take_is_no_success),
		DISPATCH_TEST(the_resolver_is_told_who_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
