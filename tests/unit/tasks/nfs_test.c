/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/nfs.h"

#include <errno.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tasks/caps.h"
#include "unit/tasks/kit.h"

/* A server with root_squash: every file system looks like NFS, and root may make nothing. */
static bool on_nfs;
static bool person_may;

int __real_fstatfs64(int fd, struct statfs *sf);
int __wrap_fstatfs64(int fd, struct statfs *sf);

int
__wrap_fstatfs64(int fd, struct statfs *sf)
{
	int rc = __real_fstatfs64(fd, sf);

	if (on_nfs)
		sf->f_type = NFS_SUPER_MAGIC;
	return rc;
}

static int
squash(const char *what)
{
	if (strcmp(what, "mkdirat") != 0 || setfsuid((uid_t)-1) != 0)
		return 0;
	if (person_may)
		assert_int_equal(chmod(kit_path("home"), 0777), 0);
	return EACCES;
}

static int
set_up(void **state)
{
	int rc = kit_set_up(state);

	on_nfs = true;
	person_may = false;
	kit_mkdir("skel/.ssh", 0755, 0);
	kit_write("skel/.ssh/config", "x", 0644);
	kit_write("skel/.secret", "x", 0600);
	kit_config("home_alias = \"none\"\nuse_etc_skel = true");
	kit_step = squash;
	return rc;
}

static void
the_person_makes_it_where_the_server_lets_them(void **state)
{
	struct why why;
	struct stat st;

	(void)state;
	person_may = true;
	assert_int_equal(kit_home("alice", &why), 0);
	kit_step = NULL;
	assert_int_equal(chmod(kit_path("home"), 0755), 0);
	st = kit_stat("home/" KIT_UUID);
	assert_int_equal(st.st_mode, S_IFDIR | 0750);
	assert_int_equal(st.st_uid, KIT_UID);
	assert_int_equal(st.st_gid, KIT_UID);
	st = kit_stat("home/" KIT_UUID "/.ssh/config");
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, KIT_UID);
	/* What the person cannot read is left out: nothing is done as root here. */
	assert_false(kit_exists("home/" KIT_UUID "/.secret"));
	kit_assert_no_temp();
	assert_int_equal(setfsuid((uid_t)-1), 0); /* we are still who we were */
}

/* The person's quota is at its end. */
static int
squash_and_no_space(const char *what)
{
	if (strcmp(what, "write") == 0 && setfsuid((uid_t)-1) != 0)
		return EDQUOT;
	return squash(what);
}

static void
half_a_home_of_the_persons_is_taken_away(void **state)
{
	struct why why;

	(void)state;
	person_may = true;
	kit_step = squash_and_no_space;
	assert_int_equal(kit_home("alice", &why), -EDQUOT);
	kit_step = NULL;
	assert_false(kit_exists("home/" KIT_UUID));
	kit_assert_no_temp();
}

static void
else_the_text_says_where_it_must_be_made(void **state)
{
	struct why why;

	(void)state;
	assert_int_equal(kit_home("alice", &why), -EACCES);
	assert_non_null(strstr(why.text, "the home must be made on the file server"));
	kit_assert_no_temp();
}

static void
without_the_capabilities_nobody_tries(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct why why;

		person_may = true;
		if (caps_drop(CAPS_HOMES) < 0 || kit_home("alice", &why) != -EPERM ||
		    strstr(why.text, "on the file server") == NULL)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(kit_exists("home/" KIT_UUID));
}

static void
elsewhere_a_refusal_is_just_that(void **state)
{
	struct why why;

	(void)state;
	on_nfs = false;
	person_may = true;
	assert_int_equal(kit_home("alice", &why), -EACCES);
	assert_null(strstr(why.text, "file server"));
}

static void
an_existing_home_needs_nobody(void **state)
{
	struct why why;

	(void)state;
	kit_mkdir("home/" KIT_UUID, 0700, KIT_UID);
	assert_int_equal(kit_home("alice", &why), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, kit_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_person_makes_it_where_the_server_lets_them),
		TEST(half_a_home_of_the_persons_is_taken_away),
		TEST(else_the_text_says_where_it_must_be_made),
		TEST(without_the_capabilities_nobody_tries),
		TEST(elsewhere_a_refusal_is_just_that),
		TEST(an_existing_home_needs_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
