/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reference's tasks daemon knows two flags and passes over all others; here another one
 * is a usage error, and there are a few that a test or a drop-in can use.
 */
#include "ku/paths.h"
#include "src/cli/programs.h"

/* clang-format off */
static const struct cli_option options[] = {
	{ .key = 'c', .name = "config", .kind = CLI_PATH, .value = "PATH",
	  .dflt = KU_PATH_UNIXD_CONFIG, .help = "what homes look like here" },
	{ .key = 'd', .name = "debug", .help = "log everything" },
	{ .key = CLI_KEY_MOUNT_HELPER, .name = "mount-helper",
	  .help = "serve bind mounts instead (kanidm-unixd-mount.service)" },
	{ .key = 'h', .name = "help", .help = "print this help" },
	{ .key = 'V', .name = "version",
	  .help = "print version, SELinux support and the capabilities that are kept" },
	{ 0 },
};
/* clang-format on */

const struct cli_program cli_kanidm_unixd_tasks = {
	.name = "kanidm_unixd_tasks",
	.section = 8,
	.help = "Makes home directories for the resolver. Run by systemd, as root.",
	.options = options,
};
