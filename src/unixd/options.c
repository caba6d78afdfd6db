/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Flags, their environment variables and their strictness are the reference daemon's, so
 * that existing units and drop-ins work: a boolean variable is "true" or "false", and
 * anything else is a usage error rather than a guess. A flag wins over its variable.
 */
#include "src/unixd/options.h"

#include <getopt.h>
#include <stdlib.h>

#include "ku/paths.h"
#include "src/base/util.h"

#define EXIT_USAGE 2

static const struct option long_options[] = {
	{ "skip-root-check", no_argument, NULL, 'r' },
	{ "debug", no_argument, NULL, 'd' },
	{ "configtest", no_argument, NULL, 't' },
	{ "unixd-config", required_argument, NULL, 'u' },
	{ "client-config", required_argument, NULL, 'c' },
	{ "withdraw", no_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void
usage(FILE *f)
{
	(void)fprintf(f,
	    "usage: kanidm_unixd [OPTIONS]\n"
	    "\n"
	    "  -r, --skip-root-check     run even as root [env: KANIDM_SKIP_ROOT_CHECK]\n"
	    "  -d, --debug               log everything [env: KANIDM_DEBUG]\n"
	    "  -t, --configtest          check the configuration, print it, and exit\n"
	    "  -u, --unixd-config PATH   default " KU_PATH_UNIXD_CONFIG
	    " [env: KANIDM_UNIX_CONFIG]\n"
	    "  -c, --client-config PATH  default " KU_PATH_CLIENT_CONFIG
	    " [env: KANIDM_CLIENT_CONFIG]\n"
	    "      --withdraw            take the published map away from its readers, and "
	    "exit\n"
	    "  -h, --help                print this help\n"
	    "  -V, --version             print the version\n");
}

/* 0, or the exit code. */
static int
bool_from_env(const char *name, bool *ret, FILE *err)
{
	const char *v = getenv(name);

	if (v == NULL)
		return 0;
	if (!streq(v, "true") && !streq(v, "false")) {
		(void)fprintf(err,
		    "kanidm_unixd: %s is '%s', and must be true or false\n", name, v);
		return EXIT_USAGE;
	}
	*ret = streq(v, "true");
	return 0;
}

static const char *
path_from_env(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : fallback;
}

static int
apply(int o, struct options *opts, FILE *out, FILE *err)
{
	switch (o) {
	case 'r':
		opts->skip_root_check = true;
		return -1;
	case 'd':
		opts->debug = true;
		return -1;
	case 't':
		opts->configtest = true;
		return -1;
	case 'w':
		opts->withdraw = true;
		return -1;
	case 'u':
		opts->unixd_config = optarg;
		return -1;
	case 'c':
		opts->client_config = optarg;
		return -1;
	case 'h':
		usage(out);
		return 0;
	case 'V':
		(void)fprintf(out, "kanidm_unixd %s\n", KU_VERSION);
		return 0;
	default:
		usage(err);
		return EXIT_USAGE;
	}
}

int
options_parse(int argc, char **argv, struct options *ret_options, FILE *out, FILE *err)
{
	int o, rc;

	*ret_options = (struct options){
		.unixd_config = path_from_env("KANIDM_UNIX_CONFIG", KU_PATH_UNIXD_CONFIG),
		.client_config = path_from_env("KANIDM_CLIENT_CONFIG",
		    KU_PATH_CLIENT_CONFIG),
	};
	rc = bool_from_env("KANIDM_SKIP_ROOT_CHECK", &ret_options->skip_root_check, err);
	if (rc == 0)
		rc = bool_from_env("KANIDM_DEBUG", &ret_options->debug, err);
	if (rc != 0)
		return rc;
	optind = 0;
	while ((o = getopt_long(argc, argv, "rdtu:c:hV", long_options, NULL)) != -1) {
		rc = apply(o, ret_options, out, err);
		if (rc >= 0)
			return rc;
	}
	if (optind != argc) {
		(void)fprintf(err, "kanidm_unixd: unexpected argument '%s'\n\n",
		    argv[optind]);
		usage(err);
		return EXIT_USAGE;
	}
	return -1;
}
