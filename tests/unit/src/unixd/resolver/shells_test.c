/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/shells.h"

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

static char dir[] = "/tmp/ku-unit-XXXXXX";
static char path[64];

static void
put(const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static enum shell_verdict
judge(const char *list, const char *shell)
{
	struct shells s;
	enum shell_verdict v;

	if (list != NULL)
		put(list);
	shells_init(&s, list != NULL ? path : "/nonexistent/shells");
	v = shells_judge(&s, shell, 100);
	shells_deinit(&s);
	return v;
}

static void
a_shell_that_exists_is_taken_without_being_listed(void **state)
{
	(void)state;
	assert_int_equal(judge("/bin/other\n", "/bin/sh"), SHELL_EXISTS);
	assert_int_equal(judge("", "/usr"), SHELL_ABSENT);
}

static void
a_listed_shell_is_taken_as_written(void **state)
{
	(void)state;
	assert_int_equal(judge("# shells\n /x\n/run/sw/bin/zsh  # link\n",
			     "/run/sw/bin/zsh"),
	    SHELL_LISTED);
	assert_int_equal(judge("/run/sw/bin/zsh\n", "/run/sw/bin/fish"), SHELL_ABSENT);
}

/* As on NixOS: a link whose target is listed but cannot be seen from the sandbox. */
static void
a_link_to_a_listed_shell_is_taken(void **state)
{
	char link_path[80];

	(void)state;
	snprintf(link_path, sizeof(link_path), "%s/zsh", dir);
	assert_int_equal(symlink("/nix/store/abc/bin/zsh", link_path), 0);
	assert_int_equal(judge("/nix/store/abc/bin/zsh\n", link_path),
	    SHELL_TARGET_LISTED);
	assert_int_equal(judge("/bin/sh\n", link_path), SHELL_ABSENT);
	unlink(link_path);
}

static void
nothing_visible_keeps_the_servers_word(void **state)
{
	(void)state;
	assert_int_equal(judge(NULL, "/opt/nowhere/zsh"), SHELL_UNSEEN);
	assert_true(shell_is_taken(SHELL_UNSEEN));
}

static void
what_is_no_path_is_not_taken(void **state)
{
	(void)state;
	assert_int_equal(judge("zsh\n", "zsh"), SHELL_BAD);
	assert_int_equal(judge("/bin/sh\n", "/bin/sh:x"), SHELL_BAD);
	assert_int_equal(judge("/bin/sh\n", "/bin/sh\nroot"), SHELL_BAD);
	assert_int_equal(judge("/bin/sh\n", ""), SHELL_NONE);
	assert_int_equal(judge("/bin/sh\n", NULL), SHELL_NONE);
	assert_false(shell_is_taken(SHELL_NONE));
	assert_false(shell_is_taken(SHELL_BAD));
}

static void
what_was_seen_is_believed_for_ten_seconds(void **state)
{
	struct shells s;

	(void)state;
	put("/bin/sh\n");
	shells_init(&s, path);
	assert_int_equal(shells_judge(&s, "/opt/nowhere/zsh", 100), SHELL_ABSENT);
	put("/opt/nowhere/zsh\n");
	assert_int_equal(shells_judge(&s, "/opt/nowhere/zsh", 105), SHELL_ABSENT);
	assert_int_equal(shells_judge(&s, "/opt/nowhere/zsh", 111), SHELL_LISTED);
	shells_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shell_that_exists_is_taken_without_being_listed),
		cmocka_unit_test(a_listed_shell_is_taken_as_written),
		cmocka_unit_test(a_link_to_a_listed_shell_is_taken),
		cmocka_unit_test(nothing_visible_keeps_the_servers_word),
		cmocka_unit_test(what_is_no_path_is_not_taken),
		cmocka_unit_test(what_was_seen_is_believed_for_ten_seconds),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
