/* SPDX-License-Identifier: MPL-2.0 */
/* Jobs, and those who wait for them. */
#include "src/unixd/taskq/taskq.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "unit/src/unixd/taskq/kit.h"

static void
a_home_is_made_and_the_asker_told(void **state)
{
	struct asker *k;
	struct heard got;
	int fd = kit_greeted();

	(void)state;
	assert_string_equal(kit_status("tasks"), "connected");
	assert_string_equal(kit_status("tasks_version"), "0.1.0");
	k = kit_ask_for(0, 70001, "alice", 2500);
	assert_true(kit_hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HOME);
	assert_int_equal(got.uid, 70001);
	assert_string_equal(got.name, "alice");
	assert_int_equal(k->answers, 0);
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	kit_expect(k, TASKQ_OK, "");
	k = kit_ask_for(1, 70002, "bob", 2500);
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_UNAVAIL, "/home: no space left");
	kit_expect(k, TASKQ_FAILED, "/home: no space left");
	assert_string_equal(kit_status("tasks_trouble"),
	    "bob@idm.example: /home: no space left");
	(void)close(fd);
}

static void
the_same_home_is_one_job_and_jobs_go_one_by_one(void **state)
{
	struct heard got, none;
	int fd = kit_greeted();

	(void)state;
	for (size_t i = 0; i < 50; i++)
		kit_ask_for(i, 70001, "alice", 2500);
	kit_ask_for(50, 70002, "bob", 2500);
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "alice");
	assert_false(kit_hear(fd, &none));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	for (size_t i = 0; i < 50; i++)
		kit_expect(&kit.askers[i], TASKQ_OK, "");
	assert_int_equal(kit.askers[50].answers, 0);
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "bob");
	assert_false(kit_hear(fd, &none));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	kit_expect(&kit.askers[50], TASKQ_OK, "");
	/* the same person under a new name is another job */
	kit_ask_for(0, 70001, "alice", 2500);
	kit_ask_for(1, 70001, "alicia", 2500);
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_int_equal(kit.askers[1].answers, 0);
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "alicia");
	(void)close(fd);
}

static void
tasks_that_hangs_costs_everybody_their_own_budget_only(void **state)
{
	struct asker *slow, *quick, *none;
	struct heard got;
	int fd = kit_greeted();

	(void)state;
	slow = kit_ask_for(0, 70001, "alice", 2500);
	quick = kit_ask_for(1, 70002, "bob", 500);
	none = kit_ask_for(2, 70003, "carol", 0);
	kit_pass(0);
	kit_expect(none, TASKQ_TIMED_OUT, "");
	kit_pass(500);
	kit_expect(quick, TASKQ_TIMED_OUT, "");
	assert_int_equal(slow->answers, 0);
	kit_pass(2000);
	kit_expect(slow, TASKQ_TIMED_OUT, "");
	kit_pass(3000);
	assert_non_null(
	    strstr(kit_status("tasks"), "has not answered for 5 s, 3 waiting"));
	/* it wakes up: the jobs of those who have left are done all the same */
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "bob");
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "carol");
	(void)close(fd);
}

static void
an_asker_may_leave(void **state)
{
	struct heard got;
	int fd = kit_greeted();

	(void)state;
	taskq_cancel(kit_ask_for(0, 70001, "alice", 2500)->w);
	kit_ask_for(1, 70001, "alice", 2500);
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_int_equal(kit.askers[0].answers, 0);
	kit_expect(&kit.askers[1], TASKQ_OK, "");
	taskq_cancel(NULL);
	(void)close(fd);
}

static void
after_the_start_tasks_is_waited_for(void **state)
{
	struct asker *k = kit_ask_for(0, 70001, "alice", 2500);
	struct heard got;
	int fd;

	(void)state;
	assert_int_equal(k->answers, 0);
	assert_string_equal(kit_status("tasks"), "not connected");
	/* not longer than its budget */
	kit_pass(2500);
	kit_expect(k, TASKQ_NO_TASKS, "");
	/* and it comes: the job waits for it, as do those who ask now */
	k = kit_ask_for(1, 70002, "bob", 2500);
	fd = kit_greeted();
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "alice");
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	kit_expect(k, TASKQ_OK, "");
	(void)close(fd);
}

