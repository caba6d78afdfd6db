/* SPDX-License-Identifier: MPL-2.0 */
#include "tools/ssh_local.h"

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

#define PASSWD                                                                  \
	"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"                \
	"zeros:x:000:0::/:/bin/sh\nshort:x\nodd:x:1x:1::/:/bin/sh\n"            \
	"  \t\r\v\fblank:x:1002:1002::/:/bin/sh\n# comment:x:1:1\n+nis::::::\n" \
	"Native:x:1000:1000::/home/native:/bin/sh\n_apt:x:100:65534::/:/x\n"    \
	"given:x:1003:1003::/:/bin/sh\nlast:x:1001"

static char dir[] = "/tmp/ku-ssh-local-XXXXXX", passwd[64], config[64];

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
override(const char *list)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "version = \"2\"\nallow_local_account_override = [%s]\n", list);
	put(config, text);
}

static int
set_up(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(passwd, sizeof(passwd), "%s/passwd", dir);
	(void)snprintf(config, sizeof(config), "%s/unixd", dir);
	put(passwd, PASSWD);
	override("");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(passwd);
	(void)unlink(config);
	return rmdir(dir);
}

static int
judge(const char *name)
{
	return ssh_is_local(passwd, config, name);
}

static void
no_account_of_this_host_is_asked_about(void **state)
{
	static const char *const here[] = { "root", "ROOT", "toor", "zeros", "short",
		"odd", "blank", "native", "Native", "NATIVE", "_apt", "given", "last", "",
		"a b", "name=alice", "-x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(here); i++)
		assert_int_equal(judge(here[i]), 1);
}

static void
everybody_else_is(void **state)
{
	static const char *const others[] = { "alice", "nativ", "natives", "comment",
		"nis", "native@idm.example.com", "alice@idm.example.com" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(judge(others[i]), 0);
}

static void
who_was_given_away_is_and_root_cannot_be(void **state)
{
	static const char *const lists[] = { "\"Given\", \"toor\", \"root\", \"odd\"",
		"\"given@idm.example.com\", \"toor@idm.example.com\", \"root@x\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		override(lists[i]);
		assert_int_equal(judge("given"), 0);
		assert_int_equal(judge("native"), 1);
		assert_int_equal(judge("root"), 1);
		assert_int_equal(judge("toor"), 1);
		assert_int_equal(judge("odd"), 1);
	}
	/* Whose it is is not to be known here. */
	override("\"6b1ad5ef-1c4f-4a5c-8a49-0e1d2c3b4a59\"");
	assert_int_equal(judge("given"), 0);
	assert_int_equal(judge("toor"), 1);
}

static void
a_configuration_that_cannot_be_read_gives_nobody_away(void **state)
{
	(void)state;
	put(config, "allow_local_account_override = [\"given\"\n");
	assert_int_equal(judge("given"), 1);
	assert_int_equal(unlink(config), 0);
	assert_int_equal(judge("given"), 1);
	assert_int_equal(judge("alice"), 0);
	override("");
}

static void
without_the_accounts_nobody_is_asked_about(void **state)
{
	(void)state;
	assert_int_equal(ssh_is_local("/nonexistent", config, "alice"), -ENOENT);
	assert_int_equal(ssh_is_local("/", config, "alice"), -EISDIR);
	assert_int_equal(ssh_is_local("/nonexistent", config, "root"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_account_of_this_host_is_asked_about),
		cmocka_unit_test(everybody_else_is),
		cmocka_unit_test(who_was_given_away_is_and_root_cannot_be),
		cmocka_unit_test(a_configuration_that_cannot_be_read_gives_nobody_away),
		cmocka_unit_test(without_the_accounts_nobody_is_asked_about),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
