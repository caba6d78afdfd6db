/* SPDX-License-Identifier: MPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/cli/programs.h"

static char text[4096];

static const char *
usage_of(const struct cli_program *p, const struct cli_command *c)
{
	FILE *f;

	memset(text, 0, sizeof(text));
	f = fmemopen(text, sizeof(text), "w");
	if (c != NULL)
		cli_command_usage(f, p, c);
	else
		cli_usage(f, p);
	(void)fclose(f);
	return text;
}

static void
every_command_has_a_line_with_what_it_takes(void **state)
{
	(void)state;
	assert_non_null(strstr(usage_of(&cli_kanidm_unix, NULL),
	    "usage: kanidm-unix COMMAND [OPTIONS]\n\n"
	    "  status                 is the daemon there"));
	for (const struct cli_command *c = cli_kanidm_unix.commands; c->name != NULL; c++)
		assert_non_null(strstr(text, c->help));
	assert_non_null(strstr(text, "  auth-test --name NAME  would PAM"));
}

static void
a_command_shows_its_own_options_and_the_common_ones(void **state)
{
	(void)state;
	assert_string_equal(usage_of(&cli_kanidm_unix, &cli_kanidm_unix.commands[0]),
	    "usage: kanidm-unix status [-d|--debug] [-v|--verbose] [--json]\n"
	    "\n"
	    "is the daemon there, and the server?\n"
	    "\n"
	    "  -v, --verbose  everything the daemon knows about itself\n"
	    "      --json     the same, as one JSON object\n"
	    "  -d, --debug    say on stderr what is asked, and how long the answer took\n"
	    "  -h, --help     print this help\n");
}

static void
defaults_and_variables_stand_behind_the_words(void **state)
{
	(void)state;
	assert_non_null(strstr(usage_of(&cli_kanidm_unixd, NULL),
	    "  -d, --debug               log everything [env: KANIDM_DEBUG]\n"));
	assert_non_null(strstr(text, "/unixd] [env: KANIDM_UNIX_CONFIG]\n"));
	assert_non_null(strstr(text, "      --withdraw            take"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_command_has_a_line_with_what_it_takes),
		cmocka_unit_test(a_command_shows_its_own_options_and_the_common_ones),
		cmocka_unit_test(defaults_and_variables_stand_behind_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
