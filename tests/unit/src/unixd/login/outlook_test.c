/* SPDX-License-Identifier: MPL-2.0 */
/* Every sentence that `kanidm-unix explain` begins with, and from what it is made. */
#include "src/unixd/login/outlook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

#define AWAY "connection refused"

/* Alice, online, with nothing that speaks against her; and her parts. */
/* clang-format off */
#define HER .who = STANDING_PERSON, .name = "alice", .groups = "shell_users, admins"
#define MAY .account = KU_ACCT_OK
#define SHELL .shell = "/bin/bash"
#define HOMES .tasks = true
#define ALICE HER, MAY, SHELL, HOMES

static const struct {
	struct outlook_facts facts;
	enum outlook_can can;
	const char *text;
} rows[] = {
	{ { .who = STANDING_NO_NAME }, OUTLOOK_UNKNOWN,
	    "the server can have nobody of this name; if this host has, pam_unix decides" },
	{ { .who = STANDING_LOCAL, .name = "root" }, OUTLOOK_UNKNOWN,
	    "root is an account of this host: pam_unix decides, not the server" },
	{ { .who = STANDING_GROUP, .name = "staff", .away = AWAY }, OUTLOOK_NO,
	    "staff is a group: nobody logs in by that name" },
	{ { .who = STANDING_NOBODY, .name = "nemo" }, OUTLOOK_NO,
	    "nemo cannot log in: the server has no POSIX account of this name (kanidm person posix "
	    "set nemo)" },
	{ { .who = STANDING_UNKNOWN, .name = "nemo" }, OUTLOOK_UNKNOWN,
	    "nemo is not known here yet; the server is being asked, try again in a moment" },
	{ { .who = STANDING_UNKNOWN, .name = "nemo", .away = AWAY }, OUTLOOK_NO,
	    "nemo cannot log in: not known on this host yet, and the server cannot be asked "
	    "(connection refused)" },
	{ { .who = STANDING_FORMER, .name = "alice" }, OUTLOOK_NO,
	    "alice cannot log in for some minutes: the name was another account's until lately" },
	{ { .who = STANDING_LEFT_OUT, .name = "alice", .why = "its number is a local uid" },
	    OUTLOOK_NO,
	    "alice cannot log in: left out on this host because its number is a local uid" },
	{ { HER, SHELL, HOMES, .account = KU_ACCT_EXPIRED, .shell_absent = true }, OUTLOOK_NO,
	    "alice cannot log in: the account has expired or is not valid yet" },
	{ { HER, SHELL, HOMES, .account = KU_ACCT_NOBODY }, OUTLOOK_NO,
	    "alice cannot log in: nobody may log in on this host, because pam_allowed_login_groups is "
	    "empty" },
	{ { HER, SHELL, HOMES, .account = KU_ACCT_NOT_ALLOWED, .away = AWAY, .memory = MEMORY_NONE }, OUTLOOK_NO,
	    "alice cannot log in: not a member of a group that may log in on this host (shell_users, "
	    "admins)" },
	{ { HER, MAY, HOMES, .shell = "/bin/fish", .shell_absent = true }, OUTLOOK_NO,
	    "alice cannot log in: the shell /bin/fish is not on this host" },
	{ { HER, MAY, HOMES, .shell = "/usr/sbin/nologin" }, OUTLOOK_NO,
	    "alice cannot log in: the shell is /usr/sbin/nologin" },
	{ { HER, MAY, HOMES, .shell = "/bin/false" }, OUTLOOK_NO,
	    "alice cannot log in: the shell is /bin/false" },

	{ { ALICE }, OUTLOOK_YES, "alice can log in, with the server and without it" },
	/* A wait is over sooner than the server is gone. */
	{ { ALICE, .memory = MEMORY_WAIT, .wait_s = 9 }, OUTLOOK_YES,
	    "alice can log in, with the server and without it" },
	{ { ALICE, .memory = MEMORY_UNTOLD }, OUTLOOK_YES, "alice can log in" },
	{ { ALICE, .memory = MEMORY_NO_KEY }, OUTLOOK_YES,
	    "alice can log in while the server answers, not without it: passwords cannot be "
	    "remembered on this host" },
	{ { ALICE, .memory = MEMORY_NONE }, OUTLOOK_YES,
	    "alice can log in while the server answers, not without it: no password was accepted "
	    "on this host yet" },
	{ { ALICE, .memory = MEMORY_SUSPENDED }, OUTLOOK_YES,
	    "alice can log in while the server answers, not without it: the server refused the "
	    "password that is remembered" },
	{ { ALICE, .memory = MEMORY_TOO_OLD }, OUTLOOK_YES,
	    "alice can log in while the server answers, not without it: the last login with the "
	    "server is longer ago than offline_auth_max_age" },
	{ { ALICE, .refused = true, .memory = MEMORY_SUSPENDED }, OUTLOOK_YES,
	    "alice may log in, but the server refused the last password: it is wrong, was changed, "
	    "is locked for a moment, or was never set (kanidm person posix set-password alice)" },

	{ { ALICE, .away = AWAY, .refused = true }, OUTLOOK_YES,
	    "alice can log in with the remembered password; the server cannot be reached "
	    "(connection refused)" },
	{ { ALICE, .away = AWAY, .memory = MEMORY_WAIT, .wait_s = 42, .keys = true }, OUTLOOK_NO,
	    "alice can log in again in 42 s: too many wrong passwords while the server cannot be "
	    "reached (connection refused)" },
	{ { ALICE, .away = AWAY, .memory = MEMORY_NONE }, OUTLOOK_NO,
	    "alice cannot log in: the server cannot be reached (connection refused), and no "
	    "password was accepted on this host yet" },
	{ { ALICE, .away = AWAY, .memory = MEMORY_SUSPENDED }, OUTLOOK_NO,
	    "alice cannot log in: the server cannot be reached (connection refused), and the "
	    "server refused the password that is remembered" },
	{ { ALICE, .away = AWAY, .memory = MEMORY_NONE, .keys = true }, OUTLOOK_YES,
	    "alice can log in by ssh key only: the server cannot be reached (connection refused), "
	    "and no password was accepted on this host yet" },
	{ { ALICE, .away = AWAY, .memory = MEMORY_UNTOLD, .keys = true }, OUTLOOK_UNKNOWN,
	    "alice may log in, but the server cannot be reached (connection refused), and whether "
	    "a password is remembered is told to root and to alice alone" },

	{ { HER, MAY, SHELL }, OUTLOOK_YES,
	    "alice can log in, but no home is made: kanidm_unixd_tasks is not connected" },
	{ { HER, MAY, SHELL, .home_deny = true }, OUTLOOK_UNKNOWN,
	    "alice can log in only if the home is there already: kanidm_unixd_tasks is not "
	    "connected, and home_failure is deny" },
	{ { HER, MAY, SHELL, .away = AWAY, .memory = MEMORY_NONE }, OUTLOOK_NO,
	    "alice cannot log in: the server cannot be reached (connection refused), and no "
	    "password was accepted on this host yet" },
	{ { ALICE, .home_deny = true }, OUTLOOK_YES,
	    "alice can log in, with the server and without it" },
};
/* clang-format on */

