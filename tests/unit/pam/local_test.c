/* SPDX-License-Identifier: MPL-2.0 */
#include "pam/local.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/name.h"

static char path[] = "/tmp/ku-local-XXXXXX";
static unsigned read_low; /* from 0, 1, 2, or from what a program inherits */
static unsigned read_high;

ssize_t __real_read(int fd, void *buf, size_t n);
ssize_t __wrap_read(int fd, void *buf, size_t n);

ssize_t
__wrap_read(int fd, void *buf, size_t n)
{
	if (fd > 2 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0)
		read_high++;
	else
		read_low++;
	return __real_read(fd, buf, n);
}

static void
put(const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(close(fd), 0);
}

static int
ask(const char *who)
{
	struct name name;

	assert_int_equal(name_parse(who, strlen(who), &name), 0);
	errno = 4711;
	int r = local_find(path, &name);
	assert_int_equal(errno, 4711);
	return r;
}

static int
ask_in(const char *text, const char *who)
{
	put(text, strlen(text));
	return ask(who);
}

static void
a_line_with_the_name_is_found(void **state)
{
	const char *text =
	    "root:x:0:0::/:/bin/sh\nsvc:x:999:999::/:/bin/sh\nlast:x:7:7::/:";

	(void)state;
	assert_int_equal(ask_in(text, "svc"), 1);
	assert_int_equal(ask_in(text, "last"), 1);
	assert_int_equal(ask_in(text, "SVC"), 1);
	assert_int_equal(ask_in("Svc:x:999:999::/:/bin/sh\n", "svc"), 1);
	assert_int_equal(ask_in(text, "nobody"), 0);
}

static void
a_part_of_a_name_is_not_the_name(void **state)
{
	const char *text =
	    "alicia:x:5:5::/:\nxalice:x:5:5::/:\nbob:alice:5:5:alice:/alice:\n"
	    "alice@other:x:5:5::/:\nalice\n#alice:x:5:5::/:\na lice:x:5:5::/:\n";

	(void)state;
	assert_int_equal(ask_in(text, "alice"), 0);
	assert_int_equal(ask_in(text, "ali"), 0);
	assert_int_equal(ask_in(text, "alice@other"), 1);
}

/* libc passes over blanks in front of a name, so it is one. */
static void
blanks_before_a_name_are_none_of_it(void **state)
{
	(void)state;
	assert_int_equal(ask_in("bob:x:5:5::/:\n alice:x:7:7::/:\n", "alice"), 1);
	assert_int_equal(ask_in("\t \r\v\falice:x:7:7::/:", "alice"), 1);
	assert_int_equal(ask_in(" toor:x:0:0::/:\n", "toor"), 2);
	assert_int_equal(ask_in(" alice :x:7:7::/:\n", "alice"), 0);
}

static void
uid_0_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(ask_in("toor:x:0:5::/:\n", "toor"), 2);
	assert_int_equal(ask_in("toor:x:000:5::/:\n", "toor"), 2);
	assert_int_equal(ask_in("toor:x:0", "toor"), 2);
	assert_int_equal(ask_in("toor:x:00010:5::/:\n", "toor"), 1);
	assert_int_equal(ask_in("toor:x:10", "toor"), 1);
}

static void
a_broken_uid_is_never_given_away(void **state)
{
	(void)state;
	assert_int_equal(ask_in("odd:x::5::/:\n", "odd"), 2);
	assert_int_equal(ask_in("odd:x:-1:5::/:\n", "odd"), 2);
	assert_int_equal(ask_in("odd:x:5x:5::/:\n", "odd"), 2);
	assert_int_equal(ask_in("odd:x\n", "odd"), 2);
	assert_int_equal(ask_in("odd:x", "odd"), 2);
	assert_int_equal(ask_in("odd:", "odd"), 2);
}

static void
lines_of_any_length_and_at_any_place_are_read(void **state)
{
	static char text[4096];

	(void)state;
	for (size_t before = 0; before < 1100; before++) {
		memset(text, 'y', before);
		if (before > 0)
			text[before - 1] = '\n';
		(void)snprintf(text + before, 64, "alice:x:70:70::/:\n");
		put(text, before + strlen("alice:x:70:70::/:\n"));
		assert_int_equal(ask("alice"), 1);
		assert_int_equal(ask("alic"), 0);
	}
}

static void
no_file_is_nobody_and_another_trouble_is_trouble(void **state)
{
	(void)state;
	assert_int_equal(ask_in("", "alice"), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(ask("alice"), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(ask("alice"), -EISDIR);
	assert_int_equal(rmdir(path), 0);
}

static void
a_file_without_end_ends(void **state)
{
	struct name name;

	(void)state;
	assert_int_equal(name_parse("alice", 5, &name), 0);
	assert_int_equal(local_find("/dev/zero", &name), -EFBIG);
}

static void
the_lowest_descriptors_are_left_alone(void **state)
{
	int saved = dup(0), again;

	(void)state;
	assert_true(saved > 2);
	assert_int_equal(close(0), 0);
	read_low = read_high = 0;
	assert_int_equal(ask_in("alice:x:70:70::/:\n", "alice"), 1);
	assert_int_equal(read_low, 0);
	assert_true(read_high > 0);
	again = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(again, 0);
	assert_int_equal(dup2(saved, 0), 0);
	assert_int_equal(close(saved), 0);
}

static int
begin(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
end(void **state)
{
	(void)state;
	(void)unlink(path);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_with_the_name_is_found),
		cmocka_unit_test(a_part_of_a_name_is_not_the_name),
		cmocka_unit_test(blanks_before_a_name_are_none_of_it),
		cmocka_unit_test(uid_0_is_told_apart),
		cmocka_unit_test(a_broken_uid_is_never_given_away),
		cmocka_unit_test(lines_of_any_length_and_at_any_place_are_read),
		cmocka_unit_test(no_file_is_nobody_and_another_trouble_is_trouble),
		cmocka_unit_test(a_file_without_end_ends),
		cmocka_unit_test(the_lowest_descriptors_are_left_alone),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
