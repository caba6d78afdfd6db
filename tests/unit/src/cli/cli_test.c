/* SPDX-License-Identifier: MPL-2.0 */
#include "src/cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/cli/programs.h"

#define VARIABLE      "KU_CLI_TEST"
#define PATH_VARIABLE "KU_CLI_TEST_PATH"

static const struct cli_option common[] = {
	{ .key = 'd', .name = "debug", .env = VARIABLE, .help = "d" },
	{ .key = 'h', .name = "help", .help = "h" },
	{ 0 },
};
static const struct cli_option move_options[] = {
	{ .key = 't',
	    .name = "to",
	    .kind = CLI_PATH,
	    .value = "PATH",
	    .env = PATH_VARIABLE,
	    .dflt = "/default",
	    .help = "t" },
	{ .key = CLI_LONG_ONLY, .name = "only-long", .help = "o" },
	{ 0 },
};
static const struct cli_option need_options[] = {
	{ .key = 'D', .name = "name", .value = "NAME", .required = true, .help = "n" },
	{ 0 },
};
static const struct cli_command commands[] = {
	{ .name = "move",
	    .id = 7,
	    .options = move_options,
	    .operand = "WHAT",
	    .help = "m" },
	{ .name = "need", .id = 8, .options = need_options, .help = "n" },
	{ 0 },
};
static const struct cli_program program = {
	.name = "program",
	.section = 1,
	.variable = getenv,
	.options = common,
	.commands = commands,
};
static const struct cli_program plain = {
	.name = "plain",
	.section = 8,
	.help = "Plain.",
	.variable = getenv,
	.options = common,
	.self = { .operand = "WHAT", .operand_optional = true },
};

struct seen {
	char keys[32]; /* in order; '+' for the first key without a letter */
	const char *to;
	struct cli_args args;
};
static char out_text[4096], err_text[4096];

static int
clean(void **state)
{
	(void)state;
	(void)unsetenv(VARIABLE);
	(void)unsetenv(PATH_VARIABLE);
	return 0;
}

static void
set(void *arg, int key, const char *value)
{
	struct seen *s = arg;
	size_t n = strlen(s->keys);

	assert_true(n + 1 < sizeof(s->keys));
	s->keys[n] = key == CLI_LONG_ONLY ? '+' : (char)key;
	if (key == 't')
		s->to = value;
}

/* `line` is split at blanks; its words live until the next call. */
static int
parse(const struct cli_program *p, struct seen *s, const char *line)
{
	static char words[256];
	char *argv[16] = { words }, *save = NULL;
	FILE *out = fmemopen(out_text, sizeof(out_text), "w");
	FILE *err = fmemopen(err_text, sizeof(err_text), "w");
	int argc = 0, rc;

	memset(out_text, 0, sizeof(out_text));
	memset(err_text, 0, sizeof(err_text));
	*s = (struct seen){ 0 };
	(void)snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	rc = cli_parse(p, argc, argv, set, s, &s->args, out, err);
	(void)fclose(out);
	(void)fclose(err);
	return rc;
}

static void
a_command_takes_its_options_the_common_ones_and_its_operand(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(parse(&program, &s, "program move -d --only-long it -t /x"), -1);
	assert_string_equal(s.keys, "td+t");
	assert_string_equal(s.to, "/x");
	assert_int_equal(s.args.command->id, 7);
	assert_string_equal(s.args.operand, "it");
	assert_int_equal(parse(&program, &s, "program move --to=/y it"), -1);
	assert_string_equal(s.to, "/y");
	assert_int_equal(parse(&program, &s, "program move -- -t"), -1);
	assert_string_equal(s.args.operand, "-t");
}

static void
the_default_then_the_environment_then_the_command_line_counts(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(parse(&program, &s, "program move it"), -1);
	assert_string_equal(s.to, "/default");
	assert_int_equal(setenv(PATH_VARIABLE, "", 1), 0);
	assert_int_equal(parse(&program, &s, "program move it"), -1);
	assert_string_equal(s.to, "/default");
	assert_int_equal(setenv(PATH_VARIABLE, "/env", 1), 0);
	assert_int_equal(parse(&program, &s, "program move it"), -1);
	assert_string_equal(s.to, "/env");
	assert_int_equal(parse(&program, &s, "program move it -t /line"), -1);
	assert_string_equal(s.to, "/line");
}

static void
a_flags_variable_is_true_or_false_and_nothing_else(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(setenv(VARIABLE, "true", 1), 0);
	assert_int_equal(parse(&plain, &s, "plain"), -1);
	assert_string_equal(s.keys, "d");
	assert_int_equal(setenv(VARIABLE, "false", 1), 0);
	assert_int_equal(parse(&plain, &s, "plain"), -1);
	assert_string_equal(s.keys, "");
	assert_int_equal(setenv(VARIABLE, "1", 1), 0);
	assert_int_equal(parse(&plain, &s, "plain"), CLI_USAGE);
	assert_non_null(strstr(err_text, VARIABLE " is '1'"));
}

