/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A run that ends at every single step, as by kill -9, and a clean start after it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tasks/kit.h"

#define KILLED 42

static unsigned steps, end_at;

/* No destructor, no cleanup, nothing: the process is gone before the call is made. */
static int
end_step(const char *what)
{
	(void)what;
	if (++steps == end_at)
		_exit(KILLED);
	return 0;
}

static int
in_child(const char *name, unsigned at)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct why why;

		steps = 0;
		end_at = at;
		kit_step = end_step;
		_exit(kit_home(name, &why) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Whatever stands under the final name is whole. */
static void
assert_all_or_nothing(void)
{
	if (kit_exists("home/" KIT_UUID))
		kit_assert_home("home/" KIT_UUID);
	if (kit_exists("home/alice"))
		kit_assert_link("home/alice", kit_path("home/" KIT_UUID));
}

static void
assert_done(void)
{
	kit_assert_home("home/" KIT_UUID);
	kit_assert_link("home/alice", kit_path("home/" KIT_UUID));
	kit_assert_no_temp();
}

static void
a_new_home(void **state)
{
	unsigned at;

	(void)state;
	kit_skel();
	for (at = 1; in_child("alice", at) == KILLED; at++) {
		assert_all_or_nothing();
		assert_int_equal(in_child("alice", 0), 0);
		assert_done();
		kit_remove("home/" KIT_UUID);
		(void)unlink(kit_path("home/alice"));
	}
	assert_done();
	assert_true(at > 50);
}

static void
a_rename_of_the_person(void **state)
{
	unsigned at;

	(void)state;
	kit_skel();
	assert_int_equal(in_child("former", 0), 0);
	for (at = 1; in_child("alice", at) == KILLED; at++) {
		assert_all_or_nothing();
		assert_int_equal(in_child("alice", 0), 0);
		assert_done();
		assert_false(kit_exists("home/former"));
		assert_int_equal(in_child("former", 0), 0);
		assert_false(kit_exists("home/alice"));
	}
	assert_done();
	assert_false(kit_exists("home/former"));
	assert_true(at > 3);
}

/* The cleaning itself ends at every step, with a home that was handed over already. */
static void
a_cleaning(void **state)
{
	unsigned at, last;

	(void)state;
	kit_skel();
	for (last = 1; in_child("alice", last) == KILLED; last++) {
		kit_remove("home/" KIT_UUID);
		(void)unlink(kit_path("home/alice"));
	}
	for (at = 1; at < 400; at++) {
		int rc;

		kit_remove("home/" KIT_UUID);
		(void)unlink(kit_path("home/alice"));
		/* The rename is a few steps before the end: link, look, rename, owner. */
		for (unsigned back = 12; back > 0 && !kit_exists("home/" KIT_UUID);
		     back--) {
			(void)in_child("alice", last - back);
		}
		if (kit_exists("home/" KIT_UUID))
			kit_remove("home/" KIT_UUID);
		rc = in_child("alice", at);
		assert_all_or_nothing();
		assert_int_equal(in_child("alice", 0), 0);
		assert_done();
		if (rc == 0)
			break;
	}
	assert_true(at > 50 && at < 400);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_home),
		TEST(a_rename_of_the_person),
		TEST(a_cleaning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
