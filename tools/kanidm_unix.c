/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm-unix: the table of subcommands, and nothing else. Each subcommand says which
 * options and how many names it takes; usage, parsing and help are made from the table.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"

struct args {
	bool verbose;
	bool json;
	bool really;
	const char *name;
};

enum names {
	NO_NAME,
	NAME,      /* as an argument */
	NAME_FLAG, /* as -D NAME or --name NAME, as the reference has it */
};

struct command {
	const char *name;
	const char *options; /* short letters of `all_options` it takes */
	enum names names;
	const char *usage;
	const char *help;
	int (*run)(const struct tool *t, const struct args *a);
};

static int
run_status(const struct tool *t, const struct args *a)
{
	return cmd_status(t, a->verbose, a->json);
}

static int
run_explain(const struct tool *t, const struct args *a)
{
	return cmd_explain(t, a->name);
}

static int
run_auth_test(const struct tool *t, const struct args *a)
{
	return cmd_auth_test(t, a->name);
}

static int
run_cache_invalidate(const struct tool *t, const struct args *a)
{
	(void)a;
	return cmd_cache_invalidate(t);
}

static int
run_cache_clear(const struct tool *t, const struct args *a)
{
	return cmd_cache_clear(t, a->really);
}

static int
run_accept_id(const struct tool *t, const struct args *a)
{
	return cmd_accept_id(t, a->name);
}

static int
run_version(const struct tool *t, const struct args *a)
{
	(void)a;
	(void)fprintf(t->out, "kanidm-unix %s\n", KU_VERSION);
	return 0;
}

static int run_help(const struct tool *t, const struct args *a);

/* clang-format off */
static const struct command commands[] = {
	{ "status", "vj", NO_NAME, "[-v|--verbose] [--json]",
	    "is the daemon there, and the server?", run_status },
	{ "explain", "", NAME, "NAME",
	    "why a name resolves as it does, or does not", run_explain },
	{ "auth-test", "D", NAME_FLAG, "-D|--name NAME",
	    "would PAM let this person in?", run_auth_test },
	{ "cache-invalidate", "", NO_NAME, "",
	    "ask the server anew for everything", run_cache_invalidate },
	{ "cache-clear", "r", NO_NAME, "--really",
	    "forget everything that is cached", run_cache_clear },
	{ "accept-id", "", NAME, "NAME",
	    "take over the new uid that the server says", run_accept_id },
	{ "version", "", NO_NAME, "", "print the version", run_version },
	{ "help", "", NO_NAME, "", "print this help", run_help },
};

static const struct option all_options[] = {
	{ "debug", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "really", no_argument, NULL, 'r' },
	{ "name", required_argument, NULL, 'D' },
	{ 0 },
};
/* clang-format on */

static void
usage(FILE *f)
{
	(void)fprintf(f, "usage: kanidm-unix COMMAND [-d|--debug] [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		(void)fprintf(f, "  %-16s %-24s %s\n", commands[i].name,
		    commands[i].usage, commands[i].help);
	}
}

static int
run_help(const struct tool *t, const struct args *a)
{
	(void)a;
	usage(t->out);
	return 0;
}

static void
command_usage(FILE *f, const struct command *c)
{
	(void)fprintf(f, "usage: kanidm-unix %s [-d|--debug]%s%s\n", c->name,
	    c->usage[0] != '\0' ? " " : "", c->usage);
}

static const struct command *
find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (streq(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

/* -1: go on; else the exit code. */
static int
parse(const struct command *c, int argc, char **argv, struct tool *t, struct args *a)
{
	int o;

	while ((o = getopt_long(argc, argv, "dhvD:", all_options, NULL)) != -1) {
		if (o == 'h') {
			command_usage(stdout, c);
			return 0;
		}
		if (o == 'd') {
			t->debug = true;
			continue;
		}
		if (o == '?' || strchr(c->options, o) == NULL) {
			command_usage(stderr, c);
			return 2;
		}
		a->verbose |= o == 'v';
		a->json |= o == 'j';
		a->really |= o == 'r';
		if (o == 'D')
			a->name = optarg;
	}
	if (argc - optind != (c->names == NAME ? 1 : 0) ||
	    (c->names == NAME_FLAG && a->name == NULL)) {
		command_usage(stderr, c);
		return 2;
	}
	if (c->names == NAME)
		a->name = argv[optind];
	return -1;
}

/*
 * The daemon listens at the built-in path in any case, and at sock_path when that differs.
 * A file that cannot be read or is broken is the daemon's affair: the built-in path it is.
 */
static char *
socket_path(void)
{
	struct config_problems problems = { 0 };
	struct config *config = NULL;
	char *path;

	if (config_load(KU_PATH_CLIENT_CONFIG, KU_PATH_UNIXD_CONFIG, &config, &problems) <
		0 ||
	    config->sock_path == NULL)
		path = xstrdup(KU_PATH_SOCK);
	else
		path = xstrdup(config->sock_path);
	(void)config_free(config);
	config_problems_clear(&problems);
	return path;
}

int
main(int argc, char **argv)
{
	cleanup_(freep) char *path = NULL;
	struct tool t = { .out = stdout, .err = stderr };
	const struct command *c;
	struct args a = { 0 };
	int rc;

	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (streq(argv[1], "-h") || streq(argv[1], "--help")) {
		usage(stdout);
		return 0;
	}
	c = find(argv[1]);
	if (c == NULL) {
		(void)fprintf(stderr, "kanidm-unix: no such command: %s\n\n", argv[1]);
		usage(stderr);
		return 2;
	}
	rc = parse(c, argc - 1, argv + 1, &t, &a);
	if (rc >= 0)
		return rc;
	path = socket_path();
	t.sock_path = path;
	rc = c->run(&t, &a);
	return fflush(stdout) == 0 ? rc : 1;
}
