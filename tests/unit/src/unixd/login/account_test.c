/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/login/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "src/base/util.h"
#include "unit/src/unixd/login/phases/phases_fake.h"

#define ALICE 70001u

static struct said {
	unsigned answers;
	uint16_t status;
	enum ku_acct_verdict verdict;
	int deadline_ms;
	char uri[100];
	char shown[100];
} said;

static int
setup(void **state)
{
	(void)state;
	phases_init();
	memset(&said, 0, sizeof(said));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_int_equal(phases.l.n_calls, 0);
	phases_deinit();
	return 0;
}

static void
on_acct(void *arg, uint16_t status, enum ku_acct_verdict verdict)
{
	assert_ptr_equal(arg, &said);
	said.answers++;
	said.status = status;
	said.verdict = verdict;
}

static void
on_lookup(void *arg, uint16_t status, int deadline_ms, const char *uri, const char *shown)
{
	assert_ptr_equal(arg, &said);
	said.answers++;
	said.status = status;
	said.deadline_ms = deadline_ms;
	(void)snprintf(said.uri, sizeof(said.uri), "%s", uri);
	(void)snprintf(said.shown, sizeof(said.shown), "%s", shown);
}

static struct login_request
request(uid_t caller)
{
	struct login_request q = { .caller = caller,
		.service = "sshd",
		.tty = "ssh",
		.rhost = "192.0.2.1" };

	assert_int_equal(name_parse("alice", 5, &q.name), 0);
	return q;
}

static struct login_call *
ask(uid_t caller)
{
	const struct login_request q = request(caller);

	memset(&said, 0, sizeof(said));
	return login_acct(&phases.l, &q, on_acct, &said);
}

static void
expect(uid_t caller, uint16_t status, enum ku_acct_verdict verdict)
{
	assert_null(ask(caller));
	assert_int_equal(said.answers, 1);
	assert_int_equal(said.status, status);
	if (status == KU_ST_OK)
		assert_int_equal(said.verdict, verdict);
}

static void
expect_status(uid_t caller, uint16_t status)
{
	expect(caller, status, KU_ACCT_NOBODY);
}

static void
allow(const char *entry)
{
	phases.groups[0] = (char *)(uintptr_t)entry;
}

/* ---- the rule ---- */

static void
login_groups_go_by_name_spn_and_uuid(void **state)
{
	/* shell_users as phases_fake.c makes it: gid 5000 in the bytes 4 to 7 */
	static const char uuid[] = "AABB0000-8813-0000-0000-000000000000";

	(void)state;
	allow("shell_users");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("Shell_Users");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("shell_users@idm.example");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("shell_users@IDM.example");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow(uuid);
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("shell_user");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	allow("shell_users@other.example");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	allow("aabb0000-8813-0000-0000-000000000001");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	allow("5000");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	allow("name=shell_users");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	/* one of several is enough */
	phases.groups[1] = (char *)(uintptr_t) "admins";
	phases.groups[2] = (char *)(uintptr_t) "shell_users";
	expect(0, KU_ST_OK, KU_ACCT_OK);
}

static void
a_person_may_be_listed_too(void **state)
{
	(void)state;
	allow("alice");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("a1000000-0000-0000-0000-000000000000");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	allow("bob");
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
}

static void
a_short_name_is_of_the_own_domain(void **state)
{
	static const char *const theirs[] = { "shell_users@other.example", NULL };

	(void)state;
	phases_groups(true, theirs);
	expect(0, KU_ST_OK, KU_ACCT_NOT_ALLOWED);
	allow("shell_users@other.example");
	expect(0, KU_ST_OK, KU_ACCT_OK);
	/* before any session has told which domain is ours */
	allow("shell_users");
	phases.own_domain = "";
	expect(0, KU_ST_OK, KU_ACCT_OK);
}

static void
nobody_gets_in_by_an_empty_list(void **state)
{
	(void)state;
	phases.groups[0] = NULL;
	expect(0, KU_ST_OK, KU_ACCT_NOBODY);
	phases.config.pam_allowed_login_groups = NULL;
	expect(0, KU_ST_OK, KU_ACCT_NOBODY);
}

static void
expired_is_expired_whatever_the_groups(void **state)
{
	static const char *const groups[] = { "shell_users@idm.example", NULL };

	(void)state;
	phases_groups(false, groups);
	expect(0, KU_ST_OK, KU_ACCT_EXPIRED);
	allow("admins");
	expect(0, KU_ST_OK, KU_ACCT_EXPIRED);
}

/* ---- the call ---- */

static void
an_account_is_asked_for_afresh_and_within_a_second(void **state)
{
	(void)state;
	expect(0, KU_ST_OK, KU_ACCT_OK);
	assert_true(phases.asked_fresh);
	assert_int_equal(phases.budget_ms, 1000);
}

