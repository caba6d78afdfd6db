/* SPDX-License-Identifier: MPL-2.0 */
#include "src/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What the kernel may do: a byte at a time, and an interruption before each. */
static unsigned calls;
static int fails_with;

ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);

static bool
is_disturbed(void)
{
	if (fails_with == 0 && ++calls % 2 == 0)
		return false;
	errno = fails_with != 0 ? fails_with : EINTR;
	return true;
}

ssize_t
__wrap_read(int fd, void *buf, size_t len)
{
	return is_disturbed() ? -1 : __real_read(fd, buf, len > 0 ? 1 : 0);
}

ssize_t
__wrap_write(int fd, const void *buf, size_t len)
{
	return is_disturbed() ? -1 : __real_write(fd, buf, len > 0 ? 1 : 0);
}

static int
begin(void **state)
{
	(void)state;
	calls = 0;
	fails_with = 0;
	return 0;
}

static void
all_of_it_goes_through_whatever_disturbs(void **state)
{
	int ends[2];
	char got[16];
	size_t len = 99;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fd_write_all(ends[1], "abcdef", 6), 0);
	assert_int_equal(fd_read_full(ends[0], got, 4, &len), 0);
	assert_int_equal(len, 4);
	assert_memory_equal(got, "abcd", 4);
	fd_closep(&ends[1]);
	assert_int_equal(ends[1], -1);
	assert_int_equal(fd_read_full(ends[0], got, sizeof(got), &len), 0);
	assert_int_equal(len, 2);
	assert_memory_equal(got, "ef", 2);
	fd_closep(&ends[0]);
}

static void
a_failure_is_told_and_sets_nothing(void **state)
{
	char byte = 0;
	size_t len = 99;

	(void)state;
	fails_with = EIO;
	assert_int_equal(fd_read_full(0, &byte, 1, &len), -EIO);
	assert_int_equal(len, 99);
	fails_with = ENOSPC;
	assert_int_equal(fd_write_all(1, &byte, 1), -ENOSPC);
}

static void
closing_leaves_errno_alone(void **state)
{
	int fd = -1, closed = 1 << 20;

	(void)state;
	errno = ERANGE;
	fd_closep(&fd);
	fd_closep(&closed); /* EBADF inside */
	assert_int_equal(errno, ERANGE);
	assert_int_equal(closed, -1);
}

static void
missing_standard_descriptors_are_filled_and_no_more(void **state)
{
	int status = -1;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		int next = dup(2);

		(void)close(0);
		(void)close(2);
		(void)close(next);
		if (fd_open_missing_stdio() < 0 || fcntl(0, F_GETFD) < 0 ||
		    fcntl(2, F_GETFD) < 0)
			_exit(1);
		_exit(fcntl(next, F_GETFD) < 0 ? 0 : 2);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_of_it_goes_through_whatever_disturbs, begin),
		cmocka_unit_test_setup(a_failure_is_told_and_sets_nothing, begin),
		cmocka_unit_test_setup(closing_leaves_errno_alone, begin),
		cmocka_unit_test_setup(
		    missing_standard_descriptors_are_filled_and_no_more, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
