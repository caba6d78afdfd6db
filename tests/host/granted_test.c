/* SPDX-License-Identifier: MPL-2.0 */
#include "nss/granted.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"

#define GROUP                                                             \
	"root:x:0:\n# comment:x:27:\nsudo:x:27:native\nbroken:x:4a:\n"    \
	"video:x:44:\nalso:x:44:\nempty:x::\nhuge:x:18446744073709551660" \
	"\n\n:x:5:\nlast:x:998"

static char dir[] = "/tmp/ku-granted-XXXXXX", group[64], config[64];

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(group, sizeof(group), "%s/group", dir);
	(void)snprintf(config, sizeof(config), "%s/unixd", dir);
	put(group, GROUP);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(group);
	(void)unlink(config);
	return rmdir(dir);
}

static bool
granted(uint32_t gid)
{
	bool yes;

	errno = EILSEQ;
	yes = granted_gid_in(group, config, gid);
	assert_int_equal(errno, EILSEQ);
	return yes;
}

static void
a_group_that_root_has_named_is_granted_and_no_other(void **state)
{
	(void)state;
	put(config,
	    "version = \"2\" # map_group \"last\"\n[kanidm]\nmap_group = [\n"
	    "\t{ local = \"sudo\", with = \"admins\" }, # \"last\"\n"
	    "\t{ local = 'also', with = \"x # y\" },\n\t{ local = \"\", with = \"z\" } ]\n");
	assert_true(granted(27));
	assert_true(granted(44));
	assert_false(granted(998));
	assert_false(granted(4));
	assert_false(granted(6));
	assert_false(granted(999));
}

static void
without_map_group_none_is(void **state)
{
	static const char *const texts[] = {
		"",
		"pam_allowed_login_groups = [\"sudo\", \"last\"]\n",
		"#map_group = [ { local = \"sudo\", with = \"admins\" } ]\n",
		"pam_allowed_login_groups = [\"sudo\"] # map_group\n",
		"map_groups = [ \"sudo\" ]\nxmap_group = \"sudo\"\n",
		"map_group = [ { local = sudo } ]\n",
		"map_group = [ { local = \"sudoers\" }, { local = \"Sudo\" }, \"sud\" ]\n",
		("pam_allowed_login_groups = [\"sudo\"]\n"
		 "map_group = [ { local = \"video\", with = \"sudo\" } ]\n"),
		"map_group = [ { with = \"a\", local = \"\" } ]\nprefetch_groups = [\"sudo\"]\n",
		"allow_local_account_override = [\"sudo\"]\nmap_group = []\n",
		"pam_allowed_login_groups = [\"local\", \"sudo\"]\nmap_group = []\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(config, texts[i]);
		assert_false(granted(27));
	}
}

static void
what_toml_allows_is_granted(void **state)
{
	static const char *const texts[] = {
		"[[kanidm.map_group]]\nlocal = \"sudo\"\nwith = \"admins\"\n",
		"[[kanidm.map_group]]\r\nwith='local'\r\nlocal='sudo'\r\n",
		"\xef\xbb\xbfmap_group=[{\"with\"=\"a\",\"local\"=\"sudo\"}]",
		"map_group = [ # \"\n{ with = \"a\", local = # of the host\n\t\"sudo\" } ]\n",
		"map_group = [ { local = \"\"\"sudo\"\"\", with = 'a' } ]\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		put(config, texts[i]);
		assert_true(granted(27));
	}
}

static void
words_are_found_wherever_a_piece_ends(void **state)
{
	char text[4096];

	(void)state;
	for (int pad = 480; pad < 530; pad++) {
		(void)snprintf(text, sizeof(text),
		    "#%*s\nmap_group = [ { local = \"sudo\", with = \"a\" } ]\n", pad,
		    "");
		put(config, text);
		assert_true(granted(27));
		(void)snprintf(text, sizeof(text), "%0*d:x:7:\nsudo:x:27:\n", pad, 0);
		put(group, text);
		assert_true(granted(27));
		put(group, GROUP);
	}
}

static void
what_cannot_be_read_grants_nothing(void **state)
{
	(void)state;
	put(config, "map_group = [ { local = \"sudo\", with = \"a\" } ]\n");
	assert_true(granted(27));
	assert_false(granted_gid_in("/nonexistent", config, 27));
	assert_false(granted_gid_in(dir, config, 27));
	assert_false(granted_gid_in(group, "/nonexistent", 27));
	assert_false(granted_gid_in(group, dir, 27));
	errno = 0;
	assert_true(granted(27));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_that_root_has_named_is_granted_and_no_other),
		cmocka_unit_test(without_map_group_none_is),
		cmocka_unit_test(what_toml_allows_is_granted),
		cmocka_unit_test(words_are_found_wherever_a_piece_ends),
		cmocka_unit_test(what_cannot_be_read_grants_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
