/* SPDX-License-Identifier: MPL-2.0 */
/* The queue on a real loop, with the test as tasks at the other end of a socket. */
#include "src/unixd/taskq/taskq.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/taskq/internal.h"

#define MAX_ASKERS (TASKQ_MAX_JOBS + 8)

struct asker {
	unsigned answers;
	enum taskq_result res;
	char text[MESSAGE_TEXT_MAX];
	struct taskq_waiter *w;
};

static struct world {
	struct loop *l;
	struct taskq *q;
	char dir[64];
	char path[100];
	struct asker askers[MAX_ASKERS];
} w;

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/ku-taskq-XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return -1;
	(void)snprintf(w.path, sizeof(w.path), "%s/task_sock", w.dir);
	assert_int_equal(loop_new(&w.l), 0);
	assert_int_equal(loop_turn(w.l, 0), 0);
	assert_int_equal(taskq_new(w.l, w.path, &w.q), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_null(taskq_free(w.q));
	assert_null(loop_free(w.l));
	assert_int_equal(access(w.path, F_OK), -1);
	assert_int_equal(rmdir(w.dir), 0);
	return 0;
}

static void
settle(void)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(loop_turn(w.l, 0), 0);
}

/* As if so much time had passed, for the timers only. */
static void
pass(int64_t ms)
{
	struct timers *ts = loop_timers(w.l);

	ts->now.mono_ns += ms * CLOCK_MS;
	timers_run(ts);
}

/* ---- tasks, played ---- */

static int
arrive(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			     0, sv),
	    0);
	peer_adopt(w.q, sv[0]);
	return sv[1];
}

static void
say(int fd, uint16_t op, uint32_t serial, uint16_t status, const char *text)
{
	struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = op,
		.serial = serial,
		.status = status };
	uint8_t frame[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REPLY];
	struct enc e;

	enc_init(&e, frame + KU_WIRE_HEADER_LEN, KU_TASK_MAX_REPLY);
	enc_u32(&e, (uint32_t)strlen(text) + 1);
	enc_strz(&e, text);
	h.length = (uint32_t)e.len;
	frame_put(frame, &h);
	assert_int_equal(send(fd, frame, KU_WIRE_HEADER_LEN + e.len, MSG_NOSIGNAL),
	    KU_WIRE_HEADER_LEN + e.len);
	settle();
}

struct heard {
	struct frame_header h;
	uint32_t uid;
	char name[100];
};

/* One frame; false: nothing there (or the end). */
static bool
hear(int fd, struct heard *ret)
{
	uint8_t head[KU_WIRE_HEADER_LEN], body[KU_TASK_MAX_REQ];
	struct dec d;

	memset(ret, 0, sizeof(*ret));
	if (recv(fd, head, sizeof(head), 0) != sizeof(head))
		return false;
	assert_int_equal(frame_get(head, &ret->h), 0);
	assert_true(ret->h.length <= sizeof(body));
	if (ret->h.length == 0)
		return true;
	assert_int_equal(recv(fd, body, ret->h.length, 0), ret->h.length);
	dec_init(&d, body, ret->h.length);
	(void)dec_bytes(&d, 16);
	ret->uid = dec_u32(&d);
	(void)dec_u32(&d);
	(void)dec_u32(&d);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", dec_strz(&d));
	return true;
}

/* Has it been hung up on? */
static bool
is_over(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK) == 0;
}

static int
greeted(void)
{
	struct heard got;
	int fd = arrive();

	say(fd, KU_OP_TASK_HELLO, 77, 0, "0.1.0");
	assert_true(hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HELLO);
	assert_int_equal(got.h.serial, 77);
	assert_int_equal(got.h.status, KU_ST_OK);
	assert_int_equal(got.h.length, 0);
	assert_true(taskq_is_connected(w.q));
	return fd;
}

/* ---- askers ---- */

static void
on_answer(void *arg, enum taskq_result res, const char *text)
{
	struct asker *k = arg;

	k->answers++;
	k->res = res;
	(void)snprintf(k->text, sizeof(k->text), "%s", text);
	k->w = NULL;
}

