/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of odd processes share: a child to be odd in, and what makes it so. */
#pragma once

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Runs `body` in a child, which returns 0 when it is content, and must end by itself. */
static inline void
in_child(int (*body)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		(void)alarm(100);
		_exit(body());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static inline void
copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buf[8192];
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	(void)close(in);
	(void)close(out);
}

/* More descriptors than select() can be told about. */
static inline bool
open_two_thousand(void)
{
	const struct rlimit many = { 4096, 4096 };
	int fd = -1;

	if (setrlimit(RLIMIT_NOFILE, &many) != 0)
		return false;
	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd < 2000);
	return fd >= 0;
}

/* A host that closes what it does not know, as sshd does, has its own descriptors at the same
 * numbers next; they must survive a call of `works`, which returns 0. */
static inline int
closes_everything_between(int (*works)(void))
{
	for (int i = 0; i < 50; i++) {
		if (works() != 0)
			return 30;
		closefrom(3);
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) != 3 ||
		    open("/dev/null", O_RDONLY | O_CLOEXEC) != 4)
			return 31;
		if (works() != 0)
			return 32;
		if (fcntl(3, F_GETFD) < 0 || fcntl(4, F_GETFD) < 0)
			return 33;
	}
	return 0;
}
