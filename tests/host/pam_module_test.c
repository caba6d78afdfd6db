/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The built PAM module in a conversation: passwords that are stacked, typed, wrong, missing;
 * what an application may do to it, and what it leaves behind. docs/pam-matrix.md has what it
 * says for each reason.
 */
#include <dlfcn.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/pam_modules.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/pamhost.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/deadline.h"
#include "src/base/util.h"

#define WRONG "something else"

static struct fake fake;

static int
begin(void **state)
{
	(void)state;
	fake_pam_reset(&fake);
	fake_set(&fake, FAKE_ANSWER, 0);
	(void)fake_requests(&fake);
	(void)pamhost_journal();
	return 0;
}

static unsigned
asked(enum ku_op op)
{
	return fake.ctl->pam_requests[op - KU_OP_PAM_LOOKUP];
}

/* pam_authenticate in a stack of this one module. */
static int
authenticate(const char *options, struct person *p, int flags)
{
	pam_handle_t *pamh;
	int code;

	pamhost_stack("one", "required", options);
	pamh = pamhost_start("one", "alice", p);
	code = pam_authenticate(pamh, flags);
	assert_int_equal(pam_end(pamh, code), PAM_SUCCESS);
	assert_int_equal(p->n_bad, 0);
	return code;
}

static void
the_right_password_is_asked_for_once(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };

	(void)state;
	assert_int_equal(authenticate("", &p, 0), PAM_SUCCESS);
	assert_string_equal(p.prompts, "Password: ");
	assert_string_equal(p.told, "");
	assert_int_equal(p.delay_us, 0);
	assert_int_equal(asked(KU_OP_PAM_AUTH), 1);
	assert_string_equal(fake.ctl->seen.name, "alice");
	assert_string_equal(fake.ctl->seen.service, "one");
}

static void
nobody_is_asked_for_a_password_that_is_not_ours(void **state)
{
	static const char *const names[] = { "root", "local", "ghost", "+alice", "-",
		"alice,bob", "name=alice", "70001", "a b" };

	(void)state;
	pamhost_stack("one", "required", "");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct person p = { .answers = { FAKE_PASSWORD } };
		pam_handle_t *pamh = pamhost_start("one", names[i], &p);

		assert_int_equal(pam_authenticate(pamh, 0), PAM_USER_UNKNOWN);
		assert_string_equal(p.prompts, "");
		assert_string_equal(p.told, "");
		assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
		assert_string_equal(pamhost_journal(), "");
	}
	/* and of these only two were worth a question */
	assert_int_equal(fake_requests(&fake), 2);
}

