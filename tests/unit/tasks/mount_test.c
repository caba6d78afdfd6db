/* SPDX-License-Identifier: MPL-2.0 */
/* Bind mounts, in a mount namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "tasks/mount_bind.h"
#include "tasks/mountinfo.h"
#include "unit/tasks/kit.h"

#define BOB_UUID "7c2b1f0e-0000-4000-8000-0000000000b0"

static struct prefix prefix;
static struct why why;

static int
set_up(void **state)
{
	int rc = kit_set_up(state);

	/* A file system of its own, so that nothing is left of it whatever fails. */
	assert_int_equal(mount("homes", kit_path("home"), "tmpfs", 0, "mode=0755"), 0);
	kit_mkdir("home/" KIT_UUID, 0750, KIT_UID);
	kit_write("home/" KIT_UUID "/mine", "x", 0600);
	kit_mkdir("home/" BOB_UUID, 0750, 70002);
	assert_int_equal(prefix_open(kit_path("home/"), &prefix, &why), 0);
	return rc;
}

static int
tear_down(void **state)
{
	prefix_close(&prefix);
	(void)umount2(kit_path("home"), MNT_DETACH);
	return kit_tear_down(state);
}

static int
bind_as(const char *name)
{
	struct alias a = { .name = name,
		.home = KIT_UUID,
		.uuid = KIT_UUID,
		.uid = KIT_UID };

	why.text[0] = '\0';
	return mount_bind(&prefix, &prefix, &a, &why);
}

static unsigned mounts;

static bool
count_one(void *arg, const struct mountinfo_entry *e)
{
	mounts += strncmp(e->point, arg, strlen(arg)) == 0;
	return true;
}

static unsigned
count_mounts(void)
{
	char at[128];

	(void)snprintf(at, sizeof(at), "%s/", kit_path("home"));
	mounts = 0;
	assert_int_equal(mountinfo_each("/proc/self/mountinfo", count_one, at), 0);
	return mounts;
}

static void
the_alias_shows_the_home_and_is_mounted_once(void **state)
{
	(void)state;
	assert_int_equal(bind_as("alice"), MOUNT_MADE);
	assert_int_equal(kit_stat("home/alice").st_ino,
	    kit_stat("home/" KIT_UUID).st_ino);
	assert_true(kit_exists("home/alice/mine"));
	assert_int_equal(bind_as("alice"), MOUNT_THERE);
	assert_int_equal(count_mounts(), 1);
}

static void
a_link_of_ours_becomes_a_mount(void **state)
{
	(void)state;
	kit_link(kit_path("home/" KIT_UUID), "home/alice");
	assert_int_equal(bind_as("alice"), MOUNT_MADE);
	assert_true(S_ISDIR(kit_stat("home/alice").st_mode));
}

static void
what_is_not_ours_is_kept(void **state)
{
	(void)state;
	kit_link("/etc", "home/alice");
	assert_int_equal(bind_as("alice"), -EEXIST);
	kit_assert_link("home/alice", "/etc");
	kit_write("home/file", "", 0644);
	assert_int_equal(bind_as("file"), -EEXIST);
	kit_mkdir("home/theirs", 0755, 70002);
	assert_int_equal(bind_as("theirs"), -EEXIST);
	kit_mkdir("home/full", 0755, 0);
	kit_write("home/full/f", "", 0644);
	assert_int_equal(bind_as("full"), -EEXIST);
	kit_mkdir("home/admins", 0755, 0);
	assert_int_equal(mount("other", kit_path("home/admins"), "tmpfs", 0, NULL), 0);
	assert_int_equal(bind_as("admins"), -EEXIST);
	assert_non_null(strstr(why.text, "a mount that is not ours"));
	assert_int_equal(count_mounts(), 1);
}

/* Bind mounts of the administrator's: neither the name of what they show nor where they
 * stand makes them ours. */
