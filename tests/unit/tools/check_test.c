/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A healthy host has no finding, and each fault, put into it alone, is named: by its word,
 * with the thing in the same line, and with the exit code that goes with its level. Every
 * finding of the table has a row here.
 */
#include "tools/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "tools/check_internal.h"
#include "unit/tools/check_faults.h"
#include "unit/tools/check_tree.h"

static void
a_healthy_host_has_no_finding(void **state)
{
	const char *text;

	(void)state;
	assert_true(tree_make(NULL, 0));
	assert_int_equal(tree_check(false, false, &text), 0);
	assert_string_equal(text, "0 errors, 0 warnings, 0 hints\n");
	assert_int_equal(tree_check(true, false, &text), 0);
	assert_non_null(strstr(text, "ok: kanidm_unixd: answers\n"));
	assert_non_null(strstr(text, "ok: /run/kanidm-unixd/nss.map: is live\n"));
	assert_non_null(strstr(text, "ok: shells: 2 were looked at\n"));
	tree_remove();
}

/* Is there a line of this level with both in it? */
static bool
is_named(const char *text, const struct check_kind *k, const char *thing)
{
	char level[32], word[64];

	(void)snprintf(level, sizeof(level), "%s: ", check_level_text(k->level));
	(void)snprintf(word, sizeof(word), " [%s]\n", k->word);
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		size_t len = (size_t)(end + 1 - text);

		if (strncmp(text, level, strlen(level)) == 0 &&
		    memmem(text, len, word, strlen(word)) != NULL &&
		    memmem(text, len, thing, strlen(thing)) != NULL)
			return true;
	}
	return false;
}

static void
every_fault_is_named(void **state)
{
	size_t left_out = 0, failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct fault *f = &faults[i];
		const struct check_kind *k = &check_kinds[f->id];
		const char *text;
		int rc;

		if (!tree_make(f->ops, ARRAY_SIZE(f->ops)))
			left_out++;
		else {
			rc = tree_check(false, false, &text);
			if (!is_named(text, k, f->thing)) {
				(void)fprintf(stderr, "%s: '%s' is not named in:\n%s",
				    k->word, f->thing, text);
				failed++;
			}
			if (k->level == CHECK_ERROR)
				assert_int_equal(rc, 1);
			assert_null(strstr(text, "{}"));
		}
		tree_remove();
	}
	if (left_out > 0)
		print_message("%zu faults need root and were left out\n", left_out);
	assert_int_equal(failed, 0);
}

static void
every_finding_has_a_fault(void **state)
{
	(void)state;
	for (int id = 0; id < CHECK_N_IDS; id++) {
		bool there = false;

		for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
			there |= faults[i].id == (enum check_id)id;
		if (!there)
			fail_msg("no fault for %s", check_kinds[id].word);
	}
}

/* What looks like a fault and is none. */
static void
what_is_fine_is_not_reported(void **state)
{
	const char *text;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		assert_true(tree_make(fine[i].ops, ARRAY_SIZE(fine[i].ops)));
		assert_int_equal(tree_check(false, false, &text), 0);
		if (!streq(text, "0 errors, 0 warnings, 0 hints\n"))
			fail_msg("%s: %s", fine[i].what, text);
		tree_remove();
	}
}

static void
a_server_that_is_not_used_is_not_called_missing(void **state)
{
	static const struct op ops[] = { { OP_WRITE, "/etc/kanidm/config",
	    "uri = \"http://idm.example.com\"\n" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, false, &text), 1);
	assert_non_null(strstr(text, "plain http would send passwords in clear"));
	assert_null(strstr(text, "[config-uri]"));
	tree_remove();
}

static void
a_token_that_the_daemon_has_is_not_called_unreadable(void **state)
{
	static const struct op ops[] = { { OP_WRITE, "/etc/kanidm/token", "t" },
		{ OP_MODE, "/etc/kanidm/token", "0600" },
		{ OP_OWNER, "/run/kanidm-unixd", "990" },
		{ OP_STATUS, "identity", "host1@idm.example.com (token)" } };
	const char *text;

	(void)state;
	if (!tree_make(ops, ARRAY_SIZE(ops))) {
		tree_remove();
		skip();
	}
	(void)tree_check(false, false, &text);
	assert_null(strstr(text, "[token-unreadable]"));
	tree_remove();
	assert_true(tree_make(ops, ARRAY_SIZE(ops) - 1));
	(void)tree_check(false, false, &text);
	assert_non_null(strstr(text, "[token-unreadable]"));
	tree_remove();
}

/* Every program looks into it itself whether a group of the host is in map_group, and sshd's
 * helper, who is nobody, whom a local name was given to. */
