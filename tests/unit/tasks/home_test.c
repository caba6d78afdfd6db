/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/home.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tasks/caps.h"
#include "unit/tasks/kit.h"

static unsigned steps, fail_at;
static int fail_with;
static const char *fail_what;
static const char *plant; /* made at the step called fail_what */

static int
fail_step(const char *what)
{
	steps++;
	if (plant != NULL && strcmp(what, fail_what) == 0) {
		kit_mkdir(plant, 0750, strstr(plant, KIT_UUID) != NULL ? KIT_UID : 0);
		plant = NULL;
		return 0;
	}
	if (steps == fail_at || (fail_what != NULL && strcmp(what, fail_what) == 0))
		return fail_with;
	return 0;
}

static int
set_up(void **state)
{
	steps = fail_at = 0;
	fail_what = plant = NULL;
	return kit_set_up(state);
}

static void
a_home_is_the_whole_skeleton(void **state)
{
	struct why why;

	(void)state;
	kit_skel();
	assert_int_equal(kit_home("alice", &why), 0);
	kit_assert_home("home/" KIT_UUID);
	kit_assert_no_temp();
}

static void
without_use_etc_skel_it_is_empty(void **state)
{
	struct why why;

	(void)state;
	kit_skel();
	kit_config("use_etc_skel = false");
	assert_int_equal(kit_home("alice", &why), 0);
	assert_int_equal(rmdir(kit_path("home/" KIT_UUID)), 0);
}

static void
a_missing_skeleton_is_an_empty_one(void **state)
{
	struct why why;

	(void)state;
	kit_remove("skel");
	assert_int_equal(kit_home("alice", &why), 0);
	assert_int_equal(kit_stat("home/" KIT_UUID).st_uid, KIT_UID);
}

static void
a_skeleton_that_is_a_link_is_followed_at_its_top_only(void **state)
{
	struct why why;

	(void)state;
	kit_skel();
	assert_int_equal(rename(kit_path("skel"), kit_path("store")), 0);
	kit_link(kit_path("store"), "skel");
	assert_int_equal(kit_home("alice", &why), 0);
	kit_assert_home("home/" KIT_UUID);
}

static void
an_existing_home_is_left_as_it_is(void **state)
{
	struct why why;
	struct stat st;

	(void)state;
	kit_skel();
	kit_mkdir("home/" KIT_UUID, 0701, KIT_UID);
	assert_int_equal(kit_home("alice", &why), 0);
	st = kit_stat("home/" KIT_UUID);
	assert_int_equal(st.st_mode & 07777, 0701);
	assert_int_equal(st.st_uid, KIT_UID);
	assert_false(kit_exists("home/" KIT_UUID "/run"));
}

static void
a_home_of_somebody_else_is_an_error_and_stays_theirs(void **state)
{
	struct why why;

	(void)state;
	kit_mkdir("home/" KIT_UUID, 0750, 70002);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_non_null(strstr(why.text, "belongs to uid 70002, not to uid 70001"));
	assert_int_equal(kit_stat("home/" KIT_UUID).st_uid, 70002);
	assert_false(kit_exists("home/alice"));
}

static void
what_is_no_directory_is_in_the_way(void **state)
{
	struct why why;

	(void)state;
	kit_write("home/" KIT_UUID, "file", 0600);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	kit_remove("home/" KIT_UUID);
	/* A link to the person's own directory is no home either. */
	kit_mkdir("elsewhere", 0750, KIT_UID);
	kit_link(kit_path("elsewhere"), "home/" KIT_UUID);
	assert_int_equal(kit_home("alice", &why), -EEXIST);
	assert_non_null(strstr(why.text, "in the way"));
	kit_assert_link("home/" KIT_UUID, kit_path("elsewhere"));
}

static void
where_the_file_system_refuses_the_flag_a_plain_rename_does(void **state)
{
	struct why why;

	(void)state;
	kit_skel();
	kit_step = fail_step;
	fail_what = "renameat2";
	fail_with = EINVAL;
	assert_int_equal(kit_home("alice", &why), 0);
	kit_step = NULL;
	kit_assert_home("home/" KIT_UUID);
	kit_assert_no_temp();
}

