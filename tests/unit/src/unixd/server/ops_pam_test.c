/* SPDX-License-Identifier: MPL-2.0 */
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "unit/src/unixd/server/harness.h"

static int
setup(void **state)
{
	static struct harness h;

	harness_start(&h, NULL);
	*state = &h;
	return 0;
}

static int
teardown(void **state)
{
	harness_stop(*state);
	return 0;
}

static void
ask(struct harness *h, uint16_t op, const char *name, const char *password,
    struct answer_frame *a)
{
	int fd = harness_connect(h, geteuid());

	if (op == KU_OP_CACHE_CLEAR) {
		/* Answered when the disk has it. */
		harness_request(fd, op, 1, NULL, 0);
		harness_settle(h);
		fake_release(&h->resolver);
	} else if (op == KU_OP_PAM_LOOKUP || op == KU_OP_EXPLAIN) {
		harness_ask_name(fd, op, 1, name);
	} else {
		harness_ask_pam(fd, op, 1, name, password);
	}
	harness_reply(h, fd, a);
	(void)close(fd);
	harness_settle(h);
}

static void
expect_u32s(const struct answer_frame *a, uint32_t first, uint32_t second)
{
	struct dec d;

	assert_int_equal(a->h.status, KU_ST_OK);
	dec_init(&d, a->body, a->h.length);
	assert_int_equal(dec_u32(&d), first);
	assert_int_equal(dec_u32(&d), second);
	assert_true(dec_done(&d));
}

static void
the_engine_is_told_who_asks_what_from_where(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;

	ask(h, KU_OP_PAM_AUTH, "ALICE@idm.example.test", "open sesame", &a);
	assert_int_equal(a.h.status, KU_ST_NOTFOUND); /* the fake knows "alice" */
	assert_string_equal(h->login.last.name.text, "alice@idm.example.test");
	assert_int_equal(h->login.last.caller, geteuid());
	assert_int_equal(h->login.last.flags, KU_PAM_SILENT);
	assert_string_equal(h->login.service, "sshd");
	assert_string_equal(h->login.tty, "ssh");
	assert_string_equal(h->login.rhost, "192.0.2.7");
	assert_string_equal(h->login.password, "open sesame");
}

static void
every_request_says_anew_who_asks(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;
	int fd;

	if (geteuid() != 0)
		skip();
	fd = harness_connect(h, 4711);
	harness_ask_pam(fd, KU_OP_PAM_AUTH, 1, "alice", "open sesame");
	harness_reply(h, fd, &a);
	assert_int_equal(h->login.last.caller, 4711);
	h->login.last.caller = 0;
	harness_ask_pam(fd, KU_OP_PAM_ACCT, 2, "alice", NULL);
	harness_reply(h, fd, &a);
	assert_int_equal(h->login.last.caller, 4711);
	(void)close(fd);
	fd = harness_connect(h, 0);
	harness_ask_pam(fd, KU_OP_PAM_SESSION, 3, "alice", NULL);
	harness_reply(h, fd, &a);
	assert_int_equal(h->login.last.caller, 0);
	(void)close(fd);
}

static void
verdicts_are_encoded_as_documented(void **state)
{
	static const char *const lookup[] = { "https://idm.example.test",
		"alice@idm.example.test" };
	static const char *const session[] = { "/home/alice", "no tasks" };
	struct harness *h = *state;
	struct answer_frame a;
	struct dec d;

	ask(h, KU_OP_PAM_AUTH, "alice", "open sesame", &a);
	expect_u32s(&a, KU_AUTH_OK, 0);
	ask(h, KU_OP_PAM_AUTH, "alice", "open barley", &a);
	expect_u32s(&a, KU_AUTH_WAIT, 30);
	ask(h, KU_OP_PAM_ACCT, "alice", NULL, &a);
	expect_u32s(&a, KU_ACCT_OK, 0);

	ask(h, KU_OP_PAM_LOOKUP, "alice", NULL, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), 2500);
	assert_int_equal(dec_u32(&d), a.h.length - 8);
	for (size_t i = 0; i < ARRAY_SIZE(lookup); i++)
		assert_string_equal(dec_strz(&d), lookup[i]);
	assert_true(dec_done(&d));

	ask(h, KU_OP_PAM_SESSION, "alice", NULL, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	dec_init(&d, a.body, a.h.length);
	assert_int_equal(dec_u32(&d), KU_SESSION_NO_TASKS);
	assert_int_equal(dec_u32(&d), KU_SESSION_LOOK);
	assert_int_equal(dec_u32(&d), a.h.length - 12);
	for (size_t i = 0; i < ARRAY_SIZE(session); i++)
		assert_string_equal(dec_strz(&d), session[i]);
	assert_true(dec_done(&d));
}