static struct asker *
ask_for(size_t i, uint32_t uid, const char *name, int budget_ms)
{
	struct taskq_home home = { .uid = uid, .gid = uid, .name = name, .shown = name };
	struct asker *k = &w.askers[i];
	struct taskq_waiter *waiter;
	char spn[100];

	(void)snprintf(spn, sizeof(spn), "%s@idm.example", name);
	home.spn = spn;
	memcpy(home.uuid.b, &uid, sizeof(uid));
	*k = (struct asker){ 0 };
	waiter = taskq_home(w.q, &home, budget_ms, on_answer, k);
	assert_true((waiter == NULL) == (k->answers == 1));
	k->w = waiter;
	return k;
}

static void
expect(const struct asker *k, enum taskq_result res, const char *text)
{
	assert_int_equal(k->answers, 1);
	assert_int_equal(k->res, res);
	assert_string_equal(k->text, text);
}

struct hunt {
	const char *key;
	char value[512];
};

static void
on_pair(void *arg, const char *key, const char *value)
{
	struct hunt *h = arg;

	if (streq(h->key, key))
		(void)snprintf(h->value, sizeof(h->value), "%s", value);
}

static const char *
status(const char *key)
{
	static struct hunt h;

	h = (struct hunt){ .key = key };
	taskq_status(w.q, on_pair, &h);
	return h.value;
}

/* ---- tests ---- */

static void
a_home_is_made_and_the_asker_told(void **state)
{
	struct asker *k;
	struct heard got;
	int fd = greeted();

	(void)state;
	assert_string_equal(status("tasks"), "connected");
	assert_string_equal(status("tasks_version"), "0.1.0");
	k = ask_for(0, 70001, "alice", 2500);
	assert_true(hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HOME);
	assert_int_equal(got.uid, 70001);
	assert_string_equal(got.name, "alice");
	assert_int_equal(k->answers, 0);
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	expect(k, TASKQ_OK, "");
	k = ask_for(1, 70002, "bob", 2500);
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_UNAVAIL, "/home: no space left");
	expect(k, TASKQ_FAILED, "/home: no space left");
	assert_string_equal(status("tasks_trouble"),
	    "bob@idm.example: /home: no space left");
	(void)close(fd);
}

static void
the_same_home_is_one_job_and_jobs_go_one_by_one(void **state)
{
	struct heard got, none;
	int fd = greeted();

	(void)state;
	for (size_t i = 0; i < 50; i++)
		ask_for(i, 70001, "alice", 2500);
	ask_for(50, 70002, "bob", 2500);
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "alice");
	assert_false(hear(fd, &none));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	for (size_t i = 0; i < 50; i++)
		expect(&w.askers[i], TASKQ_OK, "");
	assert_int_equal(w.askers[50].answers, 0);
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "bob");
	assert_false(hear(fd, &none));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	expect(&w.askers[50], TASKQ_OK, "");
	/* the same person under a new name is another job */
	ask_for(0, 70001, "alice", 2500);
	ask_for(1, 70001, "alicia", 2500);
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_int_equal(w.askers[1].answers, 0);
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "alicia");
	(void)close(fd);
}

static void
tasks_that_hangs_costs_everybody_their_own_budget_only(void **state)
{
	struct asker *slow, *quick, *none;
	struct heard got;
	int fd = greeted();

	(void)state;
	slow = ask_for(0, 70001, "alice", 2500);
	quick = ask_for(1, 70002, "bob", 500);
	none = ask_for(2, 70003, "carol", 0);
	pass(0);
	expect(none, TASKQ_TIMED_OUT, "");
	pass(500);
	expect(quick, TASKQ_TIMED_OUT, "");
	assert_int_equal(slow->answers, 0);
	pass(2000);
	expect(slow, TASKQ_TIMED_OUT, "");
	pass(3000);
	assert_non_null(strstr(status("tasks"), "has not answered for 5 s, 3 waiting"));
	/* it wakes up: the jobs of those who have left are done all the same */
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "bob");
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "carol");
	(void)close(fd);
}

static void
an_asker_may_leave(void **state)
{
	struct heard got;
	int fd = greeted();

	(void)state;
	taskq_cancel(ask_for(0, 70001, "alice", 2500)->w);
	ask_for(1, 70001, "alice", 2500);
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_int_equal(w.askers[0].answers, 0);
	expect(&w.askers[1], TASKQ_OK, "");
	taskq_cancel(NULL);
	(void)close(fd);
}

