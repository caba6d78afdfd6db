/* SPDX-License-Identifier: MPL-2.0 */
#include "tasks/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/paths.h"

static char *out_text, *err_text;

static int
parse(struct task_options *o, const char *a, const char *b)
{
	/* the options point into them */
	static char name[] = "kanidm_unixd_tasks", one[64], two[64];
	char *argv[] = { name, NULL, NULL, NULL };
	size_t n;
	FILE *out, *err;
	int rc;

	free(out_text);
	free(err_text);
	out = open_memstream(&out_text, &n);
	err = open_memstream(&err_text, &n);
	if (a != NULL)
		argv[1] = strcpy(one, a);
	if (b != NULL)
		argv[2] = strcpy(two, b);
	rc = task_options_parse(1 + (a != NULL) + (b != NULL), argv, o, out, err);
	(void)fclose(out);
	(void)fclose(err);
	return rc;
}

static void
nothing_is_the_installed_file(void **state)
{
	struct task_options o;

	(void)state;
	assert_int_equal(parse(&o, NULL, NULL), -1);
	assert_string_equal(o.config, KU_PATH_UNIXD_CONFIG);
	assert_false(o.debug || o.mount_helper || o.version);
}

static void
flags_are_taken(void **state)
{
	struct task_options o;

	(void)state;
	assert_int_equal(parse(&o, "-c", "/x"), -1);
	assert_string_equal(o.config, "/x");
	assert_int_equal(parse(&o, "-d", "--mount-helper"), -1);
	assert_true(o.debug && o.mount_helper);
	assert_int_equal(parse(&o, "--version", NULL), -1);
	assert_true(o.version);
}

static void
help_is_printed_and_mistakes_are_told(void **state)
{
	struct task_options o;

	(void)state;
	assert_int_equal(parse(&o, "--help", NULL), 0);
	assert_non_null(strstr(out_text, "usage: kanidm_unixd_tasks"));
	assert_int_equal(parse(&o, "extra", NULL), 2);
	assert_non_null(strstr(err_text, "'extra'"));
	assert_int_equal(parse(&o, "--no-such", NULL), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_the_installed_file),
		cmocka_unit_test(flags_are_taken),
		cmocka_unit_test(help_is_printed_and_mistakes_are_told),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	free(out_text);
	free(err_text);
	return rc;
}