static void
what_is_not_in_the_table_is_a_usage_error(void **state)
{
	static const char *const bad[] = { "program", "program nonsense",
		"program -d move it", "program move", "program move it it",
		"program move -x it", "program move --name=a it", "program move it -t",
		"program need", "program need -D", "program need -D a b", "plain a b" };
	struct seen s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct cli_program *p = strncmp(bad[i], "plain", 5) == 0 ? &plain
									       : &program;

		assert_int_equal(parse(p, &s, bad[i]), CLI_USAGE);
		assert_non_null(strstr(err_text, "usage: p"));
		assert_string_equal(out_text, "");
	}
	assert_int_equal(parse(&program, &s, "program need --name a"), -1);
}

static void
what_is_missing_is_named(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(parse(&program, &s, "program move"), CLI_USAGE);
	assert_non_null(strstr(err_text, "program move: "));
	assert_non_null(strstr(err_text, " is missing\n\nusage: program move"));
	assert_int_equal(parse(&program, &s, "program need"), CLI_USAGE);
	assert_non_null(strstr(err_text, "program need: --name "));
}

static void
a_slip_of_the_finger_is_answered_with_what_was_meant(void **state)
{
	static const struct {
		const char *typed;
		const char *meant;
	} rows[] = {
		{ "kanidm-unix statsu", "status" },
		{ "kanidm-unix expl", "explain" },
		{ "kanidm-unix chekc", "check" },
		{ "kanidm-unix authtest", "auth-test" },
		{ "kanidm-unix cache-invaldate", "cache-invalidate" },
	};
	static const char *const nothing[] = { "kanidm-unix zzz", "kanidm-unix s",
		"kanidm-unix aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char want[64];
	struct seen s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(want, sizeof(want), "(did you mean %s?)\n", rows[i].meant);
		assert_int_equal(parse(&cli_kanidm_unix, &s, rows[i].typed), CLI_USAGE);
		assert_non_null(strstr(err_text, want));
	}
	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++) {
		assert_int_equal(parse(&cli_kanidm_unix, &s, nothing[i]), CLI_USAGE);
		assert_non_null(strstr(err_text, "usage: kanidm-unix COMMAND"));
	}
}

static void
help_is_asked_for_and_goes_to_stdout(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(parse(&program, &s, "program --help"), 0);
	assert_non_null(strstr(out_text, "usage: program COMMAND"));
	assert_int_equal(parse(&program, &s, "program move -h"), 0);
	assert_non_null(strstr(out_text, "usage: program move "));
	assert_int_equal(parse(&plain, &s, "plain -h"), 0);
	assert_non_null(strstr(out_text, "usage: plain [OPTIONS] [WHAT]\n\nPlain.\n"));
	assert_string_equal(err_text, "");
}

static void
an_operand_that_need_not_be_there_may_be_missing(void **state)
{
	struct seen s;

	(void)state;
	assert_int_equal(parse(&plain, &s, "plain"), -1);
	assert_null(s.args.operand);
	assert_int_equal(parse(&plain, &s, "plain x"), -1);
	assert_string_equal(s.args.operand, "x");
}

static size_t
check_options(const struct cli_program *p, const struct cli_option *o,
    const struct cli_option *others)
{
	size_t n = 0;

	for (; o != NULL && o->key != 0; o++, n++) {
		assert_non_null(o->name);
		assert_non_null(o->help);
		assert_true((o->value == NULL) == (o->kind == CLI_FLAG));
		assert_true(o->value != NULL || o->dflt == NULL);
		assert_true(o->env == NULL || p->variable != NULL);
		for (const struct cli_option *a = others; a != NULL && a->key != 0; a++) {
			if (a == o)
				continue;
			assert_int_not_equal(a->key, o->key);
			assert_string_not_equal(a->name, o->name);
		}
	}
	return n;
}

static void
the_tables_of_the_programs_hold_together(void **state)
{
	static const struct cli_program *const all[] = { &cli_kanidm_unix,
		&cli_kanidm_ssh_authorizedkeys, &cli_kanidm_unixd,
		&cli_kanidm_unixd_tasks };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct cli_program *p = all[i];
		size_t n = check_options(p, p->options, p->options);

		assert_true(n <= CLI_MAX_OPTIONS);
		assert_true(p->commands != NULL || p->help != NULL);
		for (const struct cli_command *c = p->commands;
		     c != NULL && c->name != NULL; c++) {
			assert_int_equal(c->id, c - p->commands);
			assert_non_null(c->help);
			(void)check_options(p, c->options, c->options);
			assert_true(n + check_options(p, c->options, p->options) <=
			    CLI_MAX_OPTIONS);
		}
	}
}

int
main(void)
{
#define CLI_TEST(f) cmocka_unit_test_setup_teardown(f, clean, clean)
	const struct CMUnitTest tests[] = {
		CLI_TEST(a_command_takes_its_options_the_common_ones_and_its_operand),
		CLI_TEST(the_default_then_the_environment_then_the_command_line_counts),
		CLI_TEST(a_flags_variable_is_true_or_false_and_nothing_else),
		CLI_TEST(what_is_not_in_the_table_is_a_usage_error),
		CLI_TEST(what_is_missing_is_named),
		CLI_TEST(a_slip_of_the_finger_is_answered_with_what_was_meant),
		CLI_TEST(help_is_asked_for_and_goes_to_stdout),
		CLI_TEST(an_operand_that_need_not_be_there_may_be_missing),
		CLI_TEST(the_tables_of_the_programs_hold_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
