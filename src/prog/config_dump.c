/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What -t prints. Operators know this page from the reference and have scripts that cut
 * lines out of it, so names, order and separators are its own; the settings it forgets,
 * and ours, stand where they do not move the others.
 */
#include <stdio.h>

#include "src/prog/config_reader.h"

/* The NSS module's own limit for a question to the daemon; no key changes it. */
#define MODULE_TIMEOUT_S 2

static const char separator[] = "###################################";

static const char *
attr_text(enum name_attr attr)
{
	switch (attr) {
	case NAME_ATTR_NAME:
		return "Name";
	case NAME_ATTR_SPN:
		return "SPN";
	case NAME_ATTR_UUID:
		return "UUID";
	case NAME_ATTR_NONE:
		return "unset";
	}
	return "?";
}

static const char *
hsm_text(enum hsm_type type)
{
	switch (type) {
	case HSM_SOFT:
		return "Soft";
	case HSM_TPM_IF_POSSIBLE:
		return "Tpm if possible";
	case HSM_TPM:
		return "Tpm";
	}
	return "?";
}

static const char *
bool_text(bool b)
{
	return b ? "true" : "false";
}

static const char *
or_unset(const char *text)
{
	return text != NULL ? text : "unset";
}

static void
dump_list(FILE *out, const char *name, char *const *list)
{
	if (list == NULL || list[0] == NULL) {
		(void)fprintf(out, "%s: %s\n", name, list == NULL ? "unset" : "[]");
		return;
	}
	(void)fprintf(out, "%s: [\n", name);
	for (; *list != NULL; list++)
		(void)fprintf(out, "    \"%s\",\n", *list);
	(void)fprintf(out, "]\n");
}

static void
dump_paths_and_homes(FILE *out, const struct config *c)
{
	(void)fprintf(out, "cache_db_path: %s\n", c->db_path);
	(void)fprintf(out, "sock_path: %s\n", c->sock_path);
	(void)fprintf(out, "task_sock_path: %s\n", c->task_sock_path);
	(void)fprintf(out, "unix_sock_timeout: %d\n", MODULE_TIMEOUT_S);
	(void)fprintf(out, "cache_timeout: %u\n", config_cache_timeout_s(c));
	(void)fprintf(out, "default_shell: %s\n", c->default_shell);
	(void)fprintf(out, "home_strategy: %s\n",
	    c->home_strategy == HOME_STRATEGY_SYMLINK ? "symlink" : "bind_mount");
	(void)fprintf(out, "home_prefix: %s\n", c->home_prefix);
	(void)fprintf(out, "home_mount_prefix: %s\n", or_unset(c->home_mount_prefix));
	(void)fprintf(out, "home_attr: %s\n", attr_text(c->home_attr));
	(void)fprintf(out, "home_alias: %s\n", attr_text(c->home_alias));
	(void)fprintf(out, "uid_attr_map: %s\n", attr_text(c->uid_attr_map));
	(void)fprintf(out, "gid_attr_map: %s\n", attr_text(c->gid_attr_map));
	(void)fprintf(out, "hsm_type: %s\n", hsm_text(c->hsm_type));
	(void)fprintf(out, "tpm_tcti_name: %s\n", c->tpm_tcti_name);
	(void)fprintf(out, "selinux: %s\n", bool_text(c->selinux));
}

/* What the reference does not print, and what it does not have. */
static void
dump_more(FILE *out, const struct config *c)
{
	(void)fprintf(out, "hsm_pin_path: %s\n",
	    c->hsm_pin_path != NULL ? c->hsm_pin_path : KU_PATH_HSM_PIN);
	(void)fprintf(out, "use_etc_skel: %s\n", bool_text(c->use_etc_skel));
	dump_list(out, "allow_local_account_override", c->allow_local_account_override);
	(void)fprintf(out, "home_failure: %s\n",
	    c->home_failure == HOME_FAILURE_ALLOW ? "allow" : "deny");
	(void)fprintf(out, "offline_limit: %u\n", c->offline_limit_s);
	(void)fprintf(out, "fast_cache: %s\n", bool_text(c->fast_cache));
	(void)fprintf(out, "auth_deadline: %u.%03u\n", c->auth_deadline_ms / 1000,
	    c->auth_deadline_ms % 1000);
	(void)fprintf(out, "offline_auth_max_age: %u\n", c->offline_auth_max_age_s);
	(void)fprintf(out, "prefetch_max: %u\n", c->prefetch_max);
	dump_list(out, "pam_allowed_callers", c->pam_allowed_callers);
}

static void
dump_provider(FILE *out, const struct config *c)
{
	(void)fprintf(out, "kanidm: %s\n", c->provider_enabled ? "enabled" : "disabled");
	if (!c->provider_enabled)
		return;
	dump_list(out, "pam_allowed_login_groups", c->pam_allowed_login_groups);
	(void)fprintf(out, "conn_timeout: %u\n", c->conn_timeout_s);
	(void)fprintf(out, "request_timeout: %u\n", c->request_timeout_s);
	(void)fprintf(out, "service_account_token_path: %s\n",
	    or_unset(c->service_account_token_path));
	dump_list(out, "prefetch_groups", c->prefetch_groups);
	(void)fprintf(out, "map_group: [%s", c->n_map_group > 0 ? "\n" : "");
	for (size_t i = 0; i < c->n_map_group; i++)
		(void)fprintf(out, "    { local: \"%s\", with: \"%s\" },\n",
		    c->map_group[i].local, c->map_group[i].with);
	(void)fprintf(out, "]\n");
}

static void
dump_client(FILE *out, const struct config *c, const char *client_path)
{
	if (!c->provider_enabled) {
		(void)fprintf(out, "kanidm client: disabled\n");
		return;
	}
	(void)fprintf(out, "kanidm client config (from \"%s\")\n", client_path);
	(void)fprintf(out, "address: %s\n", or_unset(c->uri));
	(void)fprintf(out, "verify_ca: %s\n", bool_text(c->verify_ca));
	(void)fprintf(out, "verify_hostnames: %s\n", bool_text(c->verify_hostnames));
	(void)fprintf(out, "ca: %s\n", or_unset(c->ca_path));
	(void)fprintf(out, "connect_timeout: %u\n", c->conn_timeout_s);
	(void)fprintf(out, "request_timeout: %u\n", c->request_timeout_s);
	(void)fprintf(out, "use_system_proxies: true\n");
	(void)fprintf(out, "token_cache_path: unset\n");
}

void
config_dump(FILE *out, const struct config *c, const char *client_path,
    const char *unixd_path)
{
	(void)fprintf(out, "%s\nDumping configs:\n%s\n", separator, separator);
	(void)fprintf(out, "kanidm_unixd config (from \"%s\")\n", unixd_path);
	dump_paths_and_homes(out, c);
	dump_more(out, c);
	dump_provider(out, c);
	(void)fprintf(out, "\n%s\n", separator);
	dump_client(out, c, client_path);
}
