/* SPDX-License-Identifier: MPL-2.0 */
/* Who may be tasks, and who may not. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "unit/src/unixd/taskq/kit.h"

static void
a_newer_connection_takes_over_once_it_has_said_hello(void **state)
{
	struct heard got;
	struct asker *k;
	int old = kit_greeted(), fd;

	(void)state;
	k = kit_ask_for(0, 70001, "alice", 2500);
	assert_true(kit_hear(old, &got));
	fd = kit_arrive();
	kit_settle();
	assert_false(kit_is_over(old));
	kit_say(fd, KU_OP_TASK_HELLO, 1, 0, "0.1.1");
	assert_true(kit_is_over(old));
	assert_true(kit_hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HELLO);
	assert_true(kit_hear(fd, &got));
	assert_string_equal(got.name, "alice");
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	kit_expect(k, TASKQ_OK, "");
	(void)close(old);
	(void)close(fd);
}

static void
whoever_talks_nonsense_is_hung_up_on(void **state)
{
	static const char garbage[32] = "GET / HTTP/1.1\r\n\r\n";
	struct frame_header h = { .version = 9, .op = KU_OP_TASK_HELLO, .serial = 5 };
	uint8_t frame[KU_WIRE_HEADER_LEN];
	struct heard got;
	struct asker *k;
	int fd;

	(void)state;
	/* instead of HELLO */
	fd = kit_arrive();
	kit_say(fd, KU_OP_TASK_HOME, 1, 0, "");
	assert_true(kit_is_over(fd));
	(void)close(fd);
	fd = kit_arrive();
	assert_true(send(fd, garbage, sizeof(garbage), 0) > 0);
	kit_settle();
	assert_true(kit_is_over(fd));
	(void)close(fd);
	/* another version is told so */
	fd = kit_arrive();
	frame_put(frame, &h);
	frame[2] = 9;
	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	kit_settle();
	assert_true(kit_hear(fd, &got));
	assert_int_equal(got.h.status, KU_ST_VERSION);
	assert_int_equal(got.h.serial, 5);
	assert_true(kit_is_over(fd));
	(void)close(fd);
	/* nothing at all */
	fd = kit_arrive();
	kit_pass(5000);
	assert_true(kit_is_over(fd));
	(void)close(fd);
	/* an answer to something else: no home is believed to be there */
	fd = kit_greeted();
	kit_say(fd, KU_OP_TASK_HOME, 12345, KU_ST_OK, "");
	assert_true(kit_is_over(fd));
	(void)close(fd);
	fd = kit_greeted();
	k = kit_ask_for(0, 70001, "alice", 2500);
	assert_true(kit_hear(fd, &got));
	kit_say(fd, KU_OP_TASK_HOME, got.h.serial - 1, KU_ST_OK, "");
	assert_true(kit_is_over(fd));
	assert_int_equal(k->answers, 0);
	(void)close(fd);
	assert_false(taskq_is_connected(kit.q));
}

static void
silent_strangers_are_few(void **state)
{
	int fds[9];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = kit_arrive();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(kit_is_over(fds[i]), i == 8);
		(void)close(fds[i]);
	}
	kit_settle();
	(void)close(kit_greeted());
}

static int
knock(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", kit.path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return fd;
}

static void
anybody_may_knock_and_only_root_is_let_in(void **state)
{
	struct stat st;
	int status_of = 0, fd;
	pid_t pid;

	(void)state;
	assert_int_equal(stat(kit.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	fd = knock();
	assert_true(fd >= 0);
	kit_settle();
	assert_int_equal(kit.q->n_strangers, geteuid() == 0 ? 1 : 0);
	(void)close(fd);
	kit_settle();
	assert_int_equal(kit.q->n_strangers, 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(kit.dir, 0755), 0);
	pid = fork();
	if (pid == 0) {
		char c;

		if (setresuid(1234, 1234, 1234) != 0)
			_exit(2);
		fd = knock();
		if (fd < 0)
			_exit(3);
		/* hung up on without a word */
		_exit(recv(fd, &c, 1, 0) == 0 ? 0 : 4);
	}
	assert_true(pid > 0);
	for (struct deadline d = deadline_in_ms(20000); deadline_left_ms(d) > 0;) {
		assert_int_equal(loop_turn(kit.l, 10), 0);
		assert_int_equal(kit.q->n_strangers, 0);
		if (waitpid(pid, &status_of, WNOHANG) == pid)
			break;
	}
	assert_true(WIFEXITED(status_of));
	assert_int_equal(WEXITSTATUS(status_of), 0);
	assert_false(taskq_is_connected(kit.q));
}

static void
a_path_where_nothing_can_be_bound_is_as_if_tasks_never_came(void **state)
{
	struct taskq *q;
	struct hunt h = { .key = "tasks" };
	struct asker k = { 0 };
	const struct taskq_home home = { .name = "a", .spn = "a@b", .shown = "a" };

	(void)state;
	assert_int_equal(taskq_new(kit.l, "/proc/no/such/dir/task_sock", &q), 0);
	assert_null(taskq_home(q, &home, 2500, kit_on_answer, &k));
	kit_expect(&k, TASKQ_NO_TASKS, "");
	taskq_status(q, kit_on_pair, &h);
	assert_non_null(
	    strstr(h.value, "cannot listen at /proc/no/such/dir/task_sock: "));
	assert_null(taskq_free(q));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		T(a_newer_connection_takes_over_once_it_has_said_hello),
		T(whoever_talks_nonsense_is_hung_up_on),
		T(silent_strangers_are_few),
		T(anybody_may_knock_and_only_root_is_let_in),
		T(a_path_where_nothing_can_be_bound_is_as_if_tasks_never_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
