/* SPDX-License-Identifier: MPL-2.0 */
/* The copy that setup makes of what decides who gets in, and putting it back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "unit/tools/setup_tree.h"

static const char *unreadable; /* directories whose path ends so */

typeof(scandir) __wrap_scandir64, __real_scandir64;

int
__wrap_scandir64(const char *dir, struct dirent ***list,
    int (*filter)(const struct dirent *),
    int (*order)(const struct dirent **, const struct dirent **))
{
	size_t n = unreadable != NULL ? strlen(unreadable) : 0;

	if (n > 0 && strlen(dir) >= n && streq(dir + strlen(dir) - n, unreadable)) {
		errno = EIO;
		return -1;
	}
	return __real_scandir64(dir, list, filter, order);
}

static void
a_copy_is_made_once_and_put_back(void **state)
{
	cleanup_(freep) char *first = NULL;
	struct stat st;

	(void)state;
	assert_true(setup_backup(&w.s));
	said("done: /etc/pam.d and /etc/nsswitch.conf, as they were, are in "
	     "/root/kanidm-backup-");
	said("setup --restore /root/kanidm-backup-");
	assert_true(check_stat(&w.s.c, w.s.backup, &st));
	assert_int_equal(st.st_mode & 07777, 0700);
	first = TAKE_PTR(w.s.backup);
	w.host.wall_s++;
	assert_true(setup_backup(&w.s));
	assert_string_equal(w.s.backup, first);

	put("/etc/nsswitch.conf", "passwd: files kanidm\ngroup: files kanidm\n");
	put("/etc/pam.d/login", "auth required pam_kanidm.so\n");
	put("/etc/pam.d/later", "auth required pam_deny.so\n");
	put("/var/lib/pam/auth", "other notes\n");
	put("/var/lib/pam/seen", "unix\nkanidm\n");
	assert_int_equal(setup_restore(&w.s), 2);
	said("--yes puts it back without a question");
	w.wish.dry_run = true;
	assert_int_equal(setup_restore(&w.s), 0);
	said("-passwd: files kanidm\n");
	has("/etc/pam.d/login", "auth required pam_kanidm.so\n");
	w.wish.dry_run = false;
	w.wish.yes = true;
	assert_int_equal(setup_restore(&w.s), 0);
	has("/etc/nsswitch.conf", "passwd: files\ngroup: files\n");
	has("/etc/pam.d/login",
	    "auth required pam_unix.so\naccount required pam_unix.so\n");
	has("/etc/pam.d/later", "auth required pam_deny.so\n");
	has("/var/lib/pam/auth", "notes\n");
	has("/var/lib/pam/seen", "unix\nkanidm\n");
	assert_int_equal(setup_restore(&w.s), 0);
	said("nothing to change");
}

static void
there_may_be_no_copy(void **state)
{
	(void)state;
	w.wish.yes = true;
	assert_int_equal(setup_restore(&w.s), 1);
	said("there is no copy");
	w.wish.restore_dir = "/etc/";
	assert_int_equal(setup_restore(&w.s), 1);
	said("that is no copy");
}

/* A disk that fails: what of the copy cannot be read is not "nothing to change". */
static void
a_copy_that_cannot_be_read_is_said(void **state)
{
	cleanup_(freep) char *first = NULL;

	(void)state;
	assert_true(setup_backup(&w.s));
	first = TAKE_PTR(w.s.backup);
	unreadable = "/etc/pam.d";
	w.wish.yes = true;
	assert_int_equal(setup_restore(&w.s), 1);
	said("/etc/pam.d: Input/output error");
	w.host.wall_s++;
	assert_true(setup_backup(&w.s));
	assert_string_not_equal(w.s.backup, first);
	unreadable = NULL;
}

static void
half_a_copy_is_none(void **state)
{
	struct stat st;

	(void)state;
	/* Left by a run that was killed. */
	put("/root/.kanidm-backup-part/etc/pam.d/evil", "x");
	assert_true(setup_backup(&w.s));
	assert_false(check_stat(&w.s.c, "/root/.kanidm-backup-part", &st));
	assert_true(check_stat(&w.s.c, w.s.backup, &st));
	(void)snprintf(w.called, sizeof(w.called), "%s/etc/pam.d/evil", w.s.backup);
	assert_false(check_stat(&w.s.c, w.called, &st));
}

static void
what_a_link_leads_to_is_kept(void **state)
{
	(void)state;
	assert_int_equal(unlink(real("/etc/nsswitch.conf")), 0);
	put("/srv/nsswitch.conf", "passwd: files\n");
	assert_int_equal(symlink("../srv/nsswitch.conf", real("/etc/nsswitch.conf")), 0);
	assert_true(setup_backup(&w.s));
	assert_int_equal(setup_write(&w.s, "/etc/nsswitch.conf",
			     "passwd: files kanidm\n"),
	    0);
	w.wish.yes = true;
	assert_int_equal(setup_restore(&w.s), 0);
	has("/srv/nsswitch.conf", "passwd: files\n");
	/* A copy that has another text behind the same link is no copy of this. */
	put("/srv/nsswitch.conf", "passwd: compat\n");
	free(w.s.backup);
	w.s.backup = NULL;
	w.host.wall_s++;
	assert_true(setup_backup(&w.s));
	put("/srv/nsswitch.conf", "");
	assert_int_equal(setup_restore(&w.s), 0);
	has("/srv/nsswitch.conf", "passwd: compat\n");
}

static void
a_copy_that_others_may_write_to_is_not_put_back(void **state)
{
	(void)state;
	put("/srv/copy/etc/pam.d/login", "auth sufficient pam_permit.so\n");
	w.wish.yes = true;
	w.wish.restore_dir = "/srv/copy";
	assert_int_equal(chmod(real("/srv/copy"), 0775), 0);
	assert_int_equal(setup_restore(&w.s), 1);
	said("others than root may write there");
	/* It could be put in the place of the one that was looked at. */
	assert_int_equal(chmod(real("/srv/copy"), 0755), 0);
	assert_int_equal(chmod(real("/srv"), 0777), 0);
	assert_int_equal(setup_restore(&w.s), 1);
	assert_int_equal(chmod(real("/srv"), 0755), 0);
	if (chown(real("/srv/copy"), 1000, 1000) == 0) /* root only */
		assert_int_equal(setup_restore(&w.s), 1);
	has("/etc/pam.d/login",
	    "auth required pam_unix.so\naccount required pam_unix.so\n");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_tree_begin, setup_tree_end)
		TEST(a_copy_is_made_once_and_put_back),
		TEST(there_may_be_no_copy),
		TEST(a_copy_that_cannot_be_read_is_said),
		TEST(half_a_copy_is_none),
		TEST(what_a_link_leads_to_is_kept),
		TEST(a_copy_that_others_may_write_to_is_not_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