static void
conversations_that_fail_end_the_call(void **state)
{
	static const struct {
		enum person_mode mode;
		int code;
	} modes[] = {
		{ PERSON_FAILS, PAM_CONV_ERR },
		{ PERSON_FAILS_AND_ANSWERS, PAM_CONV_ERR },
		{ PERSON_WAITS, PAM_INCOMPLETE },
		{ PERSON_NO_REPLY, PAM_CRED_INSUFFICIENT },
		{ PERSON_NO_STRING, PAM_CRED_INSUFFICIENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct person p = { .mode = modes[i].mode,
			.answers = { FAKE_PASSWORD, FAKE_PASSWORD } };

		assert_int_equal(authenticate("retry=3", &p, 0), modes[i].code);
		assert_string_equal(p.prompts, "Password: ");
	}
	assert_int_equal(asked(KU_OP_PAM_AUTH), 0);
}

static void
an_application_that_waits_may_come_back(void **state)
{
	struct person p = { .mode = PERSON_WAITS, .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh;

	(void)state;
	pamhost_stack("one", "required", "");
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_INCOMPLETE);
	p.mode = PERSON_ANSWERS;
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
}

static void
retry_asks_again_and_says_why(void **state)
{
	struct person p = { .answers = { WRONG, WRONG, FAKE_PASSWORD } };

	(void)state;
	assert_int_equal(authenticate("retry=3", &p, 0), PAM_SUCCESS);
	assert_string_equal(p.prompts, "Password:  | Password:  | Password: ");
	assert_non_null(strstr(p.told, "error: The server refused this password"));
	p = (struct person){ .answers = { WRONG, WRONG, FAKE_PASSWORD } };
	assert_int_equal(authenticate("retry=2", &p, 0), PAM_AUTH_ERR);
	assert_int_equal(p.n_asked, 2);
}

static void
a_failure_asks_for_a_pause_unless_told_not_to(void **state)
{
	struct person p = { .answers = { WRONG } };

	(void)state;
	assert_int_equal(authenticate("", &p, 0), PAM_AUTH_ERR);
	/* libpam draws a time around what is asked for */
	assert_true(p.delay_us >= 1000000 && p.delay_us <= 3000000);
	p = (struct person){ .answers = { WRONG } };
	assert_int_equal(authenticate("nodelay", &p, 0), PAM_AUTH_ERR);
	assert_int_equal(p.delay_us, 0);
}

static void
silence_is_kept_and_still_a_password_is_asked_for(void **state)
{
	struct person p = { .answers = { WRONG } };

	(void)state;
	assert_int_equal(authenticate("", &p, PAM_SILENT), PAM_AUTH_ERR);
	assert_string_equal(p.told, "");
	assert_string_equal(p.prompts, "Password: ");
	assert_int_equal(fake.ctl->seen.flags, KU_PAM_SILENT);
	p = (struct person){ .answers = { WRONG } };
	assert_int_equal(authenticate("no_warn", &p, 0), PAM_AUTH_ERR);
	assert_string_equal(p.told, "");
}

/* Two lines of ours: what the first one gets, the second one finds. */
static int
two_lines(const char *first, const char *second, struct person *p)
{
	char text[512];
	pam_handle_t *pamh;
	int code;

	(void)snprintf(text, sizeof(text),
	    "auth optional MODULE %s\nauth required MODULE %s\n", first, second);
	pamhost_stack_text("two", text);
	pamh = pamhost_start("two", "alice", p);
	code = pam_authenticate(pamh, 0);
	assert_int_equal(pam_end(pamh, code), PAM_SUCCESS);
	return code;
}

static void
what_was_typed_is_there_for_the_modules_behind(void **state)
{
	static const char *const second[] = { "use_authtok", "use_first_pass",
		"try_first_pass", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(second); i++) {
		struct person p = { .answers = { FAKE_PASSWORD } };

		assert_int_equal(two_lines("", second[i], &p), PAM_SUCCESS);
		assert_int_equal(p.n_asked, 1);
		assert_string_equal(fake.ctl->seen.password, FAKE_PASSWORD);
	}
}

static void
a_wrong_stacked_password_leads_to_one_question_or_none(void **state)
{
	struct person p = { .answers = { WRONG, FAKE_PASSWORD } };

	(void)state;
	assert_int_equal(two_lines("", "try_first_pass", &p), PAM_SUCCESS);
	assert_int_equal(p.n_asked, 2);
	p = (struct person){ .answers = { WRONG, FAKE_PASSWORD } };
	assert_int_equal(two_lines("", "use_first_pass", &p), PAM_AUTH_ERR);
	assert_int_equal(p.n_asked, 1);
	p = (struct person){ .answers = { WRONG, FAKE_PASSWORD } };
	assert_int_equal(two_lines("", "use_authtok", &p), PAM_AUTH_ERR);
	assert_int_equal(p.n_asked, 1);
}

static void
use_authtok_never_asks_and_use_first_pass_does_when_there_is_none(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };

	(void)state;
	assert_int_equal(authenticate("use_authtok", &p, 0), PAM_CRED_INSUFFICIENT);
	assert_int_equal(p.n_asked, 0);
	assert_int_equal(authenticate("use_first_pass", &p, 0), PAM_SUCCESS);
	assert_int_equal(p.n_asked, 1);
}

static void
an_unknown_option_is_reported_and_passed_over(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	const char *journal;

	(void)state;
	assert_int_equal(authenticate("use_frist_pass", &p, 0), PAM_SUCCESS);
	journal = pamhost_journal();
	assert_non_null(
	    strstr(journal, "pam_kanidm(one:auth): unknown option: use_frist_pass"));
}

static void
debug_says_much_and_no_password(void **state)
{
	struct person p = { .answers = { WRONG, FAKE_PASSWORD } };
	const char *journal;

	(void)state;
	assert_int_equal(authenticate("debug retry=2", &p, 0), PAM_SUCCESS);
	journal = pamhost_journal();
	assert_non_null(strstr(journal, "step"));
	assert_null(strstr(journal, WRONG));
	assert_null(strstr(journal, FAKE_PASSWORD));
}

/* What fail2ban's filter "sshd" looks for: a host that cannot be forged by other fields. */
static void
failures_have_the_form_that_tools_count(void **state)
{
	struct person p = { .answers = { WRONG } };
	regmatch_t at[2];
	pam_handle_t *pamh;
	const char *journal;
	regex_t re;

	(void)state;
	assert_int_equal(regcomp(&re,
			     "^pam_[a-z]+\\(sshd:auth\\): authentication failure;"
			     "( (logname|e?uid|tty)=[^ ]*){0,4} ruser=[^ ]* "
			     "rhost=[^ ]+ user=[^ ]*\n",
			     REG_EXTENDED),
	    0);
	pamhost_stack("sshd", "required", "");
	pamh = pamhost_start("sshd", "alice", &p);
	assert_int_equal(pam_set_item(pamh, PAM_RUSER, "x rhost=1.2.3.4 user=bob\n"),
	    PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_RHOST, "198.51.100.7"), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
	journal = pamhost_journal();
	assert_int_equal(regexec(&re, journal, ARRAY_SIZE(at), at, 0), 0);
	assert_non_null(strstr(journal,
	    "ruser=x?rhost=1.2.3.4?user=bob? rhost=198.51.100.7 "
	    "user=alice\n"));
	regfree(&re);
}