static void
a_status_comes_without_a_body(void **state)
{
	static const struct {
		const char *name;
		uint16_t status;
	} row[] = { { "nobody-here", KU_ST_NOTFOUND }, { "local", KU_ST_LOCAL },
		{ "unavail", KU_ST_UNAVAIL }, { "busy", KU_ST_BUSY },
		{ "denied", KU_ST_DENIED } };
	static const uint16_t ops[] = { KU_OP_PAM_LOOKUP, KU_OP_PAM_AUTH, KU_OP_PAM_ACCT,
		KU_OP_PAM_SESSION };
	struct answer_frame a;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ops); j++) {
			ask(*state, ops[j], row[i].name,
			    ops[j] == KU_OP_PAM_AUTH ? "open sesame" : NULL, &a);
			assert_int_equal(a.h.status, row[i].status);
			assert_int_equal(a.h.length, 0);
		}
	}
}

static void
what_cannot_be_a_name_is_not_found_and_its_password_not_kept(void **state)
{
	static const char *const names[] = { "", "70001", "name=alice", "alice,x",
		"My Password 1", "../etc" };
	struct harness *h = *state;
	struct answer_frame a;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ask(h, KU_OP_PAM_AUTH, names[i], "open sesame", &a);
		assert_int_equal(a.h.status, KU_ST_NOTFOUND);
		ask(h, KU_OP_PAM_LOOKUP, names[i], NULL, &a);
		assert_int_equal(a.h.status, KU_ST_NOTFOUND);
	}
	assert_int_equal(h->login.n_asked, 0);
	assert_int_equal(h->login.n_passwords, 0);
}

