/* SPDX-License-Identifier: MPL-2.0 */
#include "src/prog/xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/attr.h"

static void
test_copies_are_copies(void **state)
{
	cleanup_(freep) char *a = xstrdup("abc"), *b = xstrndup("abcdef", 3);
	cleanup_(freep) char *c = xasprintf("%s-%d", "x", 7);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abc");
	assert_string_equal(c, "x-7");
}

static void
test_nothing_is_still_an_allocation(void **state)
{
	cleanup_(freep) void *a = xmalloc(0), *b = xcalloc(0, 8);
	cleanup_(freep) void *c = xreallocarray(NULL, 4, 0);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
}

static void
test_calloc_is_zeroed(void **state)
{
	cleanup_(freep) unsigned char *p = xcalloc(100, 3);

	(void)state;
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
}

/* Whether the call ended in abort(), in a child. */
static int
aborts(void (*call)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)signal(SIGABRT, SIG_DFL);
		(void)close(STDERR_FILENO);
		call();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) ||
	    (WIFEXITED(status) && WEXITSTATUS(status) != 0); /* a sanitizer's own end */
}

static volatile size_t half = SIZE_MAX / 2 + 1;

static void
overflow_reallocarray(void)
{
	free(xreallocarray(NULL, half, 2));
}

static void
overflow_calloc(void)
{
	free(xcalloc(half, 2));
}

static void
test_an_impossible_size_aborts(void **state)
{
	(void)state;
	assert_true(aborts(overflow_reallocarray));
	assert_true(aborts(overflow_calloc));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_are_copies),
		cmocka_unit_test(test_nothing_is_still_an_allocation),
		cmocka_unit_test(test_calloc_is_zeroed),
		cmocka_unit_test(test_an_impossible_size_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
