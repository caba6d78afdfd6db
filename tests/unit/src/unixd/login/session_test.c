/* SPDX-License-Identifier: MPL-2.0 */
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
	enum ku_session_verdict verdict;
	unsigned flags;
	char home[100];
	char text[500];
} said;

static int
setup(void **state)
{
	(void)state;
	phases_init();
	/* Whether its root is local is the test machine's business. */
	phases.l.homefs.looked_at = phases.ts.now.mono_ns;
	phases.l.homefs.is_local = true;
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
on_session(void *arg, uint16_t status, enum ku_session_verdict verdict, unsigned flags,
    const char *home, const char *text)
{
	assert_ptr_equal(arg, &said);
	said.answers++;
	said.status = status;
	said.verdict = verdict;
	said.flags = flags;
	(void)snprintf(said.home, sizeof(said.home), "%s", home);
	(void)snprintf(said.text, sizeof(said.text), "%s", text);
}

static struct login_call *
ask(uid_t caller)
{
	struct login_request q = { .caller = caller,
		.service = "sshd",
		.tty = "",
		.rhost = "" };

	assert_int_equal(name_parse("alice", 5, &q.name), 0);
	memset(&said, 0, sizeof(said));
	return login_session(&phases.l, &q, on_session, &said);
}

static void
expect(enum ku_session_verdict verdict, unsigned flags)
{
	assert_int_equal(said.answers, 1);
	assert_int_equal(said.status, KU_ST_OK);
	assert_int_equal(said.verdict, verdict);
	assert_int_equal(said.flags, flags);
}

static void
a_home_is_asked_for_and_waited_for(void **state)
{
	(void)state;
	assert_null(ask(0));
	expect(KU_SESSION_OK, 0);
	assert_int_equal(phases.homes, 1);
	assert_int_equal(phases.home.uid, ALICE);
	assert_int_equal(phases.home.gid, ALICE);
	assert_int_equal(phases.home.uuid.b[0], 0xa1);
	assert_string_equal(phases.home_names[0], "alice");
	assert_string_equal(phases.home_names[1], "alice@idm.example");
	assert_string_equal(phases.home_names[2], "alice@idm.example");
	/* alice's, and no other alice's. */
	phases.view.key = "alice@idm.example";
	(void)ask(ALICE);
	assert_string_equal(phases.home_names[0], "alice@idm.example");
	/* the account phase of this login has asked just now */
	assert_false(phases.asked_fresh);
	assert_null(ask(ALICE));
	expect(KU_SESSION_OK, 0);
}

static void
record_and_home_share_one_deadline(void **state)
{
	(void)state;
	phases.config.auth_deadline_ms = 700;
	assert_null(ask(0));
	assert_int_equal(phases.budget_ms, 700);
	assert_int_equal(phases.home_budget_ms, 700);
	phases.later = true;
	phases.config.auth_deadline_ms = 2500;
	assert_non_null(ask(0));
	assert_int_equal(phases.budget_ms, 1000);
	phases.ts.now.mono_ns += 900 * CLOCK_MS;
	phases_answer();
	assert_int_equal(phases.home_budget_ms, 1600);
	expect(KU_SESSION_OK, 0);
	assert_non_null(ask(0));
	phases.ts.now.mono_ns += 9000 * CLOCK_MS;
	phases_answer();
	assert_int_equal(phases.home_budget_ms, 0);
}

static void
without_a_home_the_person_is_told_and_home_failure_decides(void **state)
{
	(void)state;
	phases.home_result = TASKQ_FAILED;
	phases.home_text = "/home: no space left on device";
	assert_null(ask(0));
	expect(KU_SESSION_FAILED, 0);
	assert_string_equal(said.text, "/home: no space left on device");
	phases.config.home_failure = HOME_FAILURE_DENY;
	assert_null(ask(0));
	expect(KU_SESSION_FAILED, KU_SESSION_DENY);
	phases.home_text = "";
	assert_null(ask(0));
	assert_true(strlen(said.text) > 0);
	phases.home_result = TASKQ_TIMED_OUT;
	assert_null(ask(0));
	expect(KU_SESSION_FAILED, KU_SESSION_DENY);
	assert_non_null(strstr(said.text, "not ready yet"));
	phases.home_result = TASKQ_BUSY;
	phases.config.home_failure = HOME_FAILURE_ALLOW;
	assert_null(ask(0));
	expect(KU_SESSION_FAILED, 0);
	assert_non_null(strstr(said.text, "too many"));
}

static void
without_tasks_the_module_may_look_where_that_cannot_hang(void **state)
{
	(void)state;
	phases.home_result = TASKQ_NO_TASKS;
	assert_null(ask(0));
	expect(KU_SESSION_NO_TASKS, KU_SESSION_LOOK);
	assert_string_equal(said.home, "/home/alice");
	assert_true(strlen(said.text) > 0);
	phases.l.homefs.is_local = false;
	assert_null(ask(0));
	expect(KU_SESSION_NO_TASKS, 0);
	phases.config.home_failure = HOME_FAILURE_DENY;
	assert_null(ask(0));
	expect(KU_SESSION_NO_TASKS, KU_SESSION_DENY);
	/* as if tasks were never there */
	phases.l.ports.taskq = NULL;
	phases.homes = 0;
	phases.config.home_failure = HOME_FAILURE_ALLOW;
	phases.l.homefs.is_local = true;
	assert_null(ask(0));
	expect(KU_SESSION_NO_TASKS, KU_SESSION_LOOK);
	assert_int_equal(phases.homes, 0);
	phases.later = true;
	assert_non_null(ask(0));
	phases_answer();
	expect(KU_SESSION_NO_TASKS, KU_SESSION_LOOK);
}

static void
nobody_has_homes_made_for_others(void **state)
{
	(void)state;
	assert_null(ask(70002));
	assert_int_equal(said.status, KU_ST_DENIED);
	phases.l.callers.hides = true;
	assert_null(ask(65534));
	assert_int_equal(said.status, KU_ST_DENIED);
	assert_int_equal(phases.homes, 0);
}

static void
without_an_account_there_is_no_session(void **state)
{
	static const struct {
		enum answer answer;
		uint16_t status;
	} rows[] = {
		{ ANSWER_LOCAL, KU_ST_LOCAL },
		{ ANSWER_NOTFOUND, KU_ST_NOTFOUND },
		{ ANSWER_UNAVAIL, KU_ST_UNAVAIL },
		{ ANSWER_BUSY, KU_ST_BUSY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		phases.answer = rows[i].answer;
		assert_null(ask(0));
		assert_int_equal(said.answers, 1);
		assert_int_equal(said.status, rows[i].status);
	}
	phases.full = true;
	assert_null(ask(0));
	assert_int_equal(said.status, KU_ST_BUSY);
	assert_int_equal(phases.homes, 0);
}

static void
each_wait_may_end_later_or_be_left(void **state)
{
	struct login_call *c;

	(void)state;
	phases.later = true;
	phases.home_later = true;
	assert_non_null(ask(0));
	phases_answer();
	assert_int_equal(said.answers, 0);
	phases_home();
	expect(KU_SESSION_OK, 0);
	assert_string_equal(said.home, "/home/alice");
	/* leaves while the record is asked for, and while the home is made */
	c = ask(0);
	c->drop(c);
	assert_int_equal(phases.cancelled, 1);
	c = ask(0);
	phases_answer();
	c->drop(c);
	assert_int_equal(phases.homes_cancelled, 1);
	assert_int_equal(said.answers, 0);
	/* the record at once, the home later */
	phases.later = false;
	c = ask(0);
	assert_non_null(c);
	c->drop(c);
	assert_int_equal(phases.homes_cancelled, 2);
	assert_non_null(ask(0));
	phases_home();
	expect(KU_SESSION_OK, 0);
	/* the record later, the home at once */
	phases.later = true;
	phases.home_later = false;
	assert_non_null(ask(0));
	phases_answer();
	expect(KU_SESSION_OK, 0);
	assert_int_equal(phases.cancelled, 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_home_is_asked_for_and_waited_for),
		T(record_and_home_share_one_deadline),
		T(without_a_home_the_person_is_told_and_home_failure_decides),
		T(without_tasks_the_module_may_look_where_that_cannot_hang),
		T(nobody_has_homes_made_for_others),
		T(without_an_account_there_is_no_session),
		T(each_wait_may_end_later_or_be_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