static void
after_the_start_tasks_is_waited_for(void **state)
{
	struct asker *k = ask_for(0, 70001, "alice", 2500);
	struct heard got;
	int fd;

	(void)state;
	assert_int_equal(k->answers, 0);
	assert_string_equal(status("tasks"), "not connected");
	/* not longer than its budget */
	pass(2500);
	expect(k, TASKQ_NO_TASKS, "");
	/* and it comes: the job waits for it, as do those who ask now */
	k = ask_for(1, 70002, "bob", 2500);
	fd = greeted();
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "alice");
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	expect(k, TASKQ_OK, "");
	(void)close(fd);
}

static void
later_nobody_waits_for_a_tasks_daemon_that_is_not_there(void **state)
{
	struct asker *k = ask_for(0, 70001, "alice", 60000);

	(void)state;
	pass(TASKQ_COMING_S * 1000 - 100);
	assert_int_equal(k->answers, 0);
	pass(100);
	expect(k, TASKQ_NO_TASKS, "");
	k = ask_for(1, 70001, "alice", 60000);
	expect(k, TASKQ_NO_TASKS, "");
}

static void
a_restart_of_tasks_loses_nothing(void **state)
{
	struct heard got, again;
	struct asker *k;
	int fd = greeted();

	(void)state;
	k = ask_for(0, 70001, "alice", 2500);
	ask_for(1, 70002, "bob", 2500);
	assert_true(hear(fd, &got));
	(void)close(fd);
	settle();
	assert_false(taskq_is_connected(w.q));
	assert_int_equal(k->answers, 0);
	fd = greeted();
	assert_true(hear(fd, &again));
	assert_string_equal(again.name, "alice");
	assert_int_not_equal(again.h.serial, got.h.serial);
	say(fd, KU_OP_TASK_HOME, again.h.serial, KU_ST_OK, "");
	expect(k, TASKQ_OK, "");
	assert_true(hear(fd, &again));
	assert_string_equal(again.name, "bob");
	/* and this time it does not come back */
	(void)close(fd);
	settle();
	assert_int_equal(w.askers[1].answers, 0);
	pass(1000);
	expect(&w.askers[1], TASKQ_NO_TASKS, "");
}

static void
a_job_that_tasks_dies_of_is_given_up(void **state)
{
	struct heard got;
	struct asker *k;

	(void)state;
	k = ask_for(0, 70001, "alice", 60000);
	ask_for(1, 70002, "bob", 60000);
	for (int i = 0; i < 3; i++) {
		int fd = greeted();

		assert_int_equal(k->answers, 0);
		assert_true(hear(fd, &got));
		assert_string_equal(got.name, "alice");
		(void)close(fd);
		settle();
	}
	assert_int_equal(k->answers, 1);
	assert_int_equal(k->res, TASKQ_FAILED);
	assert_non_null(strstr(k->text, "ended while"));
	assert_int_equal(w.askers[1].answers, 0);
	{
		int fd = greeted();

		assert_true(hear(fd, &got));
		assert_string_equal(got.name, "bob");
		(void)close(fd);
	}
}

static void
a_newer_connection_takes_over_once_it_has_said_hello(void **state)
{
	struct heard got;
	struct asker *k;
	int old = greeted(), fd;

	(void)state;
	k = ask_for(0, 70001, "alice", 2500);
	assert_true(hear(old, &got));
	fd = arrive();
	settle();
	assert_false(is_over(old));
	say(fd, KU_OP_TASK_HELLO, 1, 0, "0.1.1");
	assert_true(is_over(old));
	assert_true(hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HELLO);
	assert_true(hear(fd, &got));
	assert_string_equal(got.name, "alice");
	say(fd, KU_OP_TASK_HOME, got.h.serial, KU_ST_OK, "");
	expect(k, TASKQ_OK, "");
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
	fd = arrive();
	say(fd, KU_OP_TASK_HOME, 1, 0, "");
	assert_true(is_over(fd));
	(void)close(fd);
	fd = arrive();
	assert_true(send(fd, garbage, sizeof(garbage), 0) > 0);
	settle();
	assert_true(is_over(fd));
	(void)close(fd);
	/* another version is told so */
	fd = arrive();
	frame_put(frame, &h);
	frame[2] = 9;
	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	settle();
	assert_true(hear(fd, &got));
	assert_int_equal(got.h.status, KU_ST_VERSION);
	assert_int_equal(got.h.serial, 5);
	assert_true(is_over(fd));
	(void)close(fd);
	/* nothing at all */
	fd = arrive();
	pass(5000);
	assert_true(is_over(fd));
	(void)close(fd);
	/* an answer to something else: no home is believed to be there */
	fd = greeted();
	say(fd, KU_OP_TASK_HOME, 12345, KU_ST_OK, "");
	assert_true(is_over(fd));
	(void)close(fd);
	fd = greeted();
	k = ask_for(0, 70001, "alice", 2500);
	assert_true(hear(fd, &got));
	say(fd, KU_OP_TASK_HOME, got.h.serial - 1, KU_ST_OK, "");
	assert_true(is_over(fd));
	assert_int_equal(k->answers, 0);
	(void)close(fd);
	assert_false(taskq_is_connected(w.q));
}

