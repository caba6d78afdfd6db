/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm-unix: what runs which command. What can be typed is in src/cli/kanidm_unix.c.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/cli/programs.h"
#include "src/prog/config.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/nscd.h"
#include "tools/setup.h"

struct args {
	struct tool *t;
	bool verbose;
	bool really;
	const char *name;
	struct setup_wish setup;
};

static int
run_status(const struct tool *t, const struct args *a)
{
	return cmd_status(t, a->verbose);
}

static int
run_explain(const struct tool *t, const struct args *a)
{
	return cmd_explain(t, a->name);
}

static int
run_check(const struct tool *t, const struct args *a)
{
	return cmd_check(t, a->verbose);
}

static int
run_setup(const struct tool *t, const struct args *a)
{
	struct setup_wish wish = a->setup;

	wish.restore_dir = a->name;
	if (!wish.restore && wish.restore_dir != NULL) {
		(void)fprintf(t->err, "setup: %s is for --restore only\n",
		    wish.restore_dir);
		return CLI_USAGE;
	}
	return cmd_setup(t, &wish);
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
	struct jsonw w;

	(void)a;
	if (!t->json) {
		(void)fprintf(t->out, "kanidm-unix %s\n", KU_VERSION);
		return 0;
	}
	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	jsonw_string(&w, "version", KU_VERSION);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : 1;
}

static int
run_help(const struct tool *t, const struct args *a)
{
	(void)a;
	cli_usage(t->out, &cli_kanidm_unix);
	return 0;
}

static int (*const run[KANIDM_UNIX_N_COMMANDS])(const struct tool *t,
    const struct args *a) = {
	[KANIDM_UNIX_STATUS] = run_status,
	[KANIDM_UNIX_EXPLAIN] = run_explain,
	[KANIDM_UNIX_CHECK] = run_check,
	[KANIDM_UNIX_SETUP] = run_setup,
	[KANIDM_UNIX_AUTH_TEST] = run_auth_test,
	[KANIDM_UNIX_CACHE_INVALIDATE] = run_cache_invalidate,
	[KANIDM_UNIX_CACHE_CLEAR] = run_cache_clear,
	[KANIDM_UNIX_ACCEPT_ID] = run_accept_id,
	[KANIDM_UNIX_VERSION] = run_version,
	[KANIDM_UNIX_HELP] = run_help,
};

/* Options of setup; false: it is none. */
static bool
set_setup(struct setup_wish *w, int key, const char *value)
{
	switch (key) {
	case CLI_KEY_URI:
		w->uri = value;
		return true;
	case CLI_KEY_CA:
		w->ca = value;
		return true;
	case CLI_KEY_TOKEN_FILE:
		w->token = value;
		return true;
	case CLI_KEY_TEST_USER:
		w->test_user = value;
		return true;
	case CLI_KEY_LOGIN_GROUP:
		w->groups = xreallocarray((void *)w->groups, w->n_groups + 1,
		    sizeof(*w->groups));
		w->groups[w->n_groups++] = value;
		return true;
	default:
		w->no_nss |= key == CLI_KEY_NO_NSS;
		w->no_pam |= key == CLI_KEY_NO_PAM;
		w->ssh_keys |= key == CLI_KEY_SSH_KEYS;
		w->yes |= key == CLI_KEY_YES;
		w->dry_run |= key == CLI_KEY_DRY_RUN;
		w->restore |= key == CLI_KEY_RESTORE;
		return key >= CLI_KEY_NO_NSS && key <= CLI_KEY_RESTORE;
	}
}

static void
set(void *arg, int key, const char *value)
{
	struct args *a = arg;

	if (set_setup(&a->setup, key, value))
		return;

	switch (key) {
	case 'd':
		a->t->debug = true;
		break;
	case 'v':
		a->verbose = true;
		break;
	case CLI_KEY_JSON:
		a->t->json = true;
		break;
	case CLI_KEY_REALLY:
		a->really = true;
		break;
	default:
		a->name = value;
	}
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

/* What we open must not be read as the password, or be printed into. Each of the three fails
 * as it did when it was closed; behind fd_open_missing_stdio() what is said would count as
 * read. */
static void
hold_closed_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null",
			    fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

int
main(int argc, char **argv)
{
	cleanup_(freep) char *path = NULL;
	struct tool t = { .out = stdout, .err = stderr, .forget_in_front = nscd_forget };
	struct args a = { .t = &t };
	struct cli_args args;
	int rc;

	hold_closed_stdio();
	rc = cli_parse(&cli_kanidm_unix, argc, argv, set, &a, &args, stdout, stderr);
	if (rc >= 0)
		return tool_end(rc);
	if (args.operand != NULL)
		a.name = args.operand;
	path = socket_path();
	t.sock_path = path;
	rc = run[args.command->id](&t, &a);
	free((void *)a.setup.groups);
	return tool_end(rc);
}
