/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A command line against its table. getopt_long does the reading; what it needs is made from
 * the table for each call, so that no second list of options exists anywhere. Usage errors
 * are answered with the help of what was meant, as far as that is known.
 */
#include "src/cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"

/* The longest name of a command that is told apart from a slip of the finger. */
#define NEAR_MAX 32

/* What is being read, and by which rules. */
struct reading {
	const struct cli_program *p;
	const struct cli_command *c;
	cli_set_fn *set;
	void *arg;
	FILE *out;
	FILE *err;

	struct option longs[CLI_MAX_OPTIONS + 1];
	char shorts[2 * CLI_MAX_OPTIONS + 1];
	size_t n_longs;
	size_t n_shorts;
};

static int
usage_error(const struct reading *r)
{
	cli_command_usage(r->err, r->p, r->c);
	return CLI_USAGE;
}

static void
add_options(struct reading *r, const struct cli_option *o)
{
	for (; o != NULL && o->key != 0; o++) {
		if (r->n_longs == CLI_MAX_OPTIONS)
			abort();
		r->longs[r->n_longs++] = (struct option){
			.name = o->name,
			.has_arg = o->value != NULL ? required_argument : no_argument,
			.val = o->key,
		};
		if (o->key >= CLI_LONG_ONLY)
			continue;
		r->shorts[r->n_shorts++] = (char)o->key;
		if (o->value != NULL)
			r->shorts[r->n_shorts++] = ':';
	}
}

/*
 * A flag's variable is "true" or "false": the reference is as strict, and a guess at "1"
 * would decide about root. An empty path is none. -1, or the exit code.
 */
static int
from_environment(const struct reading *r, const struct cli_option *o)
{
	const char *v = o->env != NULL ? r->p->variable(o->env) : NULL;

	if (v == NULL || (o->value != NULL && v[0] == '\0'))
		return -1;
	if (o->value == NULL && !streq(v, "true") && !streq(v, "false")) {
		(void)fprintf(r->err, "%s: %s is '%s', and must be true or false\n",
		    r->p->name, o->env, v);
		return CLI_USAGE;
	}
	if (o->value != NULL)
		r->set(r->arg, o->key, v);
	else if (streq(v, "true"))
		r->set(r->arg, o->key, NULL);
	return -1;
}

static int
set_before(const struct reading *r, const struct cli_option *o)
{
	int rc = -1;

	for (; rc < 0 && o != NULL && o->key != 0; o++) {
		if (o->dflt != NULL)
			r->set(r->arg, o->key, o->dflt);
		rc = from_environment(r, o);
	}
	return rc;
}

static int
missing(const struct reading *r, const char *dashes, const char *what, const char *value)
{
	(void)fprintf(r->err, "%s%s%s: %s%s%s%s is missing\n\n", r->p->name,
	    r->c->name != NULL ? " " : "", r->c->name != NULL ? r->c->name : "", dashes,
	    what, *value != '\0' ? " " : "", value);
	return usage_error(r);
}

/* What must be given, and was not, is told by the caller that misses it; here only what
 * has a value, because there is nothing to go on with. -1, or the exit code. */
static int
check_required(const struct reading *r, const bool *given)
{
	for (const struct cli_option *o = r->c->options; o != NULL && o->key != 0; o++) {
		if (o->required && o->value != NULL && !given[o - r->c->options])
			return missing(r, "--", o->name, o->value);
	}
	return -1;
}

/* -1, or the exit code. `given` has an element for each option of the command. */
static int
read_options(const struct reading *r, int argc, char **argv, bool *given)
{
	int o;

	optind = 0;
	while ((o = getopt_long(argc, argv, r->shorts, r->longs, NULL)) != -1) {
		if (o == 'h') {
			cli_command_usage(r->out, r->p, r->c);
			return 0;
		}
		if (o == '?')
			return usage_error(r);
		r->set(r->arg, o, optarg);
		for (const struct cli_option *c = r->c->options; c != NULL && c->key != 0;
		     c++)
			given[c - r->c->options] |= c->key == o;
	}
	return -1;
}