static void
silent_strangers_are_few(void **state)
{
	int fds[9];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = arrive();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		assert_int_equal(is_over(fds[i]), i == 8);
		(void)close(fds[i]);
	}
	settle();
	(void)close(greeted());
}

static void
there_are_only_so_many_jobs(void **state)
{
	struct asker *k;
	char name[32];
	int fd = greeted();

	(void)state;
	for (uint32_t i = 0; i < TASKQ_MAX_JOBS; i++) {
		(void)snprintf(name, sizeof(name), "u%u", i);
		assert_int_equal(ask_for(i, 70000 + i, name, 2500)->answers, 0);
	}
	k = ask_for(TASKQ_MAX_JOBS, 60000, "late", 2500);
	expect(k, TASKQ_BUSY, "");
	/* one that is there already is not one more */
	k = ask_for(TASKQ_MAX_JOBS, 70007, "u7", 2500);
	assert_int_equal(k->answers, 0);
	(void)close(fd);
}

static void
askers_are_answered_before_the_end(void **state)
{
	struct asker *k;
	int fd = greeted();

	(void)state;
	k = ask_for(0, 70001, "alice", 2500);
	ask_for(1, 70002, "bob", 2500);
	w.q = taskq_free(w.q);
	expect(k, TASKQ_NO_TASKS, "");
	expect(&w.askers[1], TASKQ_NO_TASKS, "");
	(void)close(fd);
}

static int
knock(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w.path);
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
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	fd = knock();
	assert_true(fd >= 0);
	settle();
	assert_int_equal(w.q->n_strangers, geteuid() == 0 ? 1 : 0);
	(void)close(fd);
	settle();
	assert_int_equal(w.q->n_strangers, 0);
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(w.dir, 0755), 0);
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
		assert_int_equal(loop_turn(w.l, 10), 0);
		assert_int_equal(w.q->n_strangers, 0);
		if (waitpid(pid, &status_of, WNOHANG) == pid)
			break;
	}
	assert_true(WIFEXITED(status_of));
	assert_int_equal(WEXITSTATUS(status_of), 0);
	assert_false(taskq_is_connected(w.q));
}

static void
a_path_where_nothing_can_be_bound_is_as_if_tasks_never_came(void **state)
{
	struct taskq *q;
	struct hunt h = { .key = "tasks" };
	struct asker k = { 0 };
	const struct taskq_home home = { .name = "a", .spn = "a@b", .shown = "a" };

	(void)state;
	assert_int_equal(taskq_new(w.l, "/proc/no/such/dir/task_sock", &q), 0);
	assert_null(taskq_home(q, &home, 2500, on_answer, &k));
	expect(&k, TASKQ_NO_TASKS, "");
	taskq_status(q, on_pair, &h);
	assert_non_null(
	    strstr(h.value, "cannot listen at /proc/no/such/dir/task_sock: "));
	assert_null(taskq_free(q));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_home_is_made_and_the_asker_told),
		T(the_same_home_is_one_job_and_jobs_go_one_by_one),
		T(tasks_that_hangs_costs_everybody_their_own_budget_only),
		T(an_asker_may_leave),
		T(after_the_start_tasks_is_waited_for),
		T(later_nobody_waits_for_a_tasks_daemon_that_is_not_there),
		T(a_restart_of_tasks_loses_nothing),
		T(a_job_that_tasks_dies_of_is_given_up),
		T(a_newer_connection_takes_over_once_it_has_said_hello),
		T(whoever_talks_nonsense_is_hung_up_on),
		T(silent_strangers_are_few),
		T(there_are_only_so_many_jobs),
		T(askers_are_answered_before_the_end),
		T(anybody_may_knock_and_only_root_is_let_in),
		T(a_path_where_nothing_can_be_bound_is_as_if_tasks_never_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
