/* SPDX-License-Identifier: MPL-2.0 */
/* Setup on trees of files: what it writes and takes back, and which tool it calls for. */
#include "unit/tools/setup_tree.h"

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

/* ---- writing ---- */

static void
a_file_keeps_its_mode_and_a_link_stays(void **state)
{
	struct stat st;

	(void)state;
	put("/etc/real.conf", "old");
	assert_int_equal(chmod(real("/etc/real.conf"), 0640), 0);
	assert_int_equal(symlink("real.conf", real("/etc/link.conf")), 0);
	assert_int_equal(setup_write(&w.s, "/etc/link.conf", "new"), 0);
	has("/etc/real.conf", "new");
	assert_true(check_lstat(&w.s.c, "/etc/link.conf", &st) && S_ISLNK(st.st_mode));
	assert_true(check_stat(&w.s.c, "/etc/real.conf", &st));
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(setup_write(&w.s, "/etc/fresh.conf", "x"), 0);
	assert_true(check_stat(&w.s.c, "/etc/fresh.conf", &st));
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(setup_write(&w.s, "/none/fresh.conf", "x"), -ENOENT);
}
/* ---- the configuration ---- */

static void
load(const char *client, const char *unixd, const char *uri, const char *group)
{
	put("/c", client);
	put("/u", unixd);
	assert_true(
	    config_load(real("/c"), real("/u"), &w.s.c.config, &w.s.c.problems) <= 0);
	put("/etc/kanidm/config", client);
	put("/etc/kanidm/unixd", unixd);
	w.s.uri = xstrdup(uri);
	w.s.groups = xcalloc(2, sizeof(*w.s.groups));
	w.s.groups[0] = xstrdup(group);
}

static void
a_flat_file_stays_flat(void **state)
{
	(void)state;
	load("uri = \"https://a.example\"\nverify_ca = true\n",
	    "# of the old version\npam_allowed_login_groups = [\"a\"]\nhome_attr = \"uuid\"\n"
	    "db_path = \"/var/cache/x\"\n",
	    "https://b.example", "b");
	assert_true(setup_config_plan(&w.s));
	assert_string_equal(w.s.client.new,
	    "uri = \"https://b.example\"\nverify_ca = true\n");
	assert_string_equal(w.s.unixd.new,
	    "# of the old version\npam_allowed_login_groups = [\"a\", \"b\"]\nhome_attr = "
	    "\"uuid\"\ndb_path = \"/var/cache/x\"\n");
}

static void
what_is_there_is_enough(void **state)
{
	(void)state;
	load("uri = \"HTTPS://A.Example/\"\n",
	    "version = \"2\"\n[kanidm]\npam_allowed_login_groups = [\"a\"]\nmap_group = [ { "
	    "local = \"x\", with = \"y\" } ]\n",
	    "https://a.example", "a");
	assert_true(setup_config_plan(&w.s));
	assert_null(w.s.client.new);
	assert_null(w.s.unixd.new);
	assert_true(w.s.map_group);
}

static void
a_file_without_keys_becomes_one_of_version_2(void **state)
{
	(void)state;
	load("", "# nothing yet\n", "https://a.example", "a");
	assert_true(setup_config_plan(&w.s));
	assert_string_equal(w.s.unixd.new,
	    "# nothing yet\n\nversion = \"2\"\n\n[kanidm]\npam_allowed_login_groups = "
	    "[\"a\"]\n");
}

static void
old_slips_are_no_reason_and_broken_files_are(void **state)
{
	(void)state;
	load("", "version = \"2\"\ncache_timeot = 3\n[kanidm]\n", "https://a.example",
	    "a");
	assert_true(setup_config_plan(&w.s));
	(void)setup_tree_end(NULL);
	(void)setup_tree_begin(NULL);
	load("", "no toml\n", "https://a.example", "a");
	assert_false(setup_config_plan(&w.s));
	said("correct that first");
	(void)setup_tree_end(NULL);
	(void)setup_tree_begin(NULL);
	load("", "kanidm = { pam_allowed_login_groups = [] }\nversion = \"2\"\n",
	    "https://a.example", "a");
	assert_false(setup_config_plan(&w.s));
	said("is written in a way that is not edited here");
	(void)setup_tree_end(NULL);
	(void)setup_tree_begin(NULL);
	load("", "version = \"2\"\n[kanidm]\n", "http://a.example", "a");
	assert_false(setup_config_plan(&w.s));
	said("setup: /etc/kanidm/config:");
}

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