static void
each_step_that_ends_a_login_has_its_sentence(void **state)
{
	char text[OUTLOOK_MAX_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum outlook_can can = outlook(&rows[i].facts, text);

		assert_string_equal(text, rows[i].text);
		assert_int_equal(can, rows[i].can);
	}
}

static void
long_words_are_cut_and_end(void **state)
{
	char text[OUTLOOK_MAX_TEXT], groups[3 * OUTLOOK_MAX_TEXT];
	struct outlook_facts f = { HER, SHELL, HOMES, .account = KU_ACCT_NOT_ALLOWED };

	(void)state;
	memset(groups, 'g', sizeof(groups) - 1);
	groups[sizeof(groups) - 1] = '\0';
	f.groups = groups;
	assert_int_equal(outlook(&f, text), OUTLOOK_NO);
	assert_int_equal(strlen(text), sizeof(text) - 1);
}

static void
what_programs_read_is_one_of_three_words(void **state)
{
	(void)state;
	assert_string_equal(outlook_can_text(OUTLOOK_NO), "no");
	assert_string_equal(outlook_can_text(OUTLOOK_YES), "yes");
	assert_string_equal(outlook_can_text(OUTLOOK_UNKNOWN), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_that_ends_a_login_has_its_sentence),
		cmocka_unit_test(long_words_are_cut_and_end),
		cmocka_unit_test(what_programs_read_is_one_of_three_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
