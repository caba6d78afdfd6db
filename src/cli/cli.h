/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What can be typed: every program with its commands, options, their values, environment
 * variables and defaults, as one constant table for each program (programs.h). Parsing and
 * --help are made from it here; the completions (etc/completions) and the check of the
 * manual pages (docs/man) from the same table, printed by tests/support/cli_table.c.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "src/base/attr.h"

/* Exit code after a usage error. */
#define CLI_USAGE 2

/* Keys above this are options without a letter. */
#define CLI_LONG_ONLY 256

/* The most options a program and one of its commands have between them. */
#define CLI_MAX_OPTIONS 16

/* What a value or an operand is, for completion. */
enum cli_kind {
	CLI_FLAG, /* there is no value */
	CLI_WORD, /* nothing to complete */
	CLI_PATH,
	CLI_PERSON,
	CLI_ENTRY, /* a person or a group */
};

struct cli_option {
	int key;          /* the letter, or CLI_LONG_ONLY and up; 0 ends a list */
	const char *name; /* behind the two dashes */
	enum cli_kind kind;
	const char *value; /* what help calls it, "PATH"; NULL: a flag */
	bool required;
	const char *env;  /* variable of the same meaning; for a flag "true" or "false" */
	const char *dflt; /* of a value */
	const char *help;
};

struct cli_command {
	const char *name; /* NULL ends a list */
	int id;
	const struct cli_option *options; /* or NULL */
	const char *operand;              /* one, as help calls it; NULL: none */
	enum cli_kind operand_kind;
	bool operand_optional;
	const char *help;
};

struct cli_program {
	const char *name;
	unsigned section; /* of the manual */
	const char *help; /* a sentence, or NULL */
	/* getenv, where an option has a variable: a program that must not read the environment
	 * does not even link it. */
	char *(*variable)(const char *name);
	/* Of the program, or, when it has commands, of each of them. */
	const struct cli_option *options;
	const struct cli_command *commands; /* NULL: it has none, and is `self` */
	const struct cli_command self;
};

struct cli_args {
	const struct cli_command *command; /* never NULL after -1 */
	const char *operand;               /* NULL: none was given */
};

/* Called for each option, `value` being NULL for a flag: first the defaults, then what the
 * environment says, then the command line, so that the last one counts. */
typedef void cli_set_fn(void *arg, int key, const char *value);

/*
 * Reads a command line, with 'h' as the key of help. -1: go on with *ret_args; else the exit
 * code, and what there was to say has been written to `out` or `err`.
 */
int must_use_ cli_parse(const struct cli_program *p, int argc, char **argv,
    cli_set_fn *set, void *arg, struct cli_args *ret_args, FILE *out, FILE *err);

/* What --help prints: of a program, and of one of its commands. */
void cli_usage(FILE *f, const struct cli_program *p);
void cli_command_usage(FILE *f, const struct cli_program *p, const struct cli_command *c);