/* Both for the loader, which knows no root, and below it. */
static const char *
put_ca(const char *text)
{
	static char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/ca.pem", w.root);
	put(path, text);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

/* Where it lies others may write: what is copied is what was looked at. */
static void
a_certificate_is_copied_as_it_was_looked_at(void **state)
{
	(void)state;
	load("", "", "https://a.example", "a");
	w.s.ca = xstrdup(put_ca(CERTIFICATE));
	assert_true(setup_config_plan(&w.s));
	assert_string_equal(w.s.ca, "/etc/kanidm/ca.pem");
	(void)put_ca("root:$6$secret\n");
	assert_true(setup_config_write(&w.s));
	has("/etc/kanidm/ca.pem", CERTIFICATE);
}

static void
a_private_key_is_never_copied(void **state)
{
	struct stat st;

	(void)state;
	load("", "", "https://a.example", "a");
	w.s.ca = xstrdup(put_ca(CERTIFICATE "-----BEGIN RSA PRIVATE KEY-----\nAA==\n"));
	assert_false(setup_config_plan(&w.s));
	said("ca.pem: has a private key in it");
	assert_false(check_stat(&w.s.c, "/etc/kanidm/ca.pem", &st));
}

static void
what_was_not_there_is_not_there_again(void **state)
{
	struct stat st;

	(void)state;
	load("", "", "https://a.example", "a");
	assert_int_equal(unlink(real("/etc/kanidm/config")), 0);
	assert_true(setup_config_plan(&w.s));
	assert_true(setup_config_write(&w.s));
	assert_true(check_stat(&w.s.c, "/etc/kanidm/config", &st));
	assert_true(setup_config_undo(&w.s));
	said("done: removed /etc/kanidm/config");
	assert_false(check_stat(&w.s.c, "/etc/kanidm/config", &st));
	has("/etc/kanidm/unixd", "");
}

static void
a_failed_write_takes_the_others_back(void **state)
{
	struct stat st;

	(void)state;
	load("uri = \"https://a.example\"\n", "# nothing\n", "https://b.example", "a");
	assert_true(setup_config_plan(&w.s));
	w.s.certificate.path = "/etc/kanidm/ca.pem";
	w.s.certificate.new = xstrdup(CERTIFICATE);
	/* Somebody was quicker. */
	put("/etc/kanidm/unixd", "# something\n");
	assert_false(setup_config_write(&w.s));
	said("/etc/kanidm/unixd: somebody has changed it meanwhile");
	has("/etc/kanidm/config", "uri = \"https://a.example\"\n");
	has("/etc/kanidm/unixd", "# something\n");
	assert_false(check_stat(&w.s.c, "/etc/kanidm/ca.pem", &st));
}

static void
a_file_with_a_nul_is_left(void **state)
{
	FILE *f = fopen(real("/etc/nsswitch.conf"), "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(fwrite("passwd: files\ngroup: files\n\0more\n", 1, 33, f), 33);
	assert_int_equal(fclose(f), 0);
	assert_false(setup_nss_plan(&w.s));
	said("/etc/nsswitch.conf: is no text");
	assert_null(w.s.nsswitch.new);
}

/* ---- PAM ---- */

static void
debians_tool_is_called_where_it_is(void **state)
{
	static const char *const stacks[][2] = {
		{ "/etc/pam.d/common-auth",
		    "auth [success=1] pam_unix.so\nauth x pam_kanidm.so\n" },
		{ "/etc/pam.d/common-account",
		    "account x pam_unix.so\naccount x pam_kanidm.so\n" },
		{ "/etc/pam.d/common-session", "session x pam_kanidm.so\n" },
		{ "/etc/pam.d/common-password", "password x pam_kanidm.so\n" },
	};

	(void)state;
	put("/usr/sbin/pam-auth-update", "");
	put("/usr/share/pam-configs/kanidm", "");
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_AUTH_UPDATE);
	/* It leaves files that were edited by hand, and says nothing. */
	assert_false(setup_pam_run(&w.s, SETUP_PAM_AUTH_UPDATE));
	assert_string_equal(w.called,
	    "/usr/bin/env DEBIAN_FRONTEND=noninteractive /usr/sbin/pam-auth-update --enable "
	    "kanidm\n");
	said("pam-auth-update --force --enable kanidm");
	for (size_t i = 0; i < ARRAY_SIZE(stacks); i++) {
		assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_AUTH_UPDATE);
		put(stacks[i][0], stacks[i][1]);
	}
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_FINE);
	assert_true(setup_pam_run(&w.s, SETUP_PAM_AUTH_UPDATE));
	w.status = 1;
	assert_false(setup_pam_run(&w.s, SETUP_PAM_AUTH_UPDATE));
}

