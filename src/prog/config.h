/* SPDX-License-Identifier: MPL-2.0 */
/*
 * /etc/kanidm/config and /etc/kanidm/unixd, read into one struct.
 *
 * Formats and values are the reference client's, both the legacy flat file and
 * `version = "2"` with [kanidm]; what it gets wrong is put right (docs/config.md). Every
 * key is one line in keys.h, from which parser, defaults, -t output, example files and the
 * documentation test are made.
 *
 * Nothing in a file stops the daemon: unknown keys warn, misplaced keys are honoured with a
 * warning, a bad value keeps its default with an error, and a file that is no TOML leaves
 * the caller to use the last good copy (config_load returns the problem list either way).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/attr.h"

enum name_attr {
	NAME_ATTR_NAME,
	NAME_ATTR_SPN,
	NAME_ATTR_UUID,
	NAME_ATTR_NONE,
};

enum home_strategy {
	HOME_STRATEGY_SYMLINK,
	HOME_STRATEGY_BIND_MOUNT,
};

enum hsm_type {
	HSM_SOFT,
	HSM_TPM_IF_POSSIBLE,
	HSM_TPM,
};

struct config_map_group {
	char *local;
	char *with;
};

struct config {
	/* /etc/kanidm/config, top-level keys */
	char *uri; /* NULL: not configured */
	bool verify_ca;
	bool verify_hostnames;
	char *ca_path; /* NULL: system store only */

	/* /etc/kanidm/unixd */
	bool provider_enabled; /* legacy file, or a [kanidm] table is there */
	char *db_path;
	char *sock_path;
	char *task_sock_path;
	unsigned cache_timeout_s;   /* 300; clamped to 60..86400 when used */
	unsigned conn_timeout_s;    /* 2 */
	unsigned request_timeout_s; /* 4 */
	unsigned offline_limit_s;   /* 0: none */
	bool fast_cache;	    /* publish nss.map */
	char *default_shell;	    /* /bin/sh */
	char *home_prefix;	    /* ends in '/' after loading */
	char *home_mount_prefix;    /* ends in '/', or NULL */
	enum name_attr home_attr;   /* UUID */
	enum name_attr home_alias;  /* SPN */
	enum home_strategy home_strategy;
	bool use_etc_skel;
	enum name_attr uid_attr_map; /* SPN or NAME */
	enum name_attr gid_attr_map;
	bool selinux;
	enum hsm_type hsm_type;
	char *hsm_pin_path; /* NULL: look in the default places */
	char *service_account_token_path; /* as configured or from the environment; may be
					     the default path of a file that is not there */
	char **pam_allowed_login_groups; /* NULL-terminated, never NULL */
	char **allow_local_account_override;
	struct config_map_group *map_group;
	size_t n_map_group;
};

enum config_severity {
	CONFIG_NOTE,	   /* misplaced or discouraged: -t exits 0 */
	CONFIG_WARNING,	   /* unknown key: -t exits 1 */
	CONFIG_ERROR,	   /* bad value, default kept: -t exits 1 */
	CONFIG_FATAL,	   /* not TOML, or a wrong type: this file is not usable */
};

struct config_problem {
	enum config_severity severity;
	char *text; /* "/etc/kanidm/unixd:12: cache_timeout: ..." */
};

struct config_problems {
	struct config_problem *v;
	size_t n;
};

/*
 * Reads both files. A file that does not exist gives defaults and a note; one that exists
 * and cannot be read is CONFIG_FATAL. Environment (KANIDM_CACHE_DB_PATH,
 * KANIDM_HSM_PIN_PATH, KANIDM_SERVICE_ACCOUNT_TOKEN_PATH) fills keys that are not set.
 *
 * Always sets *ret_config (defaults where a file gave nothing) and *ret_problems; the
 * caller frees both. Returns 0, or -EINVAL when there is a CONFIG_FATAL among the problems.
 */
int must_use_ config_load(const char *client_path, const char *unixd_path,
    struct config **ret_config, struct config_problems *ret_problems);

struct config *config_free(struct config *c);
void config_problems_clear(struct config_problems *p);

/* The -t output: effective settings, one "key: value" per line (client-behaviour 1.8). */
void config_dump(FILE *out, const struct config *c, const char *client_path,
    const char *unixd_path);