static void
whoever_was_quicker_is_checked_like_any_other(void **state)
{
	struct why why;

	(void)state;
	kit_skel();
	kit_step = fail_step;
	fail_what = "renameat2";
	plant = "home/" KIT_UUID; /* appears just before the rename */
	assert_int_equal(kit_home("alice", &why), 0);
	assert_null(plant);
	kit_assert_no_temp();
	assert_false(kit_exists("home/" KIT_UUID "/run"));
}

static void
whatever_fails_leaves_nothing_behind(void **state)
{
	static const int errors[] = { ENOSPC, EIO, EDQUOT };
	struct why why;
	unsigned failures = 0;

	(void)state;
	kit_skel();
	kit_step = fail_step;
	for (fail_at = 1;; fail_at++) {
		int rc;

		steps = 0;
		fail_with = errors[fail_at % 3];
		rc = kit_home("alice", &why);
		if (rc < 0 && why.text[0] == '\0')
			fail_msg("no reason at step %u", fail_at);
		failures += rc < 0;
		/* Half a home is worse than none; an alias may wait for the next time. */
		kit_step = NULL;
		if (kit_exists("home/" KIT_UUID) && rc < 0)
			assert_int_equal(kit_stat("home/" KIT_UUID).st_uid, KIT_UID);
		if (steps < fail_at)
			break;
		if (rc < 0 && fail_at > 1)
			kit_assert_no_temp();
		kit_remove("home/" KIT_UUID);
		(void)unlink(kit_path("home/alice"));
		kit_step = fail_step;
	}
	assert_true(failures > 40);
}

static void
a_skeleton_without_end_is_refused(void **state)
{
	struct why why;
	char rel[512] = "skel";
	FILE *f;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		(void)strcat(rel, "/d");
		kit_mkdir(rel, 0755, 0);
	}
	assert_int_equal(kit_home("alice", &why), -ELOOP);
	assert_non_null(strstr(why.text, "too deep"));
	assert_false(kit_exists("home/" KIT_UUID));
	kit_assert_no_temp();
	kit_remove("skel/d");
	f = fopen(kit_path("skel/big"), "w");
	assert_non_null(f);
	assert_int_equal(ftruncate(fileno(f), 300 << 20), 0); /* sparse */
	(void)fclose(f);
	assert_int_equal(kit_home("alice", &why), -EFBIG);
	kit_assert_no_temp();
}

