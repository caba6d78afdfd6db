/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/paths.h"
#include "src/base/util.h"

static const char *const variables[] = { "KANIDM_SKIP_ROOT_CHECK", "KANIDM_DEBUG",
	"KANIDM_UNIX_CONFIG", "KANIDM_CLIENT_CONFIG" };

static char text[4096];

static int
clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		(void)unsetenv(variables[i]);
	return 0;
}

/* The words after the program's name; what was said is in `text`. */
static int
parse(struct options *o, const char *a, const char *b, const char *c)
{
	/* Options point into these words, and the tests compare them before the next call. */
	static char word[4][64];
	char *argv[5] = { word[0] };
	const char *words[] = { a, b, c };
	FILE *f = fmemopen(text, sizeof(text), "w");
	int argc = 1, rc;

	for (size_t i = 0; i < ARRAY_SIZE(words) && words[i] != NULL; i++) {
		(void)snprintf(word[argc], sizeof(word[argc]), "%s", words[i]);
		argv[argc] = word[argc];
		argc++;
	}
	(void)snprintf(word[0], sizeof(word[0]), "kanidm_unixd");
	memset(text, 0, sizeof(text));
	rc = options_parse(argc, argv, o, f, f);
	(void)fclose(f);
	return rc;
}

static void
without_anything_the_built_in_paths_count(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, NULL, NULL, NULL), -1);
	assert_string_equal(o.unixd_config, KU_PATH_UNIXD_CONFIG);
	assert_string_equal(o.client_config, KU_PATH_CLIENT_CONFIG);
	assert_false(o.skip_root_check || o.debug || o.configtest || o.withdraw);
}

static void
short_and_long_flags_mean_the_same(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "-rdt", "-u", "/u"), -1);
	assert_true(o.skip_root_check && o.debug && o.configtest);
	assert_string_equal(o.unixd_config, "/u");
	assert_int_equal(parse(&o, "--skip-root-check", "--debug", "--client-config=/c"),
	    -1);
	assert_true(o.skip_root_check && o.debug && !o.configtest);
	assert_string_equal(o.client_config, "/c");
	assert_int_equal(parse(&o, "--withdraw", NULL, NULL), -1);
	assert_true(o.withdraw);
}

static void
the_environment_counts_and_flags_win(void **state)
{
	struct options o;

	(void)state;
	(void)setenv("KANIDM_SKIP_ROOT_CHECK", "true", 1);
	(void)setenv("KANIDM_DEBUG", "false", 1);
	(void)setenv("KANIDM_UNIX_CONFIG", "/env/u", 1);
	(void)setenv("KANIDM_CLIENT_CONFIG", "/env/c", 1);
	assert_int_equal(parse(&o, "-u", "/flag/u", "-d"), -1);
	assert_true(o.skip_root_check);
	assert_true(o.debug);
	assert_string_equal(o.unixd_config, "/flag/u");
	assert_string_equal(o.client_config, "/env/c");
}

static void
a_boolean_variable_is_true_or_false_and_nothing_else(void **state)
{
	static const char *const bad[] = { "1", "0", "yes", "TRUE", "" };
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		(void)setenv("KANIDM_DEBUG", bad[i], 1);
		assert_int_equal(parse(&o, NULL, NULL, NULL), 2);
		assert_non_null(strstr(text, "KANIDM_DEBUG"));
	}
}

static void
version_help_and_mistakes_have_their_exit_codes(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "-V", NULL, NULL), 0);
	assert_string_equal(text, "kanidm_unixd " KU_VERSION "\n");
	assert_int_equal(parse(&o, "--help", NULL, NULL), 0);
	assert_non_null(strstr(text, "--configtest"));
	assert_int_equal(parse(&o, "--nonsense", NULL, NULL), 2);
	assert_int_equal(parse(&o, "stray", NULL, NULL), 2);
	assert_int_equal(parse(&o, "-u", NULL, NULL), 2);
}

int
main(void)
{
#define OPTIONS_TEST(f) cmocka_unit_test_setup_teardown(f, clean, clean)
	const struct CMUnitTest tests[] = {
		OPTIONS_TEST(without_anything_the_built_in_paths_count),
		OPTIONS_TEST(short_and_long_flags_mean_the_same),
		OPTIONS_TEST(the_environment_counts_and_flags_win),
		OPTIONS_TEST(a_boolean_variable_is_true_or_false_and_nothing_else),
		OPTIONS_TEST(version_help_and_mistakes_have_their_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
