/* SPDX-License-Identifier: MPL-2.0 */
#include "pam/reasons.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <security/_pam_types.h>

#include "src/base/util.h"

/* What Linux-PAM's manual allows each entry point, and what a conversation may bring. */
static const int allowed[N_REASON_ENTRIES][12] = {
	[ENTRY_AUTH] = { PAM_SUCCESS, PAM_AUTH_ERR, PAM_CRED_INSUFFICIENT,
	    PAM_AUTHINFO_UNAVAIL, PAM_USER_UNKNOWN, PAM_MAXTRIES, PAM_CONV_ERR,
	    PAM_INCOMPLETE },
	[ENTRY_CRED] = { PAM_SUCCESS, PAM_CRED_UNAVAIL, PAM_CRED_EXPIRED, PAM_CRED_ERR,
	    PAM_USER_UNKNOWN },
	[ENTRY_ACCT] = { PAM_SUCCESS, PAM_ACCT_EXPIRED, PAM_AUTH_ERR, PAM_PERM_DENIED,
	    PAM_USER_UNKNOWN, PAM_AUTHINFO_UNAVAIL, PAM_CONV_ERR, PAM_INCOMPLETE },
	[ENTRY_OPEN] = { PAM_SUCCESS, PAM_SESSION_ERR, PAM_USER_UNKNOWN },
	[ENTRY_PASSWD] = { PAM_AUTHTOK_ERR, PAM_PERM_DENIED, PAM_TRY_AGAIN,
	    PAM_USER_UNKNOWN, PAM_INCOMPLETE },
};

static bool
is_allowed(enum reason_entry e, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed[e]); i++) {
		if (allowed[e][i] == code && (code != PAM_SUCCESS || i == 0))
			return code != PAM_SUCCESS || e != ENTRY_PASSWD;
	}
	return false;
}

static void
every_reason_is_complete_and_within_the_manual(void **state)
{
	(void)state;
	for (int id = 0; id < N_REASONS; id++) {
		const struct reason *r = reason_get((enum reason_id)id);
		unsigned used = 0;

		assert_non_null(r->name);
		for (int e = 0; e < N_REASON_ENTRIES; e++) {
			assert_int_not_equal(r->code[e], PAM_IGNORE);
			if (r->code[e] == PAM_SYSTEM_ERR)
				continue;
			used++;
			if (!is_allowed((enum reason_entry)e, r->code[e]))
				fail_msg("%s: %d for entry %d", r->name, r->code[e], e);
		}
		assert_true(used > 0);
	}
}

static void
one_verdict_each_lets_in(void **state)
{
	(void)state;
	for (int id = 0; id < N_REASONS; id++) {
		const struct reason *r = reason_get((enum reason_id)id);

		assert_int_equal(r->code[ENTRY_AUTH] == PAM_SUCCESS,
		    id == REASON_ACCEPTED || id == REASON_ACCEPTED_CACHED);
		assert_int_equal(r->code[ENTRY_ACCT] == PAM_SUCCESS,
		    id == REASON_ALLOWED);
	}
}

static void
messages_fit_and_are_plain(void **state)
{
	char text[400];

	(void)state;
	for (int id = 0; id < N_REASONS; id++) {
		const struct reason *r = reason_get((enum reason_id)id);

		if (!reason_text(r, "something", text, sizeof(text))) {
			assert_null(r->say);
			continue;
		}
		assert_true(strlen(text) < 300);
		assert_int_equal(strstr(text, "something") != NULL,
		    r->with != WITH_NOTHING);
		for (const char *c = text; *c != '\0'; c++)
			assert_true(*c >= ' ' && *c <= '~');
	}
}

/* The server refuses the right password, too, while somebody's guesses lock the account. */
static void
a_refusal_says_that_the_password_may_be_right(void **state)
{
	const char *say = reason_get(REASON_DENIED)->say;

	(void)state;
	assert_non_null(strstr(say, "if you typed it right"));
	assert_non_null(strstr(say, "locked"));
	assert_non_null(strstr(say, "changed"));
}

static void
a_message_without_its_word_is_none_and_a_long_one_is_cut(void **state)
{
	const struct reason *wait = reason_get(REASON_WAIT);
	char text[16], one[1] = { 'x' };

	(void)state;
	assert_false(reason_text(wait, "", text, sizeof(text)));
	assert_true(reason_text(wait, "5", text, sizeof(text)));
	assert_string_equal(text, "Too many wrong ");
	assert_true(reason_text(wait, "5", one, sizeof(one)));
	assert_int_equal(one[0], '\0');
	assert_false(reason_text(wait, "5", one, 0));
	assert_false(reason_text(reason_get(REASON_WRONG), "", text, sizeof(text)));
}

static void
no_such_reason_is_a_failure(void **state)
{
	(void)state;
	assert_ptr_equal(reason_get((enum reason_id)N_REASONS),
	    reason_get(REASON_PROTOCOL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_is_complete_and_within_the_manual),
		cmocka_unit_test(one_verdict_each_lets_in),
		cmocka_unit_test(messages_fit_and_are_plain),
		cmocka_unit_test(a_refusal_says_that_the_password_may_be_right),
		cmocka_unit_test(
		    a_message_without_its_word_is_none_and_a_long_one_is_cut),
		cmocka_unit_test(no_such_reason_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
