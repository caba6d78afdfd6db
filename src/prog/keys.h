/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every key of /etc/kanidm/config and /etc/kanidm/unixd, one line each, in the order in
 * which the example files show them. Parser, defaults, suggestions, example files
 * (etc/kanidm) and the table of docs/config.md are made from here and nowhere else.
 *
 *	file	 CLIENT /etc/kanidm/config, UNIXD /etc/kanidm/unixd
 *	section	 where a version 2 file has it: TOP or KANIDM ([kanidm]). In the flat
 *		 format everything is at top level
 *	name	 in version 2
 *	flat	 its name in the flat format, when that is another one
 *	type	 enum config_type: what is accepted and how it is kept
 *	field	 of struct config
 *	default	 as TOML; NULL: not set
 *	sample	 as TOML, for the example files, where the default shows nothing
 *	when	 RELOAD: a SIGHUP is enough; RESTART
 */
#pragma once

#include <stddef.h>

#include "ku/paths.h"
#include "src/prog/config.h"

enum config_file {
	CONFIG_FILE_CLIENT,
	CONFIG_FILE_UNIXD,
};
#define CONFIG_N_FILES 2

enum config_section {
	CONFIG_TOP,
	CONFIG_KANIDM,
};

enum config_when {
	CONFIG_RELOAD,
	CONFIG_RESTART,
};

enum config_type {
	CONFIG_VERSION,   /* "2" */
	CONFIG_URI,       /* scheme://host[:port], kept without a path */
	CONFIG_TEXT,      /* any string */
	CONFIG_PATH,      /* absolute */
	CONFIG_DIRECTORY, /* absolute, kept with '/' at its end */
	CONFIG_BOOL,
	CONFIG_SECONDS,  /* 0 and up */
	CONFIG_TIMEOUT,  /* 1 second and up */
	CONFIG_DEADLINE, /* seconds with a fraction, kept as milliseconds */
	CONFIG_COUNT,
	CONFIG_SHOWN_ATTR,    /* spn, name */
	CONFIG_HOME_ATTR,     /* uuid, spn, name */
	CONFIG_HOME_ALIAS,    /* none, uuid, spn, name */
	CONFIG_HOME_STRATEGY, /* symlink, bind_mount, bindmount */
	CONFIG_HOME_FAILURE,  /* allow, deny */
	CONFIG_HSM_TYPE,      /* soft, tpm_if_possible, tpm */
	CONFIG_GROUPS,        /* Kanidm groups: names, SPNs, UUIDs */
	CONFIG_LOCAL_NAMES,   /* any names */
	CONFIG_CALLERS,       /* local names, or uids */
	CONFIG_MAP_GROUP,     /* tables of local and with */
};
#define CONFIG_N_TYPES (CONFIG_MAP_GROUP + 1)

#define CONFIG_QUOTED(text) "\"" text "\""

