/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The person whose home is being made has a process that does what it can, before every
 * single step of ours: it opens whatever it can reach and keeps it open, and in all of that
 * it plants links to the files below DIR/victim, moves things about, makes hard links and,
 * in a user namespace, mounts. Nothing of the victim's may change, ever.
 *
 * Bounded by steps, not by time: each step of root's waits for a whole burst.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/tasks/kit.h"

#define MAX_HELD 12

static int to_attacker = -1;
static pid_t attacker;
static unsigned bursts;
static unsigned planted; /* what the attacker could do, in all */

/* ---- the attacker ---- */

static int held[MAX_HELD];
static unsigned n_held;
static unsigned done;

static void
hold(int fd)
{
	if (fd < 0)
		return;
	if (n_held < MAX_HELD) {
		held[n_held++] = fd;
		return;
	}
	(void)close(held[done % MAX_HELD]);
	held[done % MAX_HELD] = fd;
}

static void
act(int rc)
{
	done += rc == 0;
}

static void
plant_in(int dir)
{
	static const char *const names[] = { ".profile", "run", ".secret", ".config",
		"setuid", "empty", "deep", "er", "fresh" };
	char file[512], directory[512];

	(void)strcpy(file, kit_path("victim/file"));
	(void)strcpy(directory, kit_path("victim/dir"));
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char moved[64];

		(void)snprintf(moved, sizeof(moved), "moved%u", i);
		act(renameat(dir, names[i], dir, moved));
		act(symlinkat(i % 2 == 0 ? file : directory, dir, names[i]));
		act(linkat(AT_FDCWD, file, dir, moved, 0));
		act(unlinkat(dir, moved, 0));
	}
	act(mkdirat(dir, "hole", 0777));
	act(symlinkat(directory, dir, "hole/link"));
	/* Out of this directory into another one that is held. */
	if (n_held > 1)
		act(renameat(dir, "hole", held[done % n_held], "hole2"));
	act(fchmod(dir, 0777));
}

static void
reach(int dir, unsigned depth)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		int below;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		act(renameat(dir, e->d_name, dir, "stolen"));
		below = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		if (below < 0)
			continue;
		if (depth < 2)
			reach(below, depth + 1);
		plant_in(below);
		hold(below);
	}
	(void)closedir(d);
}

static void
mount_about(void)
{
	(void)mount(kit_path("victim"), kit_path("home"), NULL, MS_BIND, NULL);
	(void)umount2(kit_path("home"), MNT_DETACH);
	act(mount(kit_path("victim"), kit_path("home/" KIT_UUID), NULL, MS_BIND, NULL));
	(void)umount2(kit_path("home/" KIT_UUID), MNT_DETACH);
}

static void
attack(void)
{
	int home = open(kit_path("home"), O_RDONLY | O_DIRECTORY);

	if (home >= 0) {
		reach(home, 0);
		plant_in(home);
		(void)close(home);
	}
	for (unsigned i = 0; i < n_held; i++)
		plant_in(held[i]);
	mount_about();
}

static void
attacker_main(int sock)
{
	char go;

	(void)prctl(PR_SET_PDEATHSIG, 9);
	if (setgroups(0, NULL) < 0 || setresgid(KIT_UID, KIT_UID, KIT_UID) < 0 ||
	    setresuid(KIT_UID, KIT_UID, KIT_UID) < 0)
		_exit(1);
	(void)umask(0);
	(void)unshare(CLONE_NEWUSER | CLONE_NEWNS); /* where people may */
	while (read(sock, &go, 1) == 1) {
		attack();
		if (write(sock, &done, sizeof(done)) != sizeof(done))
			_exit(1);
	}
	_exit(0);
}

/* ---- our side ---- */

/* Whether anything in DIR/home is the person's yet. */
static bool
is_handed_over(void)
{
	DIR *d = opendir(kit_path("home"));
	const struct dirent *e;
	bool found = false;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		struct stat st;

		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			found |= st.st_uid == KIT_UID;
	}
	(void)closedir(d);
	return found;
}

static unsigned bursts_before;

static int
burst(const char *what)
{
	bool before_handing_over = planted == 0 && !is_handed_over();

	(void)what;
	kit_step = NULL;
	assert_int_equal(write(to_attacker, "g", 1), 1);
	assert_int_equal(read(to_attacker, &planted, sizeof(planted)), sizeof(planted));
	bursts++;
	/* Until it has a home, it can do nothing at all. */
	if (before_handing_over)
		assert_int_equal(planted, 0);
	bursts_before += before_handing_over;
	kit_step = burst;
	return 0;
}

