/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The resolver's flags and their environment variables are the reference daemon's, so that
 * existing units and drop-ins work.
 */
#include <stdlib.h>

#include "ku/paths.h"
#include "src/cli/programs.h"

/* clang-format off */
static const struct cli_option options[] = {
	{ .key = 'r', .name = "skip-root-check", .env = "KANIDM_SKIP_ROOT_CHECK",
	  .help = "run even as root" },
	{ .key = 'd', .name = "debug", .env = "KANIDM_DEBUG", .help = "log everything" },
	{ .key = 't', .name = "configtest",
	  .help = "check the configuration, print it, and exit" },
	{ .key = 'u', .name = "unixd-config", .kind = CLI_PATH, .value = "PATH",
	  .env = "KANIDM_UNIX_CONFIG", .dflt = KU_PATH_UNIXD_CONFIG,
	  .help = "what accounts look like here" },
	{ .key = 'c', .name = "client-config", .kind = CLI_PATH, .value = "PATH",
	  .env = "KANIDM_CLIENT_CONFIG", .dflt = KU_PATH_CLIENT_CONFIG,
	  .help = "where the server is" },
	{ .key = CLI_KEY_WITHDRAW, .name = "withdraw",
	  .help = "take the published map away from its readers, and exit" },
	{ .key = 'h', .name = "help", .help = "print this help" },
	{ .key = 'V', .name = "version", .help = "print the version" },
	{ 0 },
};
/* clang-format on */

const struct cli_program cli_kanidm_unixd = {
	.name = "kanidm_unixd",
	.section = 8,
	.help = "Resolves and authenticates the server's accounts. Run by systemd.",
	.variable = getenv,
	.options = options,
};