static void
a_bind_mount_of_the_administrators_is_kept(void **state)
{
	(void)state;
	kit_mkdir("data", 0755, 0);
	kit_mkdir("data/" KIT_UUID, 0755, 0);
	kit_mkdir("home/shared", 0755, 0);
	kit_mkdir("home/work", 0755, 0);
	assert_int_equal(mount(kit_path("data"), kit_path("home/shared"), NULL, MS_BIND,
			     NULL),
	    0);
	assert_int_equal(mount(kit_path("data/" KIT_UUID), kit_path("home/work"), NULL,
			     MS_BIND, NULL),
	    0);
	assert_int_equal(bind_as("shared"), -EEXIST);
	assert_non_null(strstr(why.text, "a mount that is not ours"));
	assert_int_equal(bind_as("alice"), MOUNT_MADE);
	assert_int_equal(count_mounts(), 3);
}

static void
another_home_of_ours_goes_unless_it_is_busy(void **state)
{
	int busy;

	(void)state;
	kit_mkdir("home/alice", 0755, 0);
	assert_int_equal(mount(kit_path("home/" BOB_UUID), kit_path("home/alice"), NULL,
			     MS_BIND, NULL),
	    0);
	busy = open(kit_path("home/alice"), O_RDONLY | O_DIRECTORY);
	assert_true(busy >= 0);
	assert_int_equal(bind_as("alice"), -EBUSY);
	assert_non_null(strstr(why.text, "in use"));
	assert_int_equal(kit_stat("home/alice").st_uid, 70002);
	(void)close(busy);
	assert_int_equal(bind_as("alice"), MOUNT_MADE);
	assert_int_equal(kit_stat("home/alice").st_uid, KIT_UID);
	assert_int_equal(count_mounts(), 1);
}

static void
the_old_alias_goes_unless_somebody_is_in_it(void **state)
{
	int busy;

	(void)state;
	assert_int_equal(bind_as("former"), MOUNT_MADE);
	busy = open(kit_path("home/former"), O_RDONLY | O_DIRECTORY);
	assert_int_equal(bind_as("alice"), MOUNT_MADE);
	assert_int_equal(count_mounts(), 2); /* nobody is thrown out */
	(void)close(busy);
	assert_int_equal(bind_as("third"), MOUNT_MADE);
	assert_int_equal(count_mounts(), 1);
	assert_false(kit_exists("home/former"));
	assert_false(kit_exists("home/alice"));
	assert_true(kit_exists("home/third/mine"));
}

static void
a_home_of_somebody_else_is_not_shown(void **state)
{
	(void)state;
	assert_int_equal(chown(kit_path("home/" KIT_UUID), 70002, 70002), 0);
	assert_int_equal(bind_as("alice"), -EEXIST);
	assert_false(kit_exists("home/alice"));
	kit_remove("home/" KIT_UUID);
	kit_link("/etc", "home/" KIT_UUID);
	assert_true(bind_as("alice") < 0);
	assert_int_equal(count_mounts(), 0);
}

static void
mountinfo_lines_are_taken_apart(void **state)
{
	char good[] =
	    "36 35 98:0 /mnt\\0401 /mnt\\1342\\011x rw master:1 - ext3 /dev/root rw\n";
	char shorter[] = "36 35 98:0 /mnt1\n";
	char bad[] = "x 35 98:0 /mnt1 /mnt2 rw\n";
	struct mountinfo_entry e;

	(void)state;
	assert_true(mountinfo_parse(good, &e));
	assert_int_equal(e.id, 36);
	assert_string_equal(e.root, "/mnt 1");
	assert_string_equal(e.point, "/mnt\\2\tx");
	assert_false(mountinfo_parse(shorter, &e));
	assert_false(mountinfo_parse(bad, &e));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_alias_shows_the_home_and_is_mounted_once),
		TEST(a_link_of_ours_becomes_a_mount),
		TEST(what_is_not_ours_is_kept),
		TEST(a_bind_mount_of_the_administrators_is_kept),
		TEST(another_home_of_ours_goes_unless_it_is_busy),
		TEST(the_old_alias_goes_unless_somebody_is_in_it),
		TEST(a_home_of_somebody_else_is_not_shown),
		cmocka_unit_test(mountinfo_lines_are_taken_apart),
	};

	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		(void)fprintf(stderr, "this test needs a mount namespace of its own\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
