/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "unit/src/unixd/server/harness.h"

struct world {
	struct harness h;
	char dir[64];
	char path[100];
};

static int
setup(void **state)
{
	static struct world w;

	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/ku-listener-XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return -1;
	(void)snprintf(w.path, sizeof(w.path), "%s/run/sock", w.dir);
	harness_start(&w.h, NULL);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	char run[100];

	harness_stop(&w->h);
	(void)unlink(w->path);
	(void)snprintf(run, sizeof(run), "%s/run", w->dir);
	(void)rmdir(run);
	(void)rmdir(w->dir);
	return 0;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	(void)close(fd);
	return -errno;
}

/* A socket file as a daemon that was killed leaves it. */
static void
leave_stale_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
}

static void
expect_answer(struct world *w)
{
	struct answer_frame a;
	int fd = connect_to(w->path);

	assert_true(fd >= 0);
	harness_ask_name(fd, KU_OP_PASSWD_BY_NAME, 1, "alice");
	harness_reply(&w->h, fd, &a);
	assert_int_equal(a.h.status, KU_ST_OK);
	(void)close(fd);
	harness_settle(&w->h);
}

static void
everybody_may_connect_whatever_the_umask(void **state)
{
	struct world *w = *state;
	mode_t old = umask(077);
	struct stat st;
	char run[100];

	assert_int_equal(server_listen(w->h.server, w->path), 0);
	(void)umask(old);
	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	(void)snprintf(run, sizeof(run), "%s/run", w->dir);
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	expect_answer(w);
}

static void
a_socket_left_by_a_crash_is_replaced(void **state)
{
	struct world *w = *state;
	char run[100];

	(void)snprintf(run, sizeof(run), "%s/run", w->dir);
	assert_int_equal(mkdir(run, 0755), 0);
	leave_stale_socket(w->path);
	assert_int_equal(connect_to(w->path), -ECONNREFUSED);
	assert_int_equal(server_listen(w->h.server, w->path), 0);
	expect_answer(w);
}

static void
a_socket_that_somebody_answers_on_is_not_stolen(void **state)
{
	struct world *w = *state;
	struct harness second;

	assert_int_equal(server_listen(w->h.server, w->path), 0);
	harness_start(&second, NULL);
	assert_int_equal(server_listen(second.server, w->path), -EADDRINUSE);
	harness_stop(&second);
	expect_answer(w);
}

static void
a_file_that_is_no_socket_is_left_alone(void **state)
{
	struct world *w = *state;
	struct stat st;
	char run[100];
	int fd;

	(void)snprintf(run, sizeof(run), "%s/run", w->dir);
	assert_int_equal(mkdir(run, 0755), 0);
	fd = open(w->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(server_listen(w->h.server, w->path), -EEXIST);
	assert_int_equal(lstat(w->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void
stopping_removes_our_socket_but_not_a_successors(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(server_listen(w->h.server, w->path), 0);
	harness_stop(&w->h);
	assert_int_equal(lstat(w->path, &st), -1);

	harness_start(&w->h, NULL);
	assert_int_equal(server_listen(w->h.server, w->path), 0);
	assert_int_equal(unlink(w->path), 0);
	leave_stale_socket(w->path);
	harness_stop(&w->h);
	assert_int_equal(lstat(w->path, &st), 0);
	harness_start(&w->h, NULL);
}

static void
a_socket_of_the_service_manager_is_used_and_kept(void **state)
{
	struct world *w = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char got[108], run[100];
	struct stat st;

	(void)snprintf(run, sizeof(run), "%s/run", w->dir);
	assert_int_equal(mkdir(run, 0755), 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(server_adopt(w->h.server, fd, got), -EINVAL); /* not listening */
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(server_adopt(w->h.server, fd, got), 0);
	assert_string_equal(got, w->path);
	expect_answer(w);
	harness_stop(&w->h);
	assert_int_equal(lstat(w->path, &st), 0);
	harness_start(&w->h, NULL);
}

static void
without_descriptors_it_rests_and_then_goes_on(void **state)
{
	struct deadline deadline = deadline_in_ms(20000);
	struct world *w = *state;
	struct rlimit old, low;
	int fd, turns = 0;

	assert_int_equal(server_listen(w->h.server, w->path), 0);
	fd = connect_to(w->path);
	assert_true(fd >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	/* It must sleep between its attempts: 250 ms are a handful of turns, not thousands. */
	for (struct deadline until = deadline_in_ms(250); deadline_left_ms(until) != 0;
	     turns++)
		assert_int_equal(loop_turn(w->h.loop, 50), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(turns < 30);
	assert_int_equal(server_n_conns(w->h.server), 0);
	while (server_n_conns(w->h.server) == 0) {
		assert_int_not_equal(deadline_left_ms(deadline), 0);
		assert_int_equal(loop_turn(w->h.loop, 50), 0);
	}
	(void)close(fd);
	expect_answer(w);
}

static void
a_socket_that_was_removed_is_made_again(void **state)
{
	struct server_settings set = { .watch_ms = 20 };
	struct deadline deadline = deadline_in_ms(20000);
	struct world *w = *state;
	struct stat st;

	harness_stop(&w->h);
	harness_start(&w->h, &set);
	assert_int_equal(server_listen(w->h.server, w->path), 0);
	assert_int_equal(unlink(w->path), 0);
	while (lstat(w->path, &st) != 0) {
		assert_int_not_equal(deadline_left_ms(deadline), 0);
		assert_int_equal(loop_turn(w->h.loop, 50), 0);
	}
	expect_answer(w);
	/* what somebody else put there stays */
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(mkdir(w->path, 0755), 0);
	for (struct deadline until = deadline_in_ms(200); deadline_left_ms(until) != 0;)
		assert_int_equal(loop_turn(w->h.loop, 50), 0);
	assert_int_equal(lstat(w->path, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(rmdir(w->path), 0);
}

static void
peers_do_not_get_the_last_descriptors(void **state)
{
	struct rlimit old, low;
	struct harness h;
	int fds[40];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 120;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	harness_start(&h, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = harness_connect(&h, 5000 + (uid_t)i);
	assert_in_range(server_n_conns(h.server), 20, 35);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	harness_stop(&h);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

static void
a_path_that_does_not_fit_is_refused(void **state)
{
	struct world *w = *state;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(server_listen(w->h.server, path), -EINVAL);
	assert_int_equal(server_listen(w->h.server, ""), -EINVAL);
}

int
main(void)
{
#define LISTENER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		LISTENER_TEST(everybody_may_connect_whatever_the_umask),
		LISTENER_TEST(a_socket_left_by_a_crash_is_replaced),
		LISTENER_TEST(a_socket_that_somebody_answers_on_is_not_stolen),
		LISTENER_TEST(a_file_that_is_no_socket_is_left_alone),
		LISTENER_TEST(stopping_removes_our_socket_but_not_a_successors),
		LISTENER_TEST(a_socket_of_the_service_manager_is_used_and_kept),
		LISTENER_TEST(without_descriptors_it_rests_and_then_goes_on),
		LISTENER_TEST(a_socket_that_was_removed_is_made_again),
		LISTENER_TEST(peers_do_not_get_the_last_descriptors),
		LISTENER_TEST(a_path_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