static void
what_every_program_has_to_read_must_be_readable(void **state)
{
	static const char *const needed[] = {
		"version = \"2\"\n[kanidm]\npam_allowed_login_groups = [\"a\"]\n"
		"map_group = [ { local = \"sudo\", with = \"a\" } ]\n",
		"version = \"2\"\nallow_local_account_override = [\"admin\"]\n[kanidm]\n"
		"pam_allowed_login_groups = [\"a\"]\n",
	};
	struct op ops[] = { { OP_WRITE, "/etc/kanidm/unixd",
				"version = \"2\"\n[kanidm]\npam_allowed_login_groups = "
				"[\"a\"]\n" },
		{ OP_MODE, "/etc/kanidm/unixd", "0640" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	(void)tree_check(false, false, &text);
	assert_null(strstr(text, "[config-unreadable]"));
	tree_remove();
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		ops[0].b = needed[i];
		assert_true(tree_make(ops, ARRAY_SIZE(ops)));
		(void)tree_check(false, false, &text);
		assert_non_null(strstr(text, "[config-unreadable]"));
		tree_remove();
		assert_true(tree_make(ops, 1));
		(void)tree_check(false, false, &text);
		assert_null(strstr(text, "[config-unreadable]"));
		tree_remove();
	}
}

static void
warnings_and_hints_leave_the_exit_code_zero(void **state)
{
	static const struct op ops[] = { { OP_STATUS, "tasks", "not connected" },
		{ OP_WRITE, "/proc/78/comm", "nscd\n" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, false, &text), 0);
	assert_non_null(strstr(text, "\n0 errors, 1 warning, 1 hint\n"));
	/* Gravest first. */
	assert_int_equal(strncmp(text, "warning: ", 9), 0);
	tree_remove();
}

static void
the_gravest_finding_comes_first(void **state)
{
	static const struct op ops[] = {
		{ OP_WRITE, "/etc/pam.d/common-auth",
		    "auth sufficient pam_kanidm.so ignore_unknown_user\n" },
		{ OP_REMOVE, KU_PATH_MAP, NULL },
		{ OP_STATUS, "reason", "certificate expired" },
		{ OP_STATUS, "Kanidm", "offline" },
	};
	static const char first[] =
	    "error: /etc/pam.d/common-auth:1: auth has pam_kanidm.so and no pam_unix.so";
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, false, &text), 1);
	assert_int_equal(strncmp(text, first, strlen(first)), 0);
	/* One line for the file, with the services that include it. */
	assert_non_null(strstr(text, "(login, sshd, common-auth)"));
	assert_null(strstr(strstr(text, "[pam-no-unix]") + 1, "[pam-no-unix]"));
	tree_remove();
}

static void
json_has_what_the_lines_have(void **state)
{
	static const struct op ops[] = { { OP_STATUS, "tasks", "not \"connected\"" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, true, &text), 0);
	assert_string_equal(text,
	    "{\"errors\":0,\"warnings\":1,\"hints\":0,\"findings\":[{\"level\":\"warning\","
	    "\"id\":\"tasks-down\",\"area\":\"link\",\"thing\":\"kanidm-unixd-tasks\","
	    "\"what\":\"not \\\"connected\\\"\",\"fix\":\"run: systemctl enable --now "
	    "kanidm-unixd-tasks\"}],\"not_looked_at\":[]}\n");
	assert_int_equal(tree_check(true, true, &text), 0);
	assert_non_null(strstr(text, "\"ok\":[{\"area\":"));
	tree_remove();
}

static void
what_an_ordinary_user_cannot_see_is_said(void **state)
{
	static const struct op ops[] = { { OP_ORDINARY, NULL, NULL },
		{ OP_NOBODY, NULL, NULL }, { OP_WRITE, "/sys/fs/selinux/enforce", "1" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, false, &text), 1);
	assert_non_null(strstr(text,
	    "not looked at (the daemon does not answer): server, tasks, cache\n"));
	assert_non_null(strstr(text, "not looked at (needs root): SELinux modules\n"));
	tree_remove();
}

static void
one_finding_is_one_line_whatever_a_file_says(void **state)
{
	static const struct op ops[] = { { OP_STATUS, "tasks",
	    "no\n\033[31merror: x: y" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	assert_int_equal(tree_check(false, false, &text), 0);
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "\nerror"));
	tree_remove();
}

/* The path is what is wrong, and is in what to do about it, too. */
static void
a_thing_is_as_clean_as_what_is_said_about_it(void **state)
{
	static const struct op ops[] = { { OP_WRITE, "/etc/kanidm/config",
	    "uri = \"https://idm.example.com\"\n"
	    "ca_path = \"/nowhere\\u001B[2J\\u007F\\nerror: x: y\"\n" } };
	const char *text;

	(void)state;
	assert_true(tree_make(ops, ARRAY_SIZE(ops)));
	(void)tree_check(false, false, &text);
	assert_non_null(strstr(text, "/nowhere"));
	assert_null(strchr(text, '\033'));
	assert_null(strchr(text, 127));
	assert_null(strstr(text, "\nerror: x"));
	tree_remove();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_healthy_host_has_no_finding),
		cmocka_unit_test(every_fault_is_named),
		cmocka_unit_test(every_finding_has_a_fault),
		cmocka_unit_test(what_is_fine_is_not_reported),
		cmocka_unit_test(a_server_that_is_not_used_is_not_called_missing),
		cmocka_unit_test(what_every_program_has_to_read_must_be_readable),
		cmocka_unit_test(a_token_that_the_daemon_has_is_not_called_unreadable),
		cmocka_unit_test(warnings_and_hints_leave_the_exit_code_zero),
		cmocka_unit_test(the_gravest_finding_comes_first),
		cmocka_unit_test(json_has_what_the_lines_have),
		cmocka_unit_test(what_an_ordinary_user_cannot_see_is_said),
		cmocka_unit_test(one_finding_is_one_line_whatever_a_file_says),
		cmocka_unit_test(a_thing_is_as_clean_as_what_is_said_about_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