static void
what_the_host_says_is_cut_and_cleaned_for_the_daemon(void **state)
{
	static char longer[1000];
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh;

	(void)state;
	memset(longer, 'h', sizeof(longer) - 1);
	pamhost_stack("one", "required", "");
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_set_item(pamh, PAM_TTY, "pts/7\n\x1b[2J"), PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_RHOST, longer), PAM_SUCCESS);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
	assert_string_equal(fake.ctl->seen.tty, "pts/7??[2J");
	assert_int_equal(strlen(fake.ctl->seen.rhost), 256);
}

/* ---- the chain that libpam freezes ---- */

static int
login(const char *user)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh = pamhost_start("stack", user, &p);
	int code = pam_authenticate(pamh, 0);

	if (code == PAM_SUCCESS)
		code = pam_acct_mgmt(pamh, 0);
	if (code == PAM_SUCCESS)
		code = pam_setcred(pamh, PAM_ESTABLISH_CRED);
	if (code == PAM_SUCCESS)
		code = pam_open_session(pamh, 0);
	if (code == PAM_SUCCESS)
		code = pam_setcred(pamh, PAM_REINITIALIZE_CRED);
	if (code == PAM_SUCCESS)
		code = pam_setcred(pamh, PAM_REFRESH_CRED);
	if (code == PAM_SUCCESS)
		code = pam_close_session(pamh, 0);
	if (code == PAM_SUCCESS)
		code = pam_setcred(pamh, PAM_DELETE_CRED);
	assert_int_equal(pam_end(pamh, code), PAM_SUCCESS);
	return code;
}

static void
stacks_of_the_usual_forms_let_both_kinds_of_people_through(void **state)
{
	/* who is not ours gets in by pam_permit, as by pam_unix elsewhere */
	static const char *const stacks[] = {
		"auth [success=2 default=ignore] MODULE ignore_unknown_user\n"
		"auth [success=1 default=ignore] pam_permit.so\n"
		"auth requisite pam_deny.so\n"
		"auth required pam_permit.so\n"
		"account [success=1 default=ignore] pam_debug.so acct=user_unknown\n"
		"account [default=bad success=ok user_unknown=ignore] MODULE\n"
		"account required pam_permit.so\n"
		"session required pam_permit.so\n"
		"session optional MODULE\n",
		"auth [user_unknown=ignore success=ok ignore=ignore default=bad] MODULE\n"
		"auth required pam_permit.so\n"
		"account [user_unknown=ignore success=ok ignore=ignore default=bad] MODULE\n"
		"account required pam_permit.so\n"
		"session [user_unknown=ignore success=ok ignore=ignore default=bad] MODULE\n"
		"session required pam_permit.so\n",
		"auth sufficient MODULE ignore_unknown_user\n"
		"auth required pam_permit.so\n"
		"account required MODULE ignore_unknown_user\n"
		"account required pam_permit.so\n"
		"session required MODULE ignore_unknown_user\n"
		"session required pam_permit.so\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		pamhost_stack_text("stack", stacks[i]);
		fake_set(&fake, FAKE_ANSWER, 0);
		assert_int_equal(login("alice"), PAM_SUCCESS);
		assert_int_equal(login("root"), PAM_SUCCESS);
		assert_int_equal(login("local"), PAM_SUCCESS);
		fake_stop(&fake);
		(void)unlink(MODULE_SOCK);
		assert_int_equal(login("root"), PAM_SUCCESS);
		fake_start(&fake, MODULE_SOCK, 64);
	}
}

static void
a_chain_frozen_with_our_failure_in_it_still_sets_credentials(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh;

	(void)state;
	pamhost_stack_text("stack",
	    "auth [success=1 default=ignore] MODULE ignore_unknown_user\n"
	    "auth requisite pam_permit.so\n"
	    "auth required pam_permit.so\n");
	fake_stop(&fake);
	(void)unlink(MODULE_SOCK);
	pamh = pamhost_start("stack", "alice", &p);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
	fake_start(&fake, MODULE_SOCK, 64);
}

