/* SPDX-License-Identifier: MPL-2.0 */
/* What sshd passes to AuthorizedKeysCommand, and what a person tries by hand. */
#include "src/cli/programs.h"

/* clang-format off */
static const struct cli_option options[] = {
	{ .key = 'd', .name = "debug",
	  .help = "say on stderr what is asked, and how long the answer took" },
	{ .key = 'h', .name = "help", .help = "print this help" },
	{ .key = 'v', .name = "version", .help = "print the version" },
	{ 0 },
};
/* clang-format on */

const struct cli_program cli_kanidm_ssh_authorizedkeys = {
	.name = "kanidm_ssh_authorizedkeys",
	.section = 8,
	.help = "Prints the public ssh keys of an account, for sshd.",
	.options = options,
	/* Without an account it is run wrong, not typed wrong: exit 1, as with the reference. */
	.self = { .operand = "ACCOUNT_ID",
	    .operand_kind = CLI_PERSON,
	    .operand_optional = true },
};
