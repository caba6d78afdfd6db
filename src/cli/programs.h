/* SPDX-License-Identifier: MPL-2.0 */
/* The tables, and the keys and ids by which the programs know their options and commands. */
#pragma once

#include "src/cli/cli.h"

enum kanidm_unix_command {
	KANIDM_UNIX_STATUS,
	KANIDM_UNIX_EXPLAIN,
	KANIDM_UNIX_CHECK,
	KANIDM_UNIX_SETUP,
	KANIDM_UNIX_AUTH_TEST,
	KANIDM_UNIX_CACHE_INVALIDATE,
	KANIDM_UNIX_CACHE_CLEAR,
	KANIDM_UNIX_ACCEPT_ID,
	KANIDM_UNIX_VERSION,
	KANIDM_UNIX_HELP,
	KANIDM_UNIX_N_COMMANDS,
};

enum cli_long_key {
	CLI_KEY_JSON = CLI_LONG_ONLY,
	CLI_KEY_REALLY,
	CLI_KEY_WITHDRAW,
	CLI_KEY_MOUNT_HELPER,
	CLI_KEY_URI,
	CLI_KEY_CA,
	CLI_KEY_LOGIN_GROUP,
	CLI_KEY_TOKEN_FILE,
	CLI_KEY_TEST_USER,
	CLI_KEY_NO_NSS,
	CLI_KEY_NO_PAM,
	CLI_KEY_SSH_KEYS,
	CLI_KEY_YES,
	CLI_KEY_DRY_RUN,
	CLI_KEY_RESTORE,
};

extern const struct cli_program cli_kanidm_unix;
extern const struct cli_program cli_kanidm_ssh_authorizedkeys;
extern const struct cli_program cli_kanidm_unixd;
extern const struct cli_program cli_kanidm_unixd_tasks;
