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

enum home_failure {
	HOME_FAILURE_ALLOW,
	HOME_FAILURE_DENY,
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
	char *ca_path;                     /* NULL: system store only */
	unsigned client_connect_timeout_s; /* read and checked; conn_timeout_s counts */

	/* /etc/kanidm/unixd */
	unsigned format;       /* 1: flat (legacy, or no file), 2: with [kanidm] */
	bool provider_enabled; /* legacy file, or a [kanidm] table is there */
	char *db_path;
	char *sock_path;
	char *task_sock_path;
	unsigned cache_timeout_s;   /* as written; see config_cache_timeout_s() */
	unsigned conn_timeout_s;    /* 2 */
	unsigned request_timeout_s; /* 4 */
	unsigned offline_limit_s;   /* 0: none */
	bool fast_cache;            /* publish nss.map */
	char *default_shell;        /* /bin/sh */
	char *home_prefix;          /* ends in '/' after loading */
	char *home_mount_prefix;    /* ends in '/', or NULL */
	enum name_attr home_attr;   /* UUID */
	enum name_attr home_alias;  /* SPN */
	enum home_strategy home_strategy;
	bool use_etc_skel;
	enum name_attr uid_attr_map; /* SPN or NAME */
	enum name_attr gid_attr_map;
	bool selinux;
	bool selinux_is_set; /* the file has the key */
	enum hsm_type
	    hsm_type; /* HSM_SOFT, whatever the file says, until there is TPM code */
	char *tpm_tcti_name;
	char *hsm_pin_path;               /* NULL: look in the default places */
	char *service_account_token_path; /* as configured or from the environment; may be
					     the default path of a file that is not there */
	char **pam_allowed_login_groups;  /* NULL-terminated, never NULL */
	char **allow_local_account_override;
	struct config_map_group *map_group;
	size_t n_map_group;
	unsigned auth_deadline_ms;       /* 2500 */
	unsigned offline_auth_max_age_s; /* 0: none */
	enum home_failure home_failure;
	char **prefetch_groups; /* NULL: not set, the login groups; empty: none */
	unsigned prefetch_max;  /* 500 */
	char *
	    *pam_allowed_callers; /* NULL-terminated, never NULL; uids as decimal text */
};

#define CONFIG_CACHE_TIMEOUT_MIN_S 60u
#define CONFIG_CACHE_TIMEOUT_MAX_S 86400u

enum config_severity {
	CONFIG_NOTE,    /* misplaced or discouraged: -t exits 0 */
	CONFIG_WARNING, /* unknown key: -t exits 1 */
	CONFIG_ERROR,   /* bad value, default kept: -t exits 1 */
	CONFIG_FATAL,   /* not TOML, or a wrong type: this file is not usable */
};

struct config_problem {
	enum config_severity severity;
	unsigned line; /* 0: the file as a whole */
	char *text;    /* "/etc/kanidm/unixd:12: cache_timeout: ..." */
};

struct config_problems {
	struct config_problem *v;
	size_t n;
};

/*
 * Reads both files. A file that does not exist gives defaults and a note; one that exists
 * and cannot be read is CONFIG_FATAL. Environment (KANIDM_CACHE_DB_PATH,
 * KANIDM_HSM_PIN_PATH, KANIDM_SERVICE_ACCOUNT_TOKEN_PATH) fills keys that are not set.
 * client_path may be NULL, for who makes homes: that file is not touched, of the other one
 * only home_*, use_etc_skel, selinux, task_sock_path and allow_local_account_override are
 * looked at, and no environment. All other keys have their defaults.
 *
 * Always sets *ret_config (defaults where a file gave nothing) and *ret_problems; the
 * caller frees both. Returns 0, or -EINVAL when there is a CONFIG_FATAL among the problems.
 */
int must_use_ config_load(const char *client_path, const char *unixd_path,
    struct config **ret_config, struct config_problems *ret_problems);

/*
 * The last good configuration: copies of both files in `dir`/last-good (dir is
 * KU_PATH_STATEDIR in the daemon), for the start after somebody broke one of them.
 *
 * config_save_last_good() copies what is at the paths now, 0600, each by rename; it
 * refuses (-EINVAL) what config_load() would refuse, and writes nothing when nothing
 * changed. 0 or -errno.
 * config_load_last_good() is config_load() on the copies; -ENOENT, with defaults and no
 * problems, when there are none.
 */
int must_use_ config_save_last_good(const char *dir, const char *client_path,
    const char *unixd_path);
int must_use_ config_load_last_good(const char *dir, struct config **ret_config,
    struct config_problems *ret_problems);

struct config *config_free(struct config *c);
void config_freep(struct config **cp);
void config_problems_clear(struct config_problems *p);

/* cache_timeout as it is used: 60 to 86400. */
unsigned config_cache_timeout_s(const struct config *c);

/* Adds a note to `problems` for each key that differs and that a reload does not change. */
void config_restart_notes(const struct config *running, const struct config *fresh,
    struct config_problems *problems);

/* The -t output: effective settings, one "key: value" per line, in
 * the order operators know, then what is ours. */
void config_dump(FILE *out, const struct config *c, const char *client_path,
    const char *unixd_path);

/* "note", "warning", "error", "fatal". */
const char *config_severity_name(enum config_severity severity);
/* One line each: "warning: /etc/kanidm/unixd:12: ...". */
void config_print_problems(FILE *out, const struct config_problems *problems);
/* What -t exits with: 0 when there is nothing worse than notes, else 1. */
int config_exit_status(const struct config_problems *problems);