static void
only_who_may_ask_learns_anything(void **state)
{
	(void)state;
	expect(ALICE, KU_ST_OK, KU_ACCT_OK);
	expect_status(70002, KU_ST_DENIED);
	phases.answer = ANSWER_NOTFOUND;
	expect_status(70002, KU_ST_DENIED);
	expect_status(0, KU_ST_NOTFOUND);
	/* a locker on a host that hides who it is */
	phases.l.callers.hides = true;
	expect_status(65534, KU_ST_NOTFOUND);
	phases.answer = ANSWER_FOUND;
	expect(65534, KU_ST_OK, KU_ACCT_OK);
}

static void
answers_without_a_record_are_statuses(void **state)
{
	(void)state;
	phases.answer = ANSWER_LOCAL;
	expect_status(0, KU_ST_LOCAL);
	expect_status(70002, KU_ST_LOCAL);
	phases.answer = ANSWER_UNAVAIL;
	expect_status(0, KU_ST_UNAVAIL);
	phases.answer = ANSWER_BUSY;
	expect_status(0, KU_ST_BUSY);
	phases.answer = ANSWER_FOUND;
	phases.full = true;
	expect_status(0, KU_ST_BUSY);
}

static void
an_answer_may_come_later_or_not_be_waited_for(void **state)
{
	struct login_call *c;

	(void)state;
	phases.later = true;
	c = ask(0);
	assert_non_null(c);
	assert_int_equal(said.answers, 0);
	phases_answer();
	assert_int_equal(said.answers, 1);
	assert_int_equal(said.verdict, KU_ACCT_OK);
	assert_int_equal(phases.cancelled, 0);
	c = ask(0);
	c->drop(c);
	assert_int_equal(phases.cancelled, 1);
	assert_int_equal(said.answers, 0);
}

/* ---- lookup ---- */

static void
look_up(uid_t caller)
{
	const struct login_request q = request(caller);

	memset(&said, 0, sizeof(said));
	assert_null(login_lookup(&phases.l, &q, on_lookup, &said));
	assert_int_equal(said.answers, 1);
}

static void
anybody_may_ask_whether_a_name_is_ours(void **state)
{
	(void)state;
	look_up(70002);
	assert_int_equal(said.status, KU_ST_OK);
	assert_int_equal(said.deadline_ms, 3000);
	assert_string_equal(said.uri, "https://idm.example");
	assert_string_equal(said.shown, "alice@idm.example");
	assert_false(phases.asked_fresh);
	phases.config.uri = NULL;
	look_up(70002);
	assert_string_equal(said.uri, "");
	phases.answer = ANSWER_NOTFOUND;
	look_up(70002);
	assert_int_equal(said.status, KU_ST_NOTFOUND);
	phases.answer = ANSWER_LOCAL;
	look_up(70002);
	assert_int_equal(said.status, KU_ST_LOCAL);
	phases.answer = ANSWER_UNAVAIL;
	look_up(70002);
	assert_int_equal(said.status, KU_ST_UNAVAIL);
	phases.full = true;
	look_up(70002);
	assert_int_equal(said.status, KU_ST_BUSY);
}

/* ---- explain ---- */

static void
on_line(void *arg, const char *line)
{
	(void)snprintf(arg, 2000, "%s", line);
}

static void
explain_says_by_what_or_why_not(void **state)
{
	static const char *const groups[] = { "shell_users@idm.example", NULL };
	char line[2000], many[1100];

	(void)state;
	account_explain(&phases.l, &phases.view, on_line, line);
	assert_string_equal(line, "account: allowed by group shell_users");
	allow("admins");
	phases.groups[1] = (char *)(uintptr_t) "ops";
	account_explain(&phases.l, &phases.view, on_line, line);
	assert_non_null(strstr(line, "not allowed: in none of"));
	assert_non_null(strstr(line, "(admins, ops)"));
	assert_non_null(strstr(line, "only groups with POSIX attributes count"));
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	allow(many);
	account_explain(&phases.l, &phases.view, on_line, line);
	assert_non_null(strstr(line, "not allowed"));
	phases.groups[0] = NULL;
	account_explain(&phases.l, &phases.view, on_line, line);
	assert_non_null(strstr(line, "nobody may log in"));
	phases_groups(false, groups);
	account_explain(&phases.l, &phases.view, on_line, line);
	assert_non_null(strstr(line, "expired, or not yet valid"));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(login_groups_go_by_name_spn_and_uuid),
		T(a_person_may_be_listed_too),
		T(a_short_name_is_of_the_own_domain),
		T(nobody_gets_in_by_an_empty_list),
		T(expired_is_expired_whatever_the_groups),
		T(an_account_is_asked_for_afresh_and_within_a_second),
		T(only_who_may_ask_learns_anything),
		T(answers_without_a_record_are_statuses),
		T(an_answer_may_come_later_or_not_be_waited_for),
		T(anybody_may_ask_whether_a_name_is_ours),
		T(explain_says_by_what_or_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
