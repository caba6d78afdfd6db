/* SPDX-License-Identifier: MPL-2.0 */
#include "src/prog/sdnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "scratch.h"

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&sun,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len +
				 (path[0] != '@'))),
	    0);
	return fd;
}

static void
assert_heard(int fd, const char *want)
{
	char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void
test_nobody_asked_is_success(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(sdnotify("READY=1"), 0);
}

static void
test_a_socket_in_the_file_system_hears_us(void **state)
{
	char path[64];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/notify", scratch_dir);
	fd = listen_at(path);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	assert_int_equal(sdnotify("READY=1\nSTATUS=online"), 0);
	assert_heard(fd, "READY=1\nSTATUS=online");
	assert_int_equal(sdnotifyf("STATUS=%d users", 42), 0);
	assert_heard(fd, "STATUS=42 users");
	assert_int_equal(close(fd), 0);
}

static void
test_an_abstract_socket_hears_us(void **state)
{
	char path[64];
	int fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "@%s", scratch_dir);
	fd = listen_at(path);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	assert_int_equal(sdnotify("READY=1"), 0);
	assert_heard(fd, "READY=1");
	assert_int_equal(close(fd), 0);
}

static void
test_a_bad_or_dead_socket_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	assert_int_equal(sdnotify("READY=1"), -EINVAL);
	assert_int_equal(setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1), 0);
	assert_int_equal(sdnotify("READY=1"), -ENOENT);
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void
set_pid(const char *name, pid_t pid)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	assert_int_equal(setenv(name, text, 1), 0);
}

static void
test_the_watchdog_is_ours_only(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(sdnotify_watchdog_usec(), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30000000", 1), 0);
	assert_int_equal(sdnotify_watchdog_usec(), 30000000);
	set_pid("WATCHDOG_PID", getpid());
	assert_int_equal(sdnotify_watchdog_usec(), 30000000);
	set_pid("WATCHDOG_PID", getppid());
	assert_int_equal(sdnotify_watchdog_usec(), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(setenv("WATCHDOG_USEC", "30s", 1), 0);
	assert_int_equal(sdnotify_watchdog_usec(), 0);
}

static void
test_passed_descriptors_are_counted_once(void **state)
{
	char *names;

	(void)state;
	assert_true(dup2(STDERR_FILENO, 3) == 3);
	assert_int_equal(fcntl(3, F_SETFD, 0), 0);
	set_pid("LISTEN_PID", getpid());
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_FDNAMES", "sock", 1), 0);
	assert_int_equal(sdnotify_listen_fds(&names), 1);
	assert_string_equal(names, "sock");
	free(names);
	assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDNAMES"));
	assert_int_equal(sdnotify_listen_fds(&names), 0);
	assert_null(names);
	assert_int_equal(close(3), 0);
}

static void
test_descriptors_of_another_process_are_not_taken(void **state)
{
	char *names;

	(void)state;
	set_pid("LISTEN_PID", getppid());
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(sdnotify_listen_fds(&names), 0);
	set_pid("LISTEN_PID", getpid());
	assert_int_equal(setenv("LISTEN_FDS", "99999999999", 1), 0);
	assert_int_equal(sdnotify_listen_fds(&names), 0);
	assert_null(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_asked_is_success),
		cmocka_unit_test(test_a_socket_in_the_file_system_hears_us),
		cmocka_unit_test(test_an_abstract_socket_hears_us),
		cmocka_unit_test(test_a_bad_or_dead_socket_is_an_error),
		cmocka_unit_test(test_the_watchdog_is_ours_only),
		cmocka_unit_test(test_passed_descriptors_are_counted_once),
		cmocka_unit_test(test_descriptors_of_another_process_are_not_taken),
	};

	return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
