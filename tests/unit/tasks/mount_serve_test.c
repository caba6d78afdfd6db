/* SPDX-License-Identifier: MPL-2.0 */
/* Whom the mount helper serves, and when: in a process of its own, as systemd starts it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tasks/mount.h"
#include "tasks/mount_ask.h"
#include "unit/tasks/kit.h"

#define LISTEN_FD 3

static pid_t helper;

static void
serve(int listener)
{
	struct work work;
	char pid[16];

	(void)dup2(listener, LISTEN_FD);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	kit_work(&work);
	_exit(mount_serve(&work) == 0 ? 0 : 1);
}

static int
set_up(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int rc = kit_set_up(state), listener = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", kit_path("mount_sock"));
	assert_int_equal(bind(listener, (const void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 4), 0);
	/* Wider than in the unit: the helper must not rely on it. */
	assert_int_equal(chmod(kit_path("mount_sock"), 0666), 0);
	assert_int_equal(chmod(kit_dir, 0755), 0);
	helper = fork();
	if (helper == 0)
		serve(listener);
	assert_true(helper > 0);
	(void)close(listener);
	return rc;
}

static int
tear_down(void **state)
{
	(void)kill(helper, SIGKILL);
	(void)waitpid(helper, NULL, 0);
	return kit_tear_down(state);
}

static void
nothing_is_mounted_that_is_not_configured(void **state)
{
	struct request r = kit_request("alice");
	struct why why = { "" };

	(void)state;
	assert_true(mount_ask(kit_path("mount_sock"), &r, &why) < 0);
	assert_non_null(strstr(why.text, "home_strategy is not bind_mount"));
}

static void
nobody_but_root_is_answered(void **state)
{
	struct request r = kit_request("alice");
	struct why why = { "" };
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setresgid(KIT_UID, KIT_UID, KIT_UID) != 0 ||
		    setresuid(KIT_UID, KIT_UID, KIT_UID) != 0)
			_exit(2);
		(void)!mount_ask(kit_path("mount_sock"), &r, &why);
		_exit(strstr(why.text, "home_strategy") != NULL ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_mounted_that_is_not_configured),
		TEST(nobody_but_root_is_answered),
	};

	if (geteuid() != 0) {
		(void)puts("not root: skipped");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