/* clang-format off */
#define CONFIG_KEYS(X) \
	X(CLIENT, TOP, uri, NULL, URI, uri, NULL, "\"https://idm.example.com\"", RELOAD, \
	    "The server. https; plain http only to this very host. A path behind the host is ignored.") \
	X(CLIENT, TOP, ca_path, NULL, PATH, ca_path, NULL, "\"/etc/kanidm/ca.pem\"", RELOAD, \
	    "PEM file of certificate authorities to trust besides the system's own.") \
	X(CLIENT, TOP, verify_ca, NULL, BOOL, verify_ca, "true", NULL, RELOAD, \
	    "false accepts any certificate, and so any server: never outside a test.") \
	X(CLIENT, TOP, verify_hostnames, NULL, BOOL, verify_hostnames, "true", NULL, RELOAD, \
	    "false accepts a certificate made for another name.") \
	X(CLIENT, TOP, connect_timeout, NULL, TIMEOUT, client_connect_timeout_s, NULL, "2", RELOAD, \
	    "Seconds; for other programs that read this file. The daemon uses conn_timeout of the unixd file.") \
	\
	X(UNIXD, TOP, version, NULL, VERSION, format, NULL, "\"2\"", RELOAD, \
	    "\"2\" for this format, with its [kanidm] table. Without version and [kanidm] all keys are at top level.") \
	X(UNIXD, TOP, default_shell, NULL, TEXT, default_shell, "\"/bin/sh\"", NULL, RELOAD, \
	    "Login shell of accounts that have none, or one that is not on this host.") \
	X(UNIXD, TOP, home_prefix, NULL, DIRECTORY, home_prefix, "\"/home/\"", NULL, RELOAD, \
	    "Directory of the home directories, with a slash at its end.") \
	X(UNIXD, TOP, home_mount_prefix, NULL, DIRECTORY, home_mount_prefix, NULL, "\"/u/\"", RELOAD, \
	    "Where home directories really are, when home_prefix only holds what points to them.") \
	X(UNIXD, TOP, home_attr, NULL, HOME_ATTR, home_attr, "\"uuid\"", NULL, RELOAD, \
	    "What the real directory is named after. Names change, UUIDs do not.") \
	X(UNIXD, TOP, home_alias, NULL, HOME_ALIAS, home_alias, "\"spn\"", NULL, RELOAD, \
	    "What the link to it is named after; when not none, this is the home that programs see.") \
	X(UNIXD, TOP, home_strategy, NULL, HOME_STRATEGY, home_strategy, "\"symlink\"", NULL, RELOAD, \
	    "How the alias leads to the home: a symbolic link, or a bind mount for programs that refuse links.") \
	X(UNIXD, TOP, home_failure, NULL, HOME_FAILURE, home_failure, "\"allow\"", NULL, RELOAD, \
	    "What a login does when its home directory cannot be made.") \
	X(UNIXD, TOP, use_etc_skel, NULL, BOOL, use_etc_skel, "false", NULL, RELOAD, \
	    "Fill a new home directory from /etc/skel.") \
	X(UNIXD, TOP, selinux, NULL, BOOL, selinux, "true", NULL, RELOAD, \
	    "Label new home directories where SELinux runs; no effect elsewhere.") \
	X(UNIXD, TOP, uid_attr_map, NULL, SHOWN_ATTR, uid_attr_map, "\"spn\"", NULL, RELOAD, \
	    "How users of the own domain are shown: alice@idm.example.com, or alice.") \
	X(UNIXD, TOP, gid_attr_map, NULL, SHOWN_ATTR, gid_attr_map, "\"spn\"", NULL, RELOAD, \
	    "The same for groups.") \
	X(UNIXD, TOP, cache_timeout, NULL, SECONDS, cache_timeout_s, "300", NULL, RELOAD, \
	    "Seconds until a cached entry is asked for again; used within 60 to 86400.") \
	X(UNIXD, TOP, offline_limit, NULL, SECONDS, offline_limit_s, "0", NULL, RELOAD, \
	    "Seconds without the server after which cached entries are no longer answered; 0: no limit.") \
	X(UNIXD, TOP, fast_cache, NULL, BOOL, fast_cache, "true", NULL, RELOAD, \
	    "Publish the entries in a file that programs read without asking the daemon.") \
	X(UNIXD, TOP, auth_deadline, NULL, DEADLINE, auth_deadline_ms, "2.5", NULL, RELOAD, \
	    "Seconds, also with a fraction, from a typed password to the answer, whatever the server does.") \
	X(UNIXD, TOP, offline_auth_max_age, NULL, SECONDS, offline_auth_max_age_s, "0", NULL, RELOAD, \
	    "Seconds after a person's last login with the server in which a login works without it; 0: no limit.") \
	X(UNIXD, TOP, prefetch_max, NULL, COUNT, prefetch_max, "500", NULL, RELOAD, \
	    "Of groups with more members than this only the names of the members are fetched ahead; used up to 10000.") \
	X(UNIXD, TOP, pam_allowed_callers, NULL, CALLERS, pam_allowed_callers, "[]", "[\"postgres\"]", RELOAD, \
	    "Local names or uids of services that may check the passwords of others without being root.") \
	X(UNIXD, TOP, allow_local_account_override, NULL, LOCAL_NAMES, allow_local_account_override, "[]", \
	    "[\"admin\"]", RELOAD, \
	    "Local users and groups that an account of the server may take the place of. Discouraged.") \
	X(UNIXD, TOP, hsm_type, NULL, HSM_TYPE, hsm_type, "\"soft\"", NULL, RESTART, \
	    "What protects the keys of offline logins: the pin file (soft).") \
	X(UNIXD, TOP, hsm_pin_path, NULL, PATH, hsm_pin_path, NULL, CONFIG_QUOTED(KU_PATH_HSM_PIN), RESTART, \
	    "The pin file; made when there is none. Environment: KANIDM_HSM_PIN_PATH.") \
	X(UNIXD, TOP, tpm_tcti_name, NULL, TEXT, tpm_tcti_name, "\"device:/dev/tpmrm0\"", NULL, RESTART, \
	    "The TPM, where one is used.") \
	X(UNIXD, TOP, cache_db_path, "db_path", PATH, db_path, CONFIG_QUOTED(KU_PATH_DB), NULL, RESTART, \
	    "The cache. Environment: KANIDM_CACHE_DB_PATH.") \
	X(UNIXD, TOP, sock_path, NULL, PATH, sock_path, CONFIG_QUOTED(KU_PATH_SOCK), NULL, RESTART, \
	    "One more socket for tools; lookups and logins always use the built-in one.") \
	X(UNIXD, TOP, task_sock_path, NULL, PATH, task_sock_path, CONFIG_QUOTED(KU_PATH_TASK_SOCK), NULL, RESTART, \
	    "Where the daemon that makes home directories finds the resolver.") \
	X(UNIXD, KANIDM, pam_allowed_login_groups, NULL, GROUPS, pam_allowed_login_groups, "[]", \
	    "[\"shell_users\"]", RELOAD, \
	    "Groups whose members may log in, by name, SPN or UUID. None: nobody; names resolve all the same.") \
	X(UNIXD, KANIDM, conn_timeout, NULL, TIMEOUT, conn_timeout_s, "2", NULL, RELOAD, \
	    "Seconds to reach the server.") \
	X(UNIXD, KANIDM, request_timeout, NULL, TIMEOUT, request_timeout_s, "4", NULL, RELOAD, \
	    "Seconds for one request to it, all in all.") \
	X(UNIXD, KANIDM, service_account_token_path, NULL, PATH, service_account_token_path, \
	    CONFIG_QUOTED(KU_PATH_TOKEN), NULL, RELOAD, \
	    "API token of a service account; used when the file is there. Environment: KANIDM_SERVICE_ACCOUNT_TOKEN_PATH.") \
	X(UNIXD, KANIDM, prefetch_groups, NULL, GROUPS, prefetch_groups, NULL, "[\"shell_users\"]", RELOAD, \
	    "Groups whose members are fetched before somebody asks, and are there without the server. Not set: those of pam_allowed_login_groups; []: none.") \
	X(UNIXD, KANIDM, map_group, NULL, MAP_GROUP, map_group, NULL, \
	    "[ { local = \"sudo\", with = \"unix_admins\" } ]", RELOAD, \
	    "Local groups that the members of a group of the server belong to as well.")
/* clang-format on */

enum config_key_id {
#define CONFIG_KEY_ID(file, section, name, flat, type, field, dflt, sample, when, doc) \
	CONFIG_KEY_##name,
	CONFIG_KEYS(CONFIG_KEY_ID)
#undef CONFIG_KEY_ID
	    CONFIG_N_KEYS,
};

struct config_key {
	enum config_file file;
	enum config_section section;
	const char *name;
	const char *flat_name; /* never NULL */
	enum config_type type;
	size_t offset; /* in struct config */
	const char *default_toml;
	const char *sample_toml; /* NULL: the default shows it */
	enum config_when when;
	const char *doc;
};

extern const struct config_key config_keys[CONFIG_N_KEYS];

/* "a number of seconds", "\"spn\" or \"name\"": for messages and documents. */
const char *config_type_accepts(enum config_type type);
