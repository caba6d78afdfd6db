/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is local, decided by the built module alone: with the daemon dead there is nobody to
 * ask. docs/pam-matrix.md has all of it; this is the part that takes no time.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/pam_modules.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/pamhost.h"
#include "host/pamhost_map.h"
#include "ku/paths.h"
#include "src/base/util.h"

static struct fake fake;

static int
with_nobody(void **state)
{
	(void)state;
	(void)unlink(MODULE_SOCK);
	(void)unlink(KU_PATH_MAP);
	pamhost_passwd("svc:x:999:999::/:/bin/sh\nadmin:x:0:0::/:/bin/sh\n"
		       "ours.ops:x:998:998::/:/bin/sh\n");
	return 0;
}

struct codes {
	int auth, account, session;
};

/* What a stack of this one module says. */
static struct codes
codes(const char *options, const char *user)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	struct codes c;
	pam_handle_t *pamh;

	pamhost_stack("one", "required", options);
	pamh = pamhost_start("one", user, &p);
	c.auth = pam_authenticate(pamh, 0);
	c.account = pam_acct_mgmt(pamh, 0);
	c.session = pam_open_session(pamh, 0);
	assert_int_equal(pam_end(pamh, 0), PAM_SUCCESS);
	return c;
}

/* libpam makes a failure of a stack that consists of PAM_IGNORE alone. */
static void
is_not_ours(const char *user)
{
	struct codes c = codes("", user);

	assert_int_equal(c.auth, PAM_USER_UNKNOWN);
	assert_int_equal(c.account, PAM_USER_UNKNOWN);
	assert_int_equal(c.session, PAM_USER_UNKNOWN);
	c = codes("ignore_unknown_user", user);
	assert_int_equal(c.auth, PAM_PERM_DENIED);
	assert_int_equal(c.account, PAM_PERM_DENIED);
	assert_int_equal(c.session, PAM_PERM_DENIED);
}

/* Neither let in nor passed over, with the option or without. */
static void
is_ours_and_kept_out(const char *user)
{
	static const char *const options[] = { "", "ignore_unknown_user" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		struct codes c = codes(options[i], user);

		assert_int_equal(c.auth, PAM_AUTHINFO_UNAVAIL);
		assert_int_equal(c.account, PAM_AUTHINFO_UNAVAIL);
	}
}

static void
with_the_daemon_dead_local_people_are_not_ours(void **state)
{
	static const char *const names[] = { "root", "svc", "SVC", "admin", "ours.ops" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		is_not_ours(names[i]);
	is_ours_and_kept_out("newbie");
	pamhost_passwd("newbie:x:1000:1000::/:/bin/sh\n");
	is_not_ours("newbie");
}

static void
with_the_daemon_dead_ours_are_not_let_in_and_not_passed_over(void **state)
{
	(void)state;
	is_ours_and_kept_out("alice");
	is_ours_and_kept_out("ours.ops@idm.example");
	pamhost_map();
	is_ours_and_kept_out("alice");
}

static void
root_is_local_also_without_a_line_and_nobody_is_asked(void **state)
{
	int fd = open(PAMHOST_PASSWD, O_WRONLY | O_TRUNC | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	is_not_ours("root");
	fake_start(&fake, MODULE_SOCK, 64);
	is_not_ours("root");
	is_not_ours("Root");
	assert_int_equal(fake_requests(&fake), 0);
	fake_stop(&fake);
}

static void
who_was_given_away_is_ours_while_the_map_says_so(void **state)
{
	(void)state;
	pamhost_map();
	is_ours_and_kept_out("ours.ops");
	is_not_ours("svc");
	assert_int_equal(unlink(KU_PATH_MAP), 0);
	is_not_ours("ours.ops");
}

static void
a_line_with_uid_0_is_never_given_away(void **state)
{
	(void)state;
	pamhost_map();
	pamhost_passwd("ours.ops:x:0:0::/:/bin/sh\n");
	is_not_ours("ours.ops");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(with_the_daemon_dead_local_people_are_not_ours,
		    with_nobody),
		cmocka_unit_test_setup(
		    with_the_daemon_dead_ours_are_not_let_in_and_not_passed_over,
		    with_nobody),
		cmocka_unit_test_setup(
		    root_is_local_also_without_a_line_and_nobody_is_asked, with_nobody),
		cmocka_unit_test_setup(who_was_given_away_is_ours_while_the_map_says_so,
		    with_nobody),
		cmocka_unit_test_setup(a_line_with_uid_0_is_never_given_away,
		    with_nobody),
	};

	pamhost_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
