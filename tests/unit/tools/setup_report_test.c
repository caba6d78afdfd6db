/* SPDX-License-Identifier: MPL-2.0 */
/* What `setup --json` prints, who may run at a time, and what goes that others have left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/cli/cli.h"
#include "src/prog/xalloc.h"
#include "unit/tools/setup_tree.h"

/* Streams that a test reads. */
struct text {
	char *v;
	size_t len;
	FILE *f;
};

static void
text_open(struct text *t)
{
	t->f = open_memstream(&t->v, &t->len);
	assert_non_null(t->f);
}

static void
text_close(struct text *t)
{
	(void)fclose(t->f);
	free(t->v);
}

static void
is_golden(struct text *t, const char *name)
{
	char path[512], want[4096];
	FILE *f;

	assert_int_equal(fflush(t->f), 0);
	(void)snprintf(path, sizeof(path), GOLDEN_DIR "/%s", name);
	f = fopen(path, "r");
	assert_non_null(f);
	want[fread(want, 1, sizeof(want) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	assert_string_equal(t->v, want);
}

/* ---- one object ---- */

static void
what_was_put_back_is_one_object(void **state)
{
	struct text out, err;
	struct tool tool;

	(void)state;
	assert_true(setup_backup(&w.s));
	put("/etc/nsswitch.conf", "passwd: files kanidm\ngroup: files kanidm\n");
	assert_int_equal(chmod(real("/etc/pam.d/login"), 0600), 0);
	text_open(&out);
	text_open(&err);
	tool = w.tool;
	tool.out = tool.err = setup_words(&w.s.report, err.f);
	w.s.t = &tool;
	w.wish.yes = w.wish.restore = true;
	assert_int_equal(setup_restore(&w.s), 0);
	(void)fclose(tool.out);
	assert_int_equal(setup_report_print(&w.s, out.f, 0), 0);
	is_golden(&out, "setup_restore.json");
	assert_int_equal(fflush(err.f), 0);
	assert_non_null(strstr(err.v, "\ndone: put back /etc/nsswitch.conf\n"));
	w.s.t = &w.tool;
	text_close(&out);
	text_close(&err);
}

static void
a_problem_is_the_error_and_the_exit_code(void **state)
{
	struct text out, err;
	struct tool tool;

	(void)state;
	text_open(&out);
	text_open(&err);
	tool = w.tool;
	tool.out = tool.err = setup_words(&w.s.report, err.f);
	w.s.t = &tool;
	setup_show(&w.s, "/etc/nsswitch.conf", "passwd: files\n",
	    "passwd: files kanidm\n");
	setup_note_step(&w.s, "write /etc/nsswitch.conf", "planned");
	setup_note_step(&w.s, "pam-auth-update --enable kanidm", "planned");
	setup_note_step(&w.s, "write /etc/nsswitch.conf", "done");
	setup_note_step(&w.s, "pam-auth-update --enable kanidm", "failed");
	(void)fprintf(tool.err, "setup: pam-auth-update: it said \"no\"\nand more\n");
	(void)fprintf(tool.err, "setup: the new configuration stays\n");
	(void)fclose(tool.out);
	assert_int_equal(setup_report_print(&w.s, out.f, 1), 1);
	is_golden(&out, "setup_failed.json");
	w.s.t = &w.tool;
	text_close(&out);
	text_close(&err);
}

/* Whoever reads JSON answers no questions. */
static void
json_alone_does_nothing(void **state)
{
	struct setup_wish wish = { .uri = "https://idm.example.com" };
	struct text out, err;
	struct tool tool;

	(void)state;
	text_open(&out);
	text_open(&err);
	tool = (struct tool){ .out = out.f, .err = err.f, .json = true };
	assert_int_equal(cmd_setup(&tool, &wish), CLI_USAGE);
	is_golden(&out, "setup_unsure.json");
	assert_int_equal(fflush(err.f), 0);
	assert_string_equal(err.v,
	    "setup: with --json nobody is asked; give --yes or --dry-run\n");
	text_close(&out);
	text_close(&err);
}

/* ---- alone ---- */

#define LOCK "/run/kanidm-unix-setup.lock"

static void
the_second_one_is_told_who_the_first_is(void **state)
{
	struct setup other = { .c = w.s.c, .t = &w.tool, .lock_fd = -1 };
	struct stat st;
	char words[128];

	(void)state;
	assert_true(setup_lock(&w.s));
	assert_false(setup_lock(&other));
	(void)snprintf(words, sizeof(words),
	    "setup: another setup is running, process %d; nothing was changed\n",
	    (int)getpid());
	said(words);
	setup_unlock(&w.s);
	assert_false(check_lstat(&w.s.c, LOCK, &st));
	assert_true(setup_lock(&other));
	setup_unlock(&other);
}

static void
a_lock_that_nobody_holds_is_taken(void **state)
{
	struct setup other = { .c = w.s.c, .t = &w.tool, .lock_fd = -1 };
	char pid[16];

	(void)state;
	put(LOCK, "4194304\n");
	assert_true(setup_lock(&w.s));
	(void)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	has(LOCK, pid);
	assert_false(setup_lock(&other));
}

/* Whoever can open a file can lock it: others would keep the administrator from setup. */
static void
nobody_else_can_open_the_lock(void **state)
{
	struct stat st;

	(void)state;
	assert_true(setup_lock(&w.s));
	assert_true(check_stat(&w.s.c, LOCK, &st));
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
a_link_is_no_lock(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink(real("/etc/shadow"), real(LOCK)), 0);
	assert_false(setup_lock(&w.s));
	said("setup: " LOCK ": ");
	assert_false(check_lstat(&w.s.c, "/etc/shadow", &st));
}

/* ---- leftovers ---- */

static void
what_a_killed_one_left_goes(void **state)
{
	static const char *const ours[] = { "/etc/kanidm/config.kanidm-a1B2c3",
		"/etc/kanidm/ca.pem.kanidm-000000", "/etc/nsswitch.conf.kanidm-Zzzzzz",
		"/etc/nsswitch.conf.kanidm-new", "/etc/pam.d/login.kanidm-new",
		"/etc/ssh/sshd_config.d/10-kanidm.conf.kanidm-abcdef",
		"/run/kanidm-unix-setup.sshd" };
	static const char *const others[] = { "/etc/kanidm/config.kanidm-a1B2c3d",
		"/etc/kanidm/config.kanidm-old", "/etc/kanidm/config.dpkg-new",
		"/etc/nsswitch.conf", "/etc/pam.d/login", "/etc/kanidm/token" };
	struct stat st;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		put(ours[i], "half");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		put(others[i], "whole");
	setup_sweep(&w.s);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (check_lstat(&w.s.c, ours[i], &st))
			fail_msg("%s stays", ours[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		has(others[i], "whole");
	said("done: removed /etc/kanidm/config.kanidm-a1B2c3, which a setup that was");
}

static void
what_somebody_else_made_stays(void **state)
{
	struct stat st;

	(void)state;
	put("/etc/kanidm/config.kanidm-aaaaaa", "other");
	put("/etc/kanidm/unixd.kanidm-aaaaaa", "twice");
	put("/etc/nsswitch.conf.kanidm-aaaaaa/file", "below");
	put("/etc/ssh/sshd_config.d/10-kanidm.conf.kanidm-aaaaaa", "open");
	assert_int_equal(link(real("/etc/kanidm/unixd.kanidm-aaaaaa"),
			     real("/etc/kanidm/elsewhere")),
	    0);
	/* Where others may put files, nothing there is known to be ours. */
	assert_int_equal(chmod(real("/etc/ssh/sshd_config.d"), 0777), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(real("/etc/kanidm/config.kanidm-aaaaaa"), 65534,
				     0),
		    0);
	else
		assert_int_equal(unlink(real("/etc/kanidm/config.kanidm-aaaaaa")), 0);
	setup_sweep(&w.s);
	assert_true(geteuid() != 0 ||
	    check_lstat(&w.s.c, "/etc/kanidm/config.kanidm-aaaaaa", &st));
	has("/etc/kanidm/unixd.kanidm-aaaaaa", "twice");
	has("/etc/nsswitch.conf.kanidm-aaaaaa/file", "below");
	has("/etc/ssh/sshd_config.d/10-kanidm.conf.kanidm-aaaaaa", "open");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_tree_begin, setup_tree_end)
		TEST(what_was_put_back_is_one_object),
		TEST(a_problem_is_the_error_and_the_exit_code),
		TEST(json_alone_does_nothing),
		TEST(the_second_one_is_told_who_the_first_is),
		TEST(a_lock_that_nobody_holds_is_taken),
		TEST(nobody_else_can_open_the_lock),
		TEST(a_link_is_no_lock),
		TEST(what_a_killed_one_left_goes),
		TEST(what_somebody_else_made_stays),
	};

	(void)setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