static void
the_daemon_may_die_between_authenticate_and_the_rest(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh;

	(void)state;
	pamhost_stack("one", "required", "");
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	fake_stop(&fake);
	(void)unlink(MODULE_SOCK);
	assert_int_equal(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
	fake_start(&fake, MODULE_SOCK, 64);
}

/* ---- odd processes ---- */

static int
fds_are_closed_and_it_works(void)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh;
	int code;

	pamhost_stack("one", "required", "");
	(void)close(0);
	(void)close(1);
	(void)close(2);
	pamh = pamhost_start("one", "alice", &p);
	code = pam_authenticate(pamh, 0);
	return code == PAM_SUCCESS && pam_end(pamh, code) == PAM_SUCCESS ? 0 : 1;
}

static void
nothing_is_sent_to_somebody_who_is_neither_root_nor_the_daemon(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };

	(void)state;
	fake_stop(&fake);
	fake_start_as(&fake, MODULE_SOCK, 64, 4242);
	assert_int_equal(authenticate("", &p, 0), PAM_AUTHINFO_UNAVAIL);
	assert_int_equal(fake_requests(&fake), 0);
	fake_stop(&fake);
	fake_start(&fake, MODULE_SOCK, 64);
}

static void
a_host_with_0_1_and_2_closed_is_served(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fds_are_closed_and_it_works());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
the_module_can_be_loaded_alone_with_every_symbol_bound(void **state)
{
	static const char *const entries[] = { "pam_sm_authenticate", "pam_sm_setcred",
		"pam_sm_acct_mgmt", "pam_sm_open_session", "pam_sm_close_session",
		"pam_sm_chauthtok" };
	void *handle = dlopen(getenv("KU_PAM_MODULE"), RTLD_NOW | RTLD_LOCAL);

	(void)state;
	assert_non_null(handle);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		assert_non_null(dlsym(handle, entries[i]));
	assert_int_equal(dlclose(handle), 0);
}

static void
a_frozen_daemon_costs_ten_seconds(void **state)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	int64_t before = clock_mono_ns(), took;

	(void)state;
	fake_set(&fake, FAKE_FROZEN, 0);
	assert_int_equal(authenticate("", &p, 0), PAM_AUTHINFO_UNAVAIL);
	took = (clock_mono_ns() - before) / 1000000;
	assert_true(took >= 9900 && took < 13000);
	assert_int_equal(p.n_asked, 0);
	fake_set(&fake, FAKE_ANSWER, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_right_password_is_asked_for_once, begin),
		cmocka_unit_test_setup(nobody_is_asked_for_a_password_that_is_not_ours,
		    begin),
		cmocka_unit_test_setup(conversations_that_fail_end_the_call, begin),
		cmocka_unit_test_setup(an_application_that_waits_may_come_back, begin),
		cmocka_unit_test_setup(retry_asks_again_and_says_why, begin),
		cmocka_unit_test_setup(a_failure_asks_for_a_pause_unless_told_not_to,
		    begin),
		cmocka_unit_test_setup(silence_is_kept_and_still_a_password_is_asked_for,
		    begin),
		cmocka_unit_test_setup(what_was_typed_is_there_for_the_modules_behind,
		    begin),
		cmocka_unit_test_setup(
		    a_wrong_stacked_password_leads_to_one_question_or_none, begin),
		cmocka_unit_test_setup(
		    use_authtok_never_asks_and_use_first_pass_does_when_there_is_none,
		    begin),
		cmocka_unit_test_setup(an_unknown_option_is_reported_and_passed_over,
		    begin),
		cmocka_unit_test_setup(debug_says_much_and_no_password, begin),
		cmocka_unit_test_setup(failures_have_the_form_that_tools_count, begin),
		cmocka_unit_test_setup(
		    what_the_host_says_is_cut_and_cleaned_for_the_daemon, begin),
		cmocka_unit_test_setup(
		    stacks_of_the_usual_forms_let_both_kinds_of_people_through, begin),
		cmocka_unit_test_setup(
		    a_chain_frozen_with_our_failure_in_it_still_sets_credentials, begin),
		cmocka_unit_test_setup(
		    the_daemon_may_die_between_authenticate_and_the_rest, begin),
		cmocka_unit_test_setup(
		    nothing_is_sent_to_somebody_who_is_neither_root_nor_the_daemon,
		    begin),
		cmocka_unit_test_setup(a_host_with_0_1_and_2_closed_is_served, begin),
		cmocka_unit_test_setup(
		    the_module_can_be_loaded_alone_with_every_symbol_bound, begin),
		cmocka_unit_test_setup(a_frozen_daemon_costs_ten_seconds, begin),
	};
	int failed, fds;

	pamhost_enter();
	fake_start(&fake, MODULE_SOCK, 64);
	fds = count_fds();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stop(&fake);
	return failed + (count_fds() != fds);
}
