/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"

struct place {
	char dir[64];
	char passwd[96];
	char group[96];
};

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/ku-local-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	(void)snprintf(p->passwd, sizeof(p->passwd), "%s/passwd", p->dir);
	(void)snprintf(p->group, sizeof(p->group), "%s/group", p->dir);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "passwd", "group", "new", "real/passwd",
		"real/new" };
	struct place *p = *state;
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/real", p->dir);
	(void)rmdir(path);
	if (rmdir(p->dir) < 0)
		return -1;
	free(p);
	return 0;
}

static void
wait_for_event(const struct local *l)
{
	struct pollfd pfd = { .fd = local_watch_fd(l), .events = POLLIN };

	assert_true(pfd.fd >= 0);
	assert_int_equal(poll(&pfd, 1, 5000), 1);
}

static void
accounts_and_groups_of_the_files_are_known(void **state)
{
	struct place *p = *state;
	struct local_group g;
	struct local *l;

	write_file(p->passwd, "root:x:0:0::/root:/bin/sh\nBob:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "root:x:0:\ndocker:x:998:bob,alice\n");
	l = local_new(p->passwd, p->group);
	assert_true(local_passwd_visible(l));
	assert_true(local_group_visible(l));
	assert_false(local_is_frozen(l));
	assert_true(local_has_user(l, "bob"));
	assert_false(local_has_user(l, "nobody"));
	assert_true(local_has_uid(l, 1001));
	assert_false(local_has_uid(l, 500));
	assert_true(local_has_group(l, "docker"));
	assert_true(local_has_gid(l, 998));
	assert_string_equal(local_gid_name(l, 998), "docker");
	assert_true(local_get_group(l, "docker", &g));
	assert_int_equal(g.gid, 998);
	assert_int_equal(g.n_members, 2);
	assert_string_equal(g.members[1], "alice");
	assert_false(local_get_group(l, "wheel", &g));
	assert_false(local_refresh(l));
	local_free(l);
}

static void
a_file_renamed_over_is_seen(void **state)
{
	struct place *p = *state;
	struct local_ident before;
	struct local_ident after;
	char fresh[96];
	struct local *l;

	(void)snprintf(fresh, sizeof(fresh), "%s/new", p->dir);
	write_file(p->passwd, "one:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "one:x:1001:\n");
	l = local_new(p->passwd, p->group);
	before = local_passwd_ident(l);
	assert_true(before.ino != 0 && before.size == 27);
	write_file(fresh, "two:x:1002:1002::/:/bin/sh\n");
	assert_int_equal(rename(fresh, p->passwd), 0);
	wait_for_event(l);
	assert_true(local_refresh(l));
	after = local_passwd_ident(l);
	assert_true(after.ino != before.ino);
	assert_false(local_has_user(l, "one"));
	assert_true(local_has_user(l, "two"));
	assert_false(local_refresh(l));
	local_free(l);
}

static void
a_file_written_in_place_at_the_same_size_is_seen(void **state)
{
	struct place *p = *state;
	struct local *l;

	write_file(p->passwd, "one:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "one:x:1001:\n");
	l = local_new(p->passwd, p->group);
	write_file(p->group, "two:x:1001:\n");
	wait_for_event(l);
	assert_true(local_refresh(l));
	assert_string_equal(local_gid_name(l, 1001), "two");
	local_free(l);
}

static void
a_change_behind_a_symbolic_link_is_seen(void **state)
{
	struct place *p = *state;
	char real[96];
	char dir[96];
	char fresh[96];
	struct local *l;

	(void)snprintf(dir, sizeof(dir), "%s/real", p->dir);
	(void)snprintf(real, sizeof(real), "%s/real/passwd", p->dir);
	(void)snprintf(fresh, sizeof(fresh), "%s/real/new", p->dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file(real, "one:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "one:x:1001:\n");
	assert_int_equal(symlink(real, p->passwd), 0);
	l = local_new(p->passwd, p->group);
	write_file(fresh, "two:x:1002:1002::/:/bin/sh\n");
	assert_int_equal(rename(fresh, real), 0);
	wait_for_event(l);
	assert_true(local_refresh(l));
	assert_true(local_has_user(l, "two"));
	local_free(l);
}

static void
collect(void *arg, const char *name, uint32_t id)
{
	char *out = arg;

	(void)sprintf(out + strlen(out), "%s=%u ", name, id);
}

static void
without_a_file_the_reserved_range_is_local(void **state)
{
	struct place *p = *state;
	struct local *l = local_new(p->passwd, p->group);
	struct local_ident id = local_passwd_ident(l);
	char text[256] = "";

	assert_false(local_passwd_visible(l));
	assert_false(local_group_visible(l));
	assert_int_equal(id.ino, 0);
	assert_true(local_has_user(l, "root"));
	assert_true(local_has_user(l, "nobody"));
	assert_true(local_has_group(l, "nogroup"));
	assert_false(local_has_user(l, "alice"));
	assert_true(local_has_uid(l, 0));
	assert_true(local_has_gid(l, 999));
	assert_false(local_has_uid(l, 1000));
	local_each_user(l, collect, text);
	assert_string_equal(text, "root=0 nobody=65534 nogroup=65534 ");
	assert_false(local_refresh(l));
	write_file(p->passwd, "bob:x:1001:1001::/:/bin/sh\n");
	wait_for_event(l);
	assert_true(local_refresh(l));
	assert_true(local_passwd_visible(l));
	assert_false(local_has_user(l, "root"));
	text[0] = '\0';
	local_each_user(l, collect, text);
	assert_string_equal(text, "bob=1001 ");
	local_free(l);
}

static void
what_was_seen_once_stays_local_when_the_file_vanishes(void **state)
{
	struct place *p = *state;
	struct local *l;

	write_file(p->passwd, "bob:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "bob:x:1001:\n");
	l = local_new(p->passwd, p->group);
	assert_int_equal(unlink(p->passwd), 0);
	wait_for_event(l);
	assert_true(local_refresh(l));
	assert_false(local_passwd_visible(l));
	assert_int_equal(local_passwd_ident(l).ino, 0);
	assert_true(local_has_user(l, "bob"));
	assert_true(local_has_user(l, "root"));
	write_file(p->group, "");
	assert_true(local_refresh(l));
	assert_false(local_group_visible(l));
	assert_true(local_has_gid(l, 1001));
	local_free(l);
}

/* The descriptors were used up at the moment of the change: no event comes for it again. */
static void
a_file_that_could_not_be_read_for_a_moment_is_read_again(void **state)
{
	struct rlimit before, none;
	struct place *p = *state;
	struct local *l;

	write_file(p->passwd, "bob:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "bob:x:1001:\n");
	l = local_new(p->passwd, p->group);
	write_file(p->passwd, "eve:x:1002:1002::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(local_refresh(l));
	assert_false(local_passwd_visible(l));
	assert_true(local_has_user(l, "bob"));
	assert_false(local_refresh(l)); /* nothing has changed since */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(local_refresh(l));
	assert_true(local_passwd_visible(l));
	assert_true(local_has_user(l, "eve"));
	assert_true(local_has_uid(l, 1002));
	assert_false(local_refresh(l));
	local_free(l);
}

static void
a_directory_or_fifo_at_the_path_is_not_visible(void **state)
{
	struct place *p = *state;
	struct local *l;

	assert_int_equal(mkdir(p->passwd, 0700), 0);
	assert_int_equal(mkfifo(p->group, 0600), 0);
	l = local_new(p->passwd, p->group);
	assert_false(local_passwd_visible(l));
	assert_false(local_group_visible(l));
	assert_true(local_has_uid(l, 0));
	local_free(l);
	assert_int_equal(rmdir(p->passwd), 0);
}

static void
a_missing_directory_is_polled(void **state)
{
	struct place *p = *state;
	char path[96];
	struct local *l;

	(void)snprintf(path, sizeof(path), "%s/real/passwd", p->dir);
	write_file(p->group, "bob:x:1001:\n");
	l = local_new(path, p->group);
	assert_int_equal(local_watch_fd(l), -1);
	(void)snprintf(path, sizeof(path), "%s/real", p->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/real/passwd", p->dir);
	write_file(path, "bob:x:1001:1001::/:/bin/sh\n");
	assert_true(local_refresh(l));
	assert_true(local_has_user(l, "bob"));
	assert_true(local_watch_fd(l) >= 0);
	local_free(l);
}

/* In a child with a mount namespace of its own: 0 frozen, 1 not, 77 not possible here. */
static int
bind_and_look(const struct place *p, const char *from, const char *to)
{
	struct local *l;
	bool frozen;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 77;
	l = local_new(p->passwd, p->group);
	frozen = local_is_frozen(l);
	local_free(l);
	return frozen ? 0 : 1;
}

static int
look_with_bound(const struct place *p, const char *from, const char *to)
{
	int status;
	pid_t pid;

	write_file(p->passwd, "bob:x:1001:1001::/:/bin/sh\n");
	write_file(p->group, "bob:x:1001:\n");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(bind_and_look(p, from, to));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	return WEXITSTATUS(status);
}

static void
a_file_mount_is_recognised_as_frozen(void **state)
{
	struct place *p = *state;
	char host[96];

	(void)snprintf(host, sizeof(host), "%s/new", p->dir);
	write_file(host, "bob:x:1001:1001::/:/bin/sh\n");
	assert_int_equal(look_with_bound(p, host, p->passwd), 0);
	write_file(host, "bob:x:1001:\n");
	assert_int_equal(look_with_bound(p, host, p->group), 0);
}

static void
a_mount_of_the_directory_is_not_frozen(void **state)
{
	struct place *p = *state;

	assert_int_equal(look_with_bound(p, p->dir, p->dir), 1);
}

#define LOCAL_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL_TEST(accounts_and_groups_of_the_files_are_known),
		LOCAL_TEST(a_file_renamed_over_is_seen),
		LOCAL_TEST(a_file_written_in_place_at_the_same_size_is_seen),
		LOCAL_TEST(a_change_behind_a_symbolic_link_is_seen),
		LOCAL_TEST(without_a_file_the_reserved_range_is_local),
		LOCAL_TEST(what_was_seen_once_stays_local_when_the_file_vanishes),
		LOCAL_TEST(a_file_that_could_not_be_read_for_a_moment_is_read_again),
		LOCAL_TEST(a_directory_or_fifo_at_the_path_is_not_visible),
		LOCAL_TEST(a_missing_directory_is_polled),
		LOCAL_TEST(a_file_mount_is_recognised_as_frozen),
		LOCAL_TEST(a_mount_of_the_directory_is_not_frozen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
