/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reference's tasks daemon knows two flags and passes over all others; here another one
 * is a usage error, and there are a few that a test or a drop-in can use.
 */
#include "tasks/options.h"

#include <getopt.h>

#include "ku/paths.h"

#define EXIT_USAGE 2

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "debug", no_argument, NULL, 'd' },
	{ "mount-helper", no_argument, NULL, 'm' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static void
usage(FILE *f)
{
	(void)fprintf(f,
	    "usage: kanidm_unixd_tasks [OPTIONS]\n"
	    "\n"
	    "Makes home directories for the resolver. Run by systemd, as root.\n"
	    "\n"
	    "  -c, --config PATH   default " KU_PATH_UNIXD_CONFIG "\n"
	    "  -d, --debug         log everything\n"
	    "      --mount-helper  serve bind mounts instead (kanidm-unixd-mount.service)\n"
	    "  -h, --help          print this help\n"
	    "  -V, --version       print version, SELinux support and the capabilities that "
	    "are kept\n");
}

int
task_options_parse(int argc, char **argv, struct task_options *ret_o, FILE *out,
    FILE *err)
{
	int o;

	*ret_o = (struct task_options){ .config = KU_PATH_UNIXD_CONFIG };
	optind = 0;
	while ((o = getopt_long(argc, argv, "c:dhV", long_options, NULL)) != -1) {
		switch (o) {
		case 'c':
			ret_o->config = optarg;
			break;
		case 'd':
			ret_o->debug = true;
			break;
		case 'm':
			ret_o->mount_helper = true;
			break;
		case 'h':
			usage(out);
			return 0;
		case 'V':
			ret_o->version = true;
			break;
		default:
			usage(err);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	(void)fprintf(err, "kanidm_unixd_tasks: unexpected argument '%s'\n\n",
	    argv[optind]);
	usage(err);
	return EXIT_USAGE;
}
