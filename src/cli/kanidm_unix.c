/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What kanidm-unix understands. Names and options that the reference's tool has mean here
 * what they mean there, -d behind every command included.
 */
#include "src/cli/programs.h"

/* clang-format off */
static const struct cli_option common[] = {
	{ .key = 'd', .name = "debug",
	  .help = "say on stderr what is asked, and how long the answer took" },
	{ .key = 'h', .name = "help", .help = "print this help" },
	{ 0 },
};

static const struct cli_option status[] = {
	{ .key = 'v', .name = "verbose",
	  .help = "everything the daemon knows about itself" },
	{ .key = CLI_KEY_JSON, .name = "json", .help = "the same, as one JSON object" },
	{ 0 },
};

static const struct cli_option json_only[] = {
	{ .key = CLI_KEY_JSON, .name = "json", .help = "as one JSON object" },
	{ 0 },
};

static const struct cli_option check[] = {
	{ .key = 'v', .name = "verbose",
	  .help = "also what was looked at and is fine" },
	{ .key = CLI_KEY_JSON, .name = "json", .help = "as one JSON object" },
	{ 0 },
};

static const struct cli_option setup[] = {
	{ .key = CLI_KEY_URI, .name = "uri", .kind = CLI_WORD, .value = "URL",
	  .help = "the server, https://HOST" },
	{ .key = CLI_KEY_CA, .name = "ca", .kind = CLI_PATH, .value = "FILE",
	  .help = "the certificate of the server's CA, where the system does not know it" },
	{ .key = CLI_KEY_LOGIN_GROUP, .name = "login-group", .kind = CLI_WORD, .value = "NAME",
	  .help = "a group whose members may log in; several with commas, or once for each" },
	{ .key = CLI_KEY_TOKEN_FILE, .name = "token-file", .kind = CLI_PATH, .value = "FILE",
	  .help = "the token of the service account that the daemon uses" },
	{ .key = CLI_KEY_SSH_KEYS, .name = "ssh-keys",
	  .help = "let sshd ask for people's keys, too" },
	{ .key = CLI_KEY_NO_NSS, .name = "no-nss", .help = "leave nsswitch.conf alone" },
	{ .key = CLI_KEY_NO_PAM, .name = "no-pam", .help = "leave PAM alone" },
	{ .key = CLI_KEY_TEST_USER, .name = "test-user", .kind = CLI_PERSON, .value = "NAME",
	  .help = "whose login is tried at the end" },
	{ .key = CLI_KEY_YES, .name = "yes", .help = "ask nothing, do it" },
	{ .key = CLI_KEY_DRY_RUN, .name = "dry-run",
	  .help = "show what would be done, change nothing" },
	{ .key = CLI_KEY_RESTORE, .name = "restore",
	  .help = "put back what DIR, or the newest copy, has of nsswitch.conf and PAM" },
	{ .key = CLI_KEY_JSON, .name = "json",
	  .help = "ask nothing, and print one JSON object about it" },
	{ 0 },
};

static const struct cli_option auth_test[] = {
	{ .key = 'D', .name = "name", .kind = CLI_PERSON, .value = "NAME", .required = true,
	  .help = "whose password is tried" },
	{ .key = CLI_KEY_JSON, .name = "json", .help = "as one JSON object" },
	{ 0 },
};

static const struct cli_option cache_clear[] = {
	{ .key = CLI_KEY_REALLY, .name = "really", .required = true,
	  .help = "yes, remembered passwords too" },
	{ .key = CLI_KEY_JSON, .name = "json", .help = "as one JSON object" },
	{ 0 },
};

static const struct cli_command commands[] = {
	{ .name = "status", .id = KANIDM_UNIX_STATUS, .options = status,
	  .help = "is the daemon there, and the server?" },
	{ .name = "explain", .id = KANIDM_UNIX_EXPLAIN, .options = json_only,
	  .operand = "NAME", .operand_kind = CLI_ENTRY,
	  .help = "can NAME log in, how does it resolve, and why?" },
	{ .name = "check", .id = KANIDM_UNIX_CHECK, .options = check,
	  .help = "what on this host keeps names or logins from working?" },
	{ .name = "setup", .id = KANIDM_UNIX_SETUP, .options = setup,
	  .operand = "DIR", .operand_kind = CLI_PATH, .operand_optional = true,
	  .help = "make this host use the server, step by step" },
	{ .name = "auth-test", .id = KANIDM_UNIX_AUTH_TEST, .options = auth_test,
	  .help = "would PAM let this person in?" },
	{ .name = "cache-invalidate", .id = KANIDM_UNIX_CACHE_INVALIDATE,
	  .options = json_only,
	  .help = "ask the server anew for everything" },
	{ .name = "cache-clear", .id = KANIDM_UNIX_CACHE_CLEAR, .options = cache_clear,
	  .help = "forget everything that is cached" },
	{ .name = "accept-id", .id = KANIDM_UNIX_ACCEPT_ID, .options = json_only,
	  .operand = "NAME", .operand_kind = CLI_PERSON,
	  .help = "take over the new uid that the server says" },
	{ .name = "version", .id = KANIDM_UNIX_VERSION, .options = json_only,
	  .help = "print the version" },
	{ .name = "help", .id = KANIDM_UNIX_HELP, .help = "print this help" },
	{ 0 },
};
/* clang-format on */

const struct cli_program cli_kanidm_unix = {
	.name = "kanidm-unix",
	.section = 1,
	.options = common,
	.commands = commands,
};