static int
read_operand(const struct reading *r, int argc, char **argv, struct cli_args *ret_args)
{
	if (optind < argc && r->c->operand != NULL)
		ret_args->operand = argv[optind++];
	if (optind < argc) {
		(void)fprintf(r->err, "%s: unexpected argument '%s'\n\n", r->p->name,
		    argv[optind]);
		return usage_error(r);
	}
	if (ret_args->operand == NULL && r->c->operand != NULL && !r->c->operand_optional)
		return missing(r, "", r->c->operand, "");
	return -1;
}

/* Letters to put in, take out or change on the way from one word to the other. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[NEAR_MAX + 1], n = strlen(b);

	if (n > NEAR_MAX)
		return n;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t here = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < here)
				here = row[j] + 1;
			if (row[j - 1] + 1 < here)
				here = row[j - 1] + 1;
			row[j] = here;
		}
	}
	return row[n];
}

/* What was probably meant, or NULL. */
static const char *
nearest(const struct cli_program *p, const char *typed)
{
	const char *best = NULL;
	size_t least = 3;

	for (const struct cli_command *c = p->commands; c->name != NULL; c++) {
		size_t d = strlen(typed) >= 3 &&
			strncmp(c->name, typed, strlen(typed)) == 0
		    ? 0
		    : distance(typed, c->name);

		/* Half a word is a guess at any other. */
		if (d < least && d * 2 < strlen(c->name)) {
			least = d;
			best = c->name;
		}
	}
	return best;
}

static int
no_such_command(const struct reading *r, const char *typed)
{
	const char *near = nearest(r->p, typed);

	if (near != NULL) {
		(void)fprintf(r->err,
		    "%s: no such command: %s (did you mean %s?)\n"
		    "%s --help lists the commands.\n",
		    r->p->name, typed, near, r->p->name);
		return CLI_USAGE;
	}
	(void)fprintf(r->err, "%s: no such command: %s\n\n", r->p->name, typed);
	cli_usage(r->err, r->p);
	return CLI_USAGE;
}

static const struct cli_command *
find_command(const struct cli_program *p, const char *name)
{
	for (const struct cli_command *c = p->commands; c->name != NULL; c++) {
		if (streq(c->name, name))
			return c;
	}
	return NULL;
}

/* The command, which is the first word; -1, or the exit code. */
static int
read_command(struct reading *r, int argc, char **argv)
{
	if (argc < 2) {
		cli_usage(r->err, r->p);
		return CLI_USAGE;
	}
	if (streq(argv[1], "-h") || streq(argv[1], "--help")) {
		cli_usage(r->out, r->p);
		return 0;
	}
	r->c = find_command(r->p, argv[1]);
	if (r->c != NULL)
		return -1;
	return no_such_command(r, argv[1]);
}

int
cli_parse(const struct cli_program *p, int argc, char **argv, cli_set_fn *set, void *arg,
    struct cli_args *ret_args, FILE *out, FILE *err)
{
	struct reading r = { .p = p,
		.c = &p->self,
		.set = set,
		.arg = arg,
		.out = out,
		.err = err };
	bool given[CLI_MAX_OPTIONS] = { 0 };
	int rc = -1;

	*ret_args = (struct cli_args){ 0 };
	if (p->commands != NULL) {
		rc = read_command(&r, argc, argv);
		argc--;
		argv++;
	}
	if (rc < 0) {
		add_options(&r, r.c->options);
		add_options(&r, p->options);
		rc = set_before(&r, p->options);
	}
	if (rc < 0)
		rc = set_before(&r, r.c->options);
	if (rc < 0)
		rc = read_options(&r, argc, argv, given);
	if (rc < 0)
		rc = read_operand(&r, argc, argv, ret_args);
	if (rc < 0)
		rc = check_required(&r, given);
	ret_args->command = r.c;
	return rc;
}