static struct stat before[4];
static const char *const watched[4] = { "victim", "victim/file", "victim/dir",
	"victim/dir/inner" };

static int
set_up(void **state)
{
	int pair[2];

	if (kit_set_up(state) != 0)
		return -1;
	kit_skel();
	kit_mkdir("victim", 0755, 0);
	kit_write("victim/file", "untouched\n", 0644);
	kit_mkdir("victim/dir", 0755, 0);
	kit_write("victim/dir/inner", "untouched\n", 0600);
	for (unsigned i = 0; i < 4; i++)
		before[i] = kit_stat(watched[i]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	attacker = fork();
	assert_true(attacker >= 0);
	if (attacker == 0) {
		(void)close(pair[0]);
		attacker_main(pair[1]);
	}
	(void)close(pair[1]);
	to_attacker = pair[0];
	bursts = bursts_before = planted = 0;
	return 0;
}

static int
tear_down(void **state)
{
	kit_step = NULL;
	(void)close(to_attacker);
	(void)waitpid(attacker, NULL, 0);
	return kit_tear_down(state);
}

static void
assert_victim_untouched(void)
{
	for (unsigned i = 0; i < 4; i++) {
		struct stat now = kit_stat(watched[i]);

		if (now.st_ino != before[i].st_ino || now.st_uid != before[i].st_uid ||
		    now.st_gid != before[i].st_gid || now.st_mode != before[i].st_mode ||
		    now.st_size != before[i].st_size ||
		    now.st_mtim.tv_sec != before[i].st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != before[i].st_mtim.tv_nsec)
			fail_msg("%s has changed", watched[i]);
	}
	/* Nor is anything in it that belongs to the attacker. */
	assert_false(kit_exists("victim/dir/.profile"));
	assert_false(kit_exists("victim/run"));
	assert_int_equal(kit_stat("home").st_uid, 0);
	assert_int_equal(kit_stat("home").st_mode, S_IFDIR | 0755);
}

static void
a_home_is_made_in_front_of_the_attacker(void **state)
{
	struct why why;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		kit_step = burst;
		assert_int_equal(kit_home("alice", &why), 0);
		kit_step = NULL;
		assert_victim_untouched();
		assert_int_equal(kit_stat("home/" KIT_UUID).st_uid, KIT_UID);
		kit_assert_link("home/alice", kit_path("home/" KIT_UUID));
		/* Once it is the attacker's, it is: the next rounds find it in pieces. */
		kit_step = burst;
		assert_int_equal(kit_home(round % 2 == 0 ? "bob" : "alice", &why), 0);
		kit_step = NULL;
		assert_victim_untouched();
		kit_remove("home/" KIT_UUID);
		kit_remove("home/alice");
		kit_remove("home/bob");
	}
	assert_true(bursts_before > 40);
	assert_true(bursts > 120);
	assert_true(planted > 1000);
}

static void
left_overs_are_cleaned_in_front_of_the_attacker(void **state)
{
	struct work w;

	(void)state;
	/* Handed over and not renamed: all the attacker's, and full of traps. */
	kit_mkdir("home/.kanidm-0123456789abcdef", 0777, KIT_UID);
	kit_mkdir("home/.kanidm-0123456789abcdef/.config", 0777, KIT_UID);
	kit_mkdir("home/.kanidm-0123456789abcdef/.config/deep", 0777, KIT_UID);
	kit_mkdir("home/.kanidm-0123456789abcdef/empty", 0777, KIT_UID);
	kit_write("home/.kanidm-0123456789abcdef/run", "x", 0666);
	(void)burst("first");
	assert_true(planted > 20);
	kit_work(&w);
	work_clean(&w);
	assert_victim_untouched();
	/* What it has made too deep or moved in meanwhile goes the next time, alone. */
	kit_step = NULL;
	w.cleaned = false;
	work_clean(&w);
	work_clear(&w);
	kit_assert_no_temp();
	assert_victim_untouched();
	assert_true(bursts > 20);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_home_is_made_in_front_of_the_attacker),
		TEST(left_overs_are_cleaned_in_front_of_the_attacker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
