/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Help, made from the table. A program shows its options, one with commands the commands;
 * the help of a command is that of a small program. Columns are as wide as what stands in
 * them, because a table that fits only what was there when it was drawn is soon none.
 */
#include <string.h>

#include "src/base/util.h"
#include "src/cli/cli.h"

/* The widest left column; what is longer pushes its own text only. */
#define MAX_COLUMN 40
#define TEXT_SIZE  128

/* "-D, --name NAME", or with a '|' between them for a line of usage. */
static const char *
option_text(const struct cli_option *o, bool list, char buf[TEXT_SIZE])
{
	char letter[] = { '-', o->key < CLI_LONG_ONLY ? (char)o->key : ' ', '\0' };
	const char *between = list ? ", " : "|";

	if (o->key >= CLI_LONG_ONLY) {
		letter[0] = '\0';
		between = list ? "    " : "";
	}
	(void)snprintf(buf, TEXT_SIZE, "%s%s--%s%s%s", letter, between, o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	return buf;
}

static int
option_column(const struct cli_option *o)
{
	char buf[TEXT_SIZE];
	size_t widest = 0;

	for (; o != NULL && o->key != 0; o++) {
		size_t len = strlen(option_text(o, true, buf));

		widest = len > widest && len <= MAX_COLUMN ? len : widest;
	}
	return (int)widest;
}

static void
print_options(FILE *f, const struct cli_option *o, int column)
{
	char buf[TEXT_SIZE];

	for (; o != NULL && o->key != 0; o++) {
		(void)fprintf(f, "  %-*s  %s", column, option_text(o, true, buf),
		    o->help);
		if (o->dflt != NULL)
			(void)fprintf(f, " [default: %s]", o->dflt);
		if (o->env != NULL)
			(void)fprintf(f, " [env: %s]", o->env);
		(void)fputc('\n', f);
	}
}

static void
syntax_of_options(FILE *f, const struct cli_option *o)
{
	char buf[TEXT_SIZE];

	for (; o != NULL && o->key != 0; o++) {
		if (o->key != 'h')
			(void)fprintf(f, o->required ? " %s" : " [%s]",
			    option_text(o, false, buf));
	}
}

/* What follows a command's name: "[-v|--verbose] [--json]". */
static void
syntax(FILE *f, const struct cli_command *c)
{
	syntax_of_options(f, c->options);
	if (c->operand != NULL)
		(void)fprintf(f, c->operand_optional ? " [%s]" : " %s", c->operand);
}

/* "auth-test --name NAME": a command with what it cannot do without. */
static const char *
command_text(const struct cli_command *c, char buf[TEXT_SIZE])
{
	const struct cli_option *o = c->options;
	FILE *f = fmemopen(buf, TEXT_SIZE, "w");

	if (f == NULL)
		return c->name;
	(void)fputs(c->name, f);
	for (; o != NULL && o->key != 0; o++) {
		if (o->required)
			(void)fprintf(f, " --%s%s%s", o->name,
			    o->value != NULL ? " " : "",
			    o->value != NULL ? o->value : "");
	}
	if (c->operand != NULL && !c->operand_optional)
		(void)fprintf(f, " %s", c->operand);
	(void)fclose(f);
	return buf;
}

static void
print_commands(FILE *f, const struct cli_command *all)
{
	char buf[TEXT_SIZE];
	size_t widest = 0;

	for (const struct cli_command *c = all; c->name != NULL; c++) {
		size_t len = strlen(command_text(c, buf));

		widest = len > widest && len <= MAX_COLUMN ? len : widest;
	}
	for (const struct cli_command *c = all; c->name != NULL; c++)
		(void)fprintf(f, "  %-*s  %s\n", (int)widest, command_text(c, buf),
		    c->help);
}

void
cli_usage(FILE *f, const struct cli_program *p)
{
	if (p->commands == NULL) {
		cli_command_usage(f, p, &p->self);
		return;
	}
	(void)fprintf(f, "usage: %s COMMAND [OPTIONS]\n\n", p->name);
	print_commands(f, p->commands);
	(void)fprintf(f, "\n%s COMMAND --help says more. Manual: man %u %s\n", p->name,
	    p->section, p->name);
}

void
cli_command_usage(FILE *f, const struct cli_program *p, const struct cli_command *c)
{
	int own = option_column(c->options), all = option_column(p->options);
	const char *help = c->name != NULL ? c->help : p->help;

	(void)fprintf(f, "usage: %s", p->name);
	if (c->name != NULL) {
		(void)fprintf(f, " %s", c->name);
		syntax_of_options(f, p->options);
	} else {
		(void)fputs(" [OPTIONS]", f);
	}
	syntax(f, c);
	(void)fprintf(f, "\n\n%s\n\n", help);
	print_options(f, c->options, own > all ? own : all);
	print_options(f, p->options, own > all ? own : all);
}