static void
authselect_keeps_the_features_that_the_profile_has(void **state)
{
	(void)state;
	put("/usr/bin/authselect", "");
	put("/etc/authselect/authselect.conf", "local\n");
	put("/usr/share/authselect/vendor/kanidm/README", "");
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_AUTHSELECT);
	w.answer = "local with-fingerprint\n";
	w.s.map_group = true;
	assert_true(setup_pam_run(&w.s, SETUP_PAM_AUTHSELECT));
	assert_non_null(strstr(w.called,
	    "/usr/bin/authselect select kanidm with-fingerprint with-group-merging\n"));
	said("done: authselect select kanidm");
	w.status = 3;
	assert_false(setup_pam_run(&w.s, SETUP_PAM_AUTHSELECT));
	/* Without the profile there is nothing to select. */
	assert_int_equal(unlink(real("/usr/share/authselect/vendor/kanidm/README")), 0);
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_BY_HAND);
}

static void
elsewhere_the_lines_are_shown(void **state)
{
	(void)state;
	put("/etc/os-release",
	    "NAME=x\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n");
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_BY_HAND);
	setup_pam_lines(&w.s);
	said("to /etc/pam.d/common-auth, behind pam_unix.so");
	said("[success=done default=ignore]  pam_kanidm.so");
	/* Nobody is kept out when the module goes away again. */
	said("module_unknown=ignore default=die]  pam_kanidm.so");
	said("module_unknown=ignore default=bad]  pam_kanidm.so");
	put("/etc/os-release", "ID=arch\n");
	setup_pam_lines(&w.s);
	said("to /etc/pam.d/system-auth, behind pam_unix.so");
	put("/etc/pam.d/login",
	    "auth sufficient pam_unix.so\nauth x pam_kanidm.so\naccount x pam_kanidm.so\n"
	    "account x pam_unix.so\nsession x pam_kanidm.so\n");
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_FINE);
}

static void
a_stack_without_pam_unix_stops_everything(void **state)
{
	(void)state;
	put("/usr/sbin/pam-auth-update", "");
	put("/usr/share/pam-configs/kanidm", "");
	put("/etc/pam.d/sshd", "@include common-auth\naccount required pam_unix2.so\n");
	put("/etc/pam.d/common-auth",
	    "auth sufficient pam_kanidm.so\nauth required pam_deny.so\n");
	assert_int_equal(setup_pam_plan(&w.s), SETUP_PAM_NO_UNIX);
	said("/etc/pam.d/sshd auth\n/etc/pam.d/common-auth auth\n");
	said("auth     sufficient  pam_unix.so\naccount  sufficient  pam_unix.so\n");
}

/* The cases that the packages' scripts are held to as well. */
static void
stacks_are_judged_as_by_the_packages(void **state)
{
	FILE *f = fopen(STACKS, "r");
	char title[256] = "", path[256] = "";
	cleanup_(freep) char *line = NULL, *text = xstrdup("");
	bool refused = false, more = true;
	unsigned n = 0;
	size_t cap = 0;

	(void)state;
	assert_non_null(f);
	while (more) {
		more = getline(&line, &cap, f) > 0;
		if (more && strncmp(line, "=== ", 4) != 0 &&
		    strncmp(line, "--- ", 4) != 0) {
			char *longer = xasprintf("%s%s", text, line);

			free(text);
			text = longer;
			continue;
		}
		if (*text != '\0')
			put(path, text);
		*text = '\0';
		if (more && *line == '-') {
			assert_int_equal(sscanf(line, "--- %255s", path), 1);
			continue;
		}
		if (*title != '\0' &&
		    (setup_pam_plan(&w.s) == SETUP_PAM_NO_UNIX) != refused)
			fail_msg("not %s: %s%s", refused ? "refused" : "taken", title,
			    w.out);
		if (!more)
			break;
		n++;
		refused = strncmp(line, "=== refused", 11) == 0;
		(void)snprintf(title, sizeof(title), "%s", line);
		(void)setup_tree_end(NULL);
		(void)setup_tree_begin(NULL);
	}
	assert_int_equal(fclose(f), 0);
	assert_true(n >= 30);
}

/* ---- sshd ---- */

#define SSHD_CONF "/etc/ssh/sshd_config.d/10-kanidm.conf"

/* Whatever ends setup while sshd judges, sshd starts with what it reads. */
static void
the_candidate_is_judged_first(const char *const argv[])
{
	cleanup_(freep) char *text = NULL, *trial = NULL;

	if (!streq(argv[1], "-t"))
		return;
	assert_int_equal(check_read(&w.s.c, SSHD_CONF, &text), 0);
	if (w.judged++ == 0) {
		assert_string_equal(argv[2], "-f");
		assert_string_equal(argv[3], real(SETUP_TRIAL));
		assert_int_equal(check_read(&w.s.c, SETUP_TRIAL, &trial), 0);
		assert_non_null(strstr(trial, "/etc/ssh/sshd_config\n# why\n"));
		assert_non_null(strstr(trial, "\nAuthorizedKeysCommand /usr/sbin/"));
		assert_null(strstr(text, "\nAuthorizedKeysCommand /usr/sbin/"));
	} else
		assert_non_null(strstr(text, "\nAuthorizedKeysCommand /usr/sbin/"));
}