/* With the privileges that are left in the end; they cannot be had back, so in a child. */
static int
with_two_capabilities(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(caps_drop(CAPS_HOMES) < 0 ? 99 : fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
make_alice(void)
{
	struct why why;

	return kit_home("alice", &why) == 0 ? 0 : 1;
}

static void
an_unreadable_file_of_the_skeleton_is_left_out(void **state)
{
	(void)state;
	kit_skel();
	kit_write("skel/private", "x", 0600);
	assert_int_equal(chown(kit_path("skel/private"), 70009, 70009), 0);
	kit_mkdir("skel/closed", 0700, 70009);
	assert_int_equal(with_two_capabilities(make_alice), 0);
	kit_assert_home("home/" KIT_UUID);
}

static int
clean(void)
{
	struct prefix p;
	struct why why;
	unsigned n;

	if (prefix_open(kit_path("home/"), &p, &why) < 0)
		return -1;
	n = home_clean(&p);
	prefix_close(&p);
	return (int)n;
}

static void
left_overs_are_cleaned_and_nothing_else(void **state)
{
	(void)state;
	kit_mkdir("home/.kanidm-0123456789abcdef", 0700, 0);
	kit_mkdir("home/.kanidm-0123456789abcdef/.config", 0700, KIT_UID);
	kit_write("home/.kanidm-0123456789abcdef/.config/f", "x", 0400);
	kit_link("/etc", "home/.kanidm-0123456789abcdef/link");
	kit_mkdir("home/.kanidm-fedcba9876543210", 0750, KIT_UID);
	kit_mkdir("home/.kanidm-fedcba9876543210/none", 0000, KIT_UID);
	kit_link("x", "home/.kanidm-00000000000000aa");
	kit_mkdir("home/.kanidm-short", 0700, 0);
	kit_mkdir("home/.kanidm-0123456789abcdeX", 0700, 0);
	kit_mkdir("home/.config", 0700, 0);
	assert_int_equal(with_two_capabilities(clean), 3);
	assert_int_equal(with_two_capabilities(clean), 0);
	assert_true(kit_exists("home/.kanidm-short"));
	assert_true(kit_exists("home/.kanidm-0123456789abcdeX"));
	assert_true(kit_exists("home/.config"));
	assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void
what_another_process_is_building_is_left_alone(void **state)
{
	struct prefix p;
	struct why why;
	int fd;

	(void)state;
	kit_mkdir("home/.kanidm-0123456789abcdef", 0700, 0);
	fd = open(kit_path("home/.kanidm-0123456789abcdef"), O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(prefix_open(kit_path("home"), &p, &why), 0);
	assert_int_equal(home_clean(&p), 0);
	(void)close(fd);
	assert_int_equal(home_clean(&p), 1);
	prefix_close(&p);
}

#define MOUNTED "home/.kanidm-0123456789abcdef/mounted"

/* In a mount namespace: 77 where there is none to be had. */
static int
clean_below_a_mount(void)
{
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("other", kit_path(MOUNTED), "tmpfs", 0, NULL) != 0)
		return 77;
	kit_write(MOUNTED "/theirs", "x", 0600);
	if (clean() != 0)
		return 1;
	return kit_exists(MOUNTED "/theirs") ? 0 : 2;
}

static void
what_is_mounted_in_left_overs_is_not_emptied(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	kit_mkdir("home/.kanidm-0123456789abcdef", 0700, 0);
	kit_mkdir(MOUNTED, 0700, KIT_UID);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(clean_below_a_mount());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(clean(), 1);
}

static unsigned cleanings;

/* Another one starts, and cleans, while a file of the skeleton is written. */
static int
clean_meanwhile(const char *what)
{
	struct prefix p;
	struct why why;

	if (strcmp(what, "write") != 0)
		return 0;
	kit_step = NULL;
	assert_int_equal(prefix_open(kit_path("home"), &p, &why), 0);
	assert_int_equal(home_clean(&p), 0);
	prefix_close(&p);
	cleanings++;
	kit_step = clean_meanwhile;
	return 0;
}

static void
what_is_being_built_is_locked_against_others(void **state)
{
	struct why why;

	(void)state;
	cleanings = 0;
	kit_skel();
	kit_step = clean_meanwhile;
	assert_int_equal(kit_home("alice", &why), 0);
	kit_step = NULL;
	assert_true(cleanings > 0);
	kit_assert_home("home/" KIT_UUID);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_home_is_the_whole_skeleton),
		TEST(without_use_etc_skel_it_is_empty),
		TEST(a_missing_skeleton_is_an_empty_one),
		TEST(a_skeleton_that_is_a_link_is_followed_at_its_top_only),
		TEST(an_existing_home_is_left_as_it_is),
		TEST(a_home_of_somebody_else_is_an_error_and_stays_theirs),
		TEST(what_is_no_directory_is_in_the_way),
		TEST(where_the_file_system_refuses_the_flag_a_plain_rename_does),
		TEST(whoever_was_quicker_is_checked_like_any_other),
		TEST(whatever_fails_leaves_nothing_behind),
		TEST(a_skeleton_without_end_is_refused),
		TEST(an_unreadable_file_of_the_skeleton_is_left_out),
		TEST(left_overs_are_cleaned_and_nothing_else),
		TEST(what_another_process_is_building_is_left_alone),
		TEST(what_is_being_built_is_locked_against_others),
		TEST(what_is_mounted_in_left_overs_is_not_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