static void
later_nobody_waits_for_a_tasks_daemon_that_is_not_there(void **state)
{
	struct asker *k = kit_ask_for(0, 70001, "alice", 60000);

	(void)state;
	kit_pass(TASKQ_COMING_S * 1000 - 100);
	assert_int_equal(k->answers, 0);
	kit_pass(100);
	kit_expect(k, TASKQ_NO_TASKS, "");
	k = kit_ask_for(1, 70001, "alice", 60000);
	kit_expect(k, TASKQ_NO_TASKS, "");
}

static void
a_restart_of_tasks_loses_nothing(void **state)
{
	struct heard got, again;
	struct asker *k;
	int fd = kit_greeted();

	(void)state;
	k = kit_ask_for(0, 70001, "alice", 2500);
	kit_ask_for(1, 70002, "bob", 2500);
	assert_true(kit_hear(fd, &got));
	(void)close(fd);
	kit_settle();
	assert_false(taskq_is_connected(kit.q));
	assert_int_equal(k->answers, 0);
	fd = kit_greeted();
	assert_true(kit_hear(fd, &again));
	assert_string_equal(again.name, "alice");
	assert_int_not_equal(again.h.serial, got.h.serial);
	kit_say(fd, KU_OP_TASK_HOME, again.h.serial, KU_ST_OK, "");
	kit_expect(k, TASKQ_OK, "");
	assert_true(kit_hear(fd, &again));
	assert_string_equal(again.name, "bob");
	/* and this time it does not come back */
	(void)close(fd);
	kit_settle();
	assert_int_equal(kit.askers[1].answers, 0);
	kit_pass(1000);
	kit_expect(&kit.askers[1], TASKQ_NO_TASKS, "");
}

static void
a_job_that_tasks_dies_of_is_given_up(void **state)
{
	struct heard got;
	struct asker *k;

	(void)state;
	k = kit_ask_for(0, 70001, "alice", 60000);
	kit_ask_for(1, 70002, "bob", 60000);
	for (int i = 0; i < 3; i++) {
		int fd = kit_greeted();

		assert_int_equal(k->answers, 0);
		assert_true(kit_hear(fd, &got));
		assert_string_equal(got.name, "alice");
		(void)close(fd);
		kit_settle();
	}
	assert_int_equal(k->answers, 1);
	assert_int_equal(k->res, TASKQ_FAILED);
	assert_non_null(strstr(k->text, "ended while"));
	assert_int_equal(kit.askers[1].answers, 0);
	{
		int fd = kit_greeted();

		assert_true(kit_hear(fd, &got));
		assert_string_equal(got.name, "bob");
		(void)close(fd);
	}
}

static void
there_are_only_so_many_jobs(void **state)
{
	struct asker *k;
	char name[32];
	int fd = kit_greeted();

	(void)state;
	for (uint32_t i = 0; i < TASKQ_MAX_JOBS; i++) {
		(void)snprintf(name, sizeof(name), "u%u", i);
		assert_int_equal(kit_ask_for(i, 70000 + i, name, 2500)->answers, 0);
	}
	k = kit_ask_for(TASKQ_MAX_JOBS, 60000, "late", 2500);
	kit_expect(k, TASKQ_BUSY, "");
	/* one that is there already is not one more */
	k = kit_ask_for(TASKQ_MAX_JOBS, 70007, "u7", 2500);
	assert_int_equal(k->answers, 0);
	(void)close(fd);
}

static void
askers_are_answered_before_the_end(void **state)
{
	struct asker *k;
	int fd = kit_greeted();

	(void)state;
	k = kit_ask_for(0, 70001, "alice", 2500);
	kit_ask_for(1, 70002, "bob", 2500);
	kit.q = taskq_free(kit.q);
	kit_expect(k, TASKQ_NO_TASKS, "");
	kit_expect(&kit.askers[1], TASKQ_NO_TASKS, "");
	(void)close(fd);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(a_home_is_made_and_the_asker_told),
		T(the_same_home_is_one_job_and_jobs_go_one_by_one),
		T(tasks_that_hangs_costs_everybody_their_own_budget_only),
		T(an_asker_may_leave),
		T(after_the_start_tasks_is_waited_for),
		T(later_nobody_waits_for_a_tasks_daemon_that_is_not_there),
		T(a_restart_of_tasks_loses_nothing),
		T(a_job_that_tasks_dies_of_is_given_up),
		T(there_are_only_so_many_jobs),
		T(askers_are_answered_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