static void
before_there_is_an_engine_logins_are_unavailable(void **state)
{
	struct harness *h = *state;
	struct answer_frame a;

	server_set_login(h->server, NULL);
	ask(h, KU_OP_PAM_AUTH, "alice", "open sesame", &a);
	assert_int_equal(a.h.status, KU_ST_UNAVAIL);
	ask(h, KU_OP_PAM_LOOKUP, "alice", NULL, &a);
	assert_int_equal(a.h.status, KU_ST_UNAVAIL);
	ask(h, KU_OP_EXPLAIN, "alice", NULL, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	ask(h, KU_OP_CACHE_CLEAR, NULL, NULL, &a);
	assert_int_equal(a.h.status, geteuid() == 0 ? KU_ST_OK : KU_ST_DENIED);
	assert_int_equal(h->login.n_asked, 0);
}

static void
words_for_the_journal_cannot_add_a_pair_to_its_line(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	char longest[400];
	struct answer_frame a;
	uint8_t body[KU_MAX_PAM_REQ];
	struct enc e;

	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	enc_init(&e, body, sizeof(body));
	enc_u32(&e, 0);
	enc_str(&e, "alice");
	enc_str(&e, "su\n");
	enc_str(&e, longest);
	enc_str(&e, "host user=root \"\xc3\xa9\x1b[2J");
	assert_false(e.failed);
	harness_request(fd, KU_OP_PAM_ACCT, 1, body, e.len);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	assert_string_equal(h->login.service, "su?");
	assert_int_equal(strlen(h->login.tty), 127);
	assert_string_equal(h->login.rhost, "host?user?root?????[2J");
	(void)close(fd);
}

static void
a_body_that_is_not_exactly_the_request_is_bad(void **state)
{
	static const uint16_t ops[] = { KU_OP_PAM_AUTH, KU_OP_PAM_ACCT,
		KU_OP_PAM_SESSION };
	struct harness *h = *state;
	char longer[KU_MAX_PASSWORD + 2];
	struct answer_frame a;
	uint8_t body[KU_MAX_PAM_REQ];
	struct enc e;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		enc_init(&e, body, sizeof(body));
		enc_u32(&e, 0);
		for (int k = 0; k < (ops[i] == KU_OP_PAM_AUTH ? 5 : 4); k++)
			enc_str(&e, "alice");
		for (size_t len = 0; len <= e.len + 1; len++) {
			if (len == e.len)
				continue;
			fd = harness_connect(h, geteuid());
			harness_request(fd, ops[i], 1, body, len);
			harness_reply(h, fd, &a);
			assert_int_equal(a.h.status, KU_ST_BAD);
			(void)close(fd);
		}
	}
	memset(longer, 'p', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ask(h, KU_OP_PAM_AUTH, "alice", longer, &a);
	assert_int_equal(a.h.status, KU_ST_BAD);
	assert_int_equal(h->login.n_asked, 0);
	assert_int_equal(h->login.n_passwords, 0);
	/* the longest one there may be */
	longer[KU_MAX_PASSWORD] = '\0';
	ask(h, KU_OP_PAM_AUTH, "alice", longer, &a);
	expect_u32s(&a, KU_AUTH_WAIT, 30);
}

static void
a_peer_that_leaves_cancels_its_login(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	int other = harness_connect(h, geteuid());
	struct answer_frame a;

	harness_ask_pam(fd, KU_OP_PAM_AUTH, 1, "slow", "open sesame");
	harness_ask_pam(other, KU_OP_PAM_SESSION, 2, "slower", NULL);
	harness_settle(h);
	assert_int_equal(h->login.n_waiting, 2);
	(void)close(fd);
	harness_settle(h);
	assert_int_equal(h->login.n_cancelled, 1);
	fake_login_release(&h->login);
	harness_reply(h, other, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	(void)close(other);
	harness_settle(h);
	assert_int_equal(h->login.n_cancelled, 1);
}

static void
one_conversation_after_another_on_one_connection(void **state)
{
	struct harness *h = *state;
	int fd = harness_connect(h, geteuid());
	struct answer_frame a;

	/* sent at once; the second password is not read while the first is judged */
	harness_ask_pam(fd, KU_OP_PAM_AUTH, 1, "slow", "open sesame");
	harness_ask_pam(fd, KU_OP_PAM_AUTH, 2, "alice", "open barley");
	harness_settle(h);
	assert_int_equal(h->login.n_passwords, 1);
	fake_login_release(&h->login);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.serial, 1);
	harness_reply(h, fd, &a);
	assert_int_equal(a.h.serial, 2);
	assert_int_equal(h->login.n_passwords, 2);
	(void)close(fd);
}

int
main(void)
{
#define PAM_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		PAM_TEST(the_engine_is_told_who_asks_what_from_where),
		PAM_TEST(every_request_says_anew_who_asks),
		PAM_TEST(verdicts_are_encoded_as_documented),
		PAM_TEST(a_status_comes_without_a_body),
		PAM_TEST(what_cannot_be_a_name_is_not_found_and_its_password_not_kept),
		PAM_TEST(before_there_is_an_engine_logins_are_unavailable),
		PAM_TEST(words_for_the_journal_cannot_add_a_pair_to_its_line),
		PAM_TEST(a_body_that_is_not_exactly_the_request_is_bad),
		PAM_TEST(a_peer_that_leaves_cancels_its_login),
		PAM_TEST(one_conversation_after_another_on_one_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
