/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A home and its alias, made by a tasks daemon that dies at every call, also in the middle
 * of writing a file of the skeleton. What stands under the final name is the whole skeleton
 * and the person's; the next request finishes it; whatever belongs to others is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "chaos/crash.h"
#include "src/base/util.h"
#include "unit/tasks/kit.h"

#define THEIRS "home/0b0b0b0b-0000-4000-8000-000000000b0b"

static const char *former; /* whom the alias named before, or NULL */
static struct stat theirs, marker;

static int
body(void *arg)
{
	struct why why;

	(void)arg;
	return kit_home("alice", &why) == 0 ? 0 : 1;
}

static void
prepare(void *arg)
{
	struct why why;

	(void)arg;
	kit_remove("home/" KIT_UUID);
	(void)unlink(kit_path("home/alice"));
	if (former != NULL) {
		(void)unlink(kit_path("home/former"));
		assert_int_equal(kit_home(former, &why), 0);
	}
}

static void
assert_theirs_untouched(void)
{
	struct stat dir = kit_stat(THEIRS), file = kit_stat(THEIRS "/diary");

	assert_int_equal(dir.st_ctim.tv_sec, theirs.st_ctim.tv_sec);
	assert_int_equal(dir.st_ctim.tv_nsec, theirs.st_ctim.tv_nsec);
	assert_int_equal(file.st_ctim.tv_sec, marker.st_ctim.tv_sec);
	assert_int_equal(file.st_ctim.tv_nsec, marker.st_ctim.tv_nsec);
	kit_assert_link("home/bob", kit_path(THEIRS));
}

static void
check(const struct crash *c, void *arg)
{
	struct why why;

	(void)c;
	(void)arg;
	if (kit_exists("home/" KIT_UUID))
		kit_assert_home("home/" KIT_UUID);
	if (kit_exists("home/alice")) {
		kit_assert_link("home/alice", kit_path("home/" KIT_UUID));
		assert_true(kit_exists("home/" KIT_UUID));
	}
	assert_int_equal(kit_home("alice", &why), 0);
	kit_assert_home("home/" KIT_UUID);
	kit_assert_link("home/alice", kit_path("home/" KIT_UUID));
	assert_false(kit_exists("home/former"));
	kit_assert_no_temp();
	assert_theirs_untouched();
}

static void
die_everywhere(const char *attack, unsigned least)
{
	static const enum crash_mode modes[] = { CRASH_BEFORE, CRASH_TORN };
	static struct crash_plan p;

	p = (struct crash_plan){ .prepare = prepare,
		.check = check,
		.modes = modes,
		.n_modes = ARRAY_SIZE(modes),
		.promise = "a home is whole or not there, and nobody else's is touched",
		.attack = attack };
	p.crash.dir = kit_dir;
	p.crash.body = body;
	kit_skel();
	kit_mkdir(THEIRS, 0750, 70002);
	kit_write(THEIRS "/diary", "not yours\n", 0600);
	kit_link(kit_path(THEIRS), "home/bob");
	theirs = kit_stat(THEIRS);
	marker = kit_stat(THEIRS "/diary");
	crash_everywhere(&p, least);
}

static void
a_new_home(void **state)
{
	(void)state;
	former = NULL;
	die_everywhere("tasks: a new home, killed", 40);
}

static void
a_person_who_was_renamed(void **state)
{
	(void)state;
	former = "former";
	die_everywhere("tasks: an alias that changes, killed", 3);
}

static int
tear_down(void **state)
{
	(void)crash_say_where(state);
	return kit_tear_down(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_home, kit_set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_person_who_was_renamed, kit_set_up,
		    tear_down),
	};

	crash_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
