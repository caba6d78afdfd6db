/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whom a password may be sent to. What is looked at are directories of root's, so all of it
 * happens in a mount namespace of its own; skipped where there is none to be had.
 */
#include "src/client/peer.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define BASE   "/mnt/base"
#define DIR    BASE "/kanidm-unixd"
#define SOCK   DIR "/sock"
#define LINK   BASE "/link"
#define DAEMON 990
#define OTHER  2001

static bool is_possible;

/* A directory of the daemon's in one of root's, as it is on every host. */
static int
setup(void **state)
{
	(void)state;
	is_possible = unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=0755") == 0 &&
	    mkdir(BASE, 0755) == 0 && chmod(BASE, 0755) == 0 && mkdir(DIR, 0755) == 0 &&
	    chmod(DIR, 0755) == 0 && chown(DIR, DAEMON, DAEMON) == 0 &&
	    symlink(DIR, LINK) == 0;
	return 0;
}

/* What is said of somebody with this uid who listens at SOCK and is found at `path`. */
static int
verdict(uid_t uid, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = SOCK };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!is_possible)
		skip();
	(void)unlink(SOCK);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	/* whoever calls listen() is the peer that clients see */
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	r = peer_verify(fd, path);
	(void)close(fd);
	(void)close(listener);
	return r;
}

static void
root_and_the_owner_of_the_directory_are_believed(void **state)
{
	(void)state;
	assert_int_equal(verdict(0, SOCK), 0);
	assert_int_equal(verdict(DAEMON, SOCK), 0);
}

static void
nobody_else_is_believed(void **state)
{
	(void)state;
	assert_int_equal(verdict(OTHER, SOCK), -EPERM);
	assert_int_equal(verdict(65534, SOCK), -EPERM);
}

static void
a_directory_that_others_may_write_to_proves_nothing(void **state)
{
	(void)state;
	if (!is_possible)
		skip();
	assert_int_equal(chmod(DIR, 0775), 0);
	assert_int_equal(verdict(DAEMON, SOCK), -EPERM);
	assert_int_equal(verdict(0, SOCK), -EPERM);
	assert_int_equal(chmod(DIR, 0757), 0);
	assert_int_equal(verdict(DAEMON, SOCK), -EPERM);
	assert_int_equal(chmod(DIR, 0755), 0);
	assert_int_equal(verdict(DAEMON, SOCK), 0);
}

static void
a_link_in_the_place_of_the_directory_proves_nothing(void **state)
{
	(void)state;
	assert_int_equal(verdict(DAEMON, LINK "/sock"), -EPERM);
}

static void
a_parent_that_is_not_roots_alone_proves_nothing(void **state)
{
	(void)state;
	if (!is_possible)
		skip();
	assert_int_equal(chmod(BASE, 0777), 0);
	assert_int_equal(verdict(DAEMON, SOCK), -EPERM);
	assert_int_equal(chmod(BASE, 0755), 0);
	assert_int_equal(chown(BASE, OTHER, 0), 0);
	assert_int_equal(verdict(DAEMON, SOCK), -EPERM);
	assert_int_equal(chown(BASE, 0, 0), 0);
	assert_int_equal(verdict(DAEMON, SOCK), 0);
}

static void
what_is_no_path_of_a_socket_proves_nothing(void **state)
{
	(void)state;
	assert_int_equal(verdict(0, "sock"), -EPERM);
	assert_int_equal(verdict(0, "/sock"), -EPERM);
	assert_int_equal(verdict(0, BASE "/nowhere/sock"), -EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_and_the_owner_of_the_directory_are_believed),
		cmocka_unit_test(nobody_else_is_believed),
		cmocka_unit_test(a_directory_that_others_may_write_to_proves_nothing),
		cmocka_unit_test(a_link_in_the_place_of_the_directory_proves_nothing),
		cmocka_unit_test(a_parent_that_is_not_roots_alone_proves_nothing),
		cmocka_unit_test(what_is_no_path_of_a_socket_proves_nothing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