static void
keys_are_for_sshd_to_accept(void **state)
{
	static const char closed[] = "# why\n#UsePAM yes\n#AuthorizedKeysCommand "
				     "/usr/sbin/kanidm_ssh_authorizedkeys %u\n"
				     "#AuthorizedKeysCommandUser nobody\n";
	struct stat st;
	static const char opened[] = "# why\n#UsePAM yes\nAuthorizedKeysCommand "
				     "/usr/sbin/kanidm_ssh_authorizedkeys %u\n"
				     "AuthorizedKeysCommandUser nobody\n";

	(void)state;
	put(SSHD_CONF, closed);
	assert_false(setup_sshd_plan(&w.s));
	said("there is no sshd");
	setup_file_clear(&w.s.sshd);
	put("/usr/sbin/sshd", "");
	assert_true(setup_sshd_plan(&w.s));
	assert_string_equal(w.s.sshd.new, opened);
	w.status = 255;
	assert_false(setup_sshd_run(&w.s));
	said(SSHD_CONF " is as it was");
	has(SSHD_CONF, closed);
	/* Nothing but the candidate was judged, and it is gone again. */
	assert_null(strstr(w.called, "sshd -t\n"));
	assert_false(check_lstat(&w.s.c, SETUP_TRIAL, &st));
	w.status = 0;
	w.answer = "authorizedkeyscommand /usr/bin/userdbctl\n";
	assert_false(setup_sshd_run(&w.s));
	said("another file sets it first");
	has(SSHD_CONF, closed);
	w.answer = "authorizedkeyscommand /usr/sbin/kanidm_ssh_authorizedkeys %u\n";
	put("/run/systemd/system/x", "");
	put("/usr/bin/systemctl", "");
	w.before = the_candidate_is_judged_first;
	assert_true(setup_sshd_run(&w.s));
	assert_int_equal(w.judged, 2);
	has(SSHD_CONF, opened);
	assert_non_null(strstr(w.called, "/usr/bin/systemctl reload ssh.service\n"));
	setup_file_clear(&w.s.sshd);
	assert_true(setup_sshd_plan(&w.s));
	assert_null(w.s.sshd.new);
}

static void
a_file_that_sshd_refuses_does_not_stay(void **state)
{
	struct stat st;

	(void)state;
	put("/usr/sbin/sshd", "");
	put("/etc/ssh/sshd_config.d/other.conf", "");
	assert_true(setup_sshd_plan(&w.s));
	w.status = 255;
	assert_false(setup_sshd_run(&w.s));
	said("10-kanidm.conf is as it was");
	assert_false(check_stat(&w.s.c, SSHD_CONF, &st));
}

static void
an_nsswitch_of_the_vendor_is_taken(void **state)
{
	(void)state;
	assert_int_equal(unlink(real("/etc/nsswitch.conf")), 0);
	assert_false(setup_nss_plan(&w.s));
	put("/usr/etc/nsswitch.conf", "passwd: files\ngroup: files\n");
	assert_true(setup_nss_plan(&w.s));
	assert_string_equal(w.s.nsswitch.new,
	    "passwd: files kanidm\ngroup: files kanidm\n");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_tree_begin, setup_tree_end)
		TEST(a_file_keeps_its_mode_and_a_link_stays),
		TEST(a_flat_file_stays_flat),
		TEST(what_is_there_is_enough),
		TEST(a_file_without_keys_becomes_one_of_version_2),
		TEST(old_slips_are_no_reason_and_broken_files_are),
		TEST(a_certificate_is_copied_as_it_was_looked_at),
		TEST(a_private_key_is_never_copied),
		TEST(what_was_not_there_is_not_there_again),
		TEST(a_failed_write_takes_the_others_back),
		TEST(a_file_with_a_nul_is_left),
		TEST(debians_tool_is_called_where_it_is),
		TEST(authselect_keeps_the_features_that_the_profile_has),
		TEST(elsewhere_the_lines_are_shown),
		TEST(a_stack_without_pam_unix_stops_everything),
		TEST(stacks_are_judged_as_by_the_packages),
		TEST(keys_are_for_sshd_to_accept),
		TEST(a_file_that_sshd_refuses_does_not_stay),
		TEST(an_nsswitch_of_the_vendor_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
