/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Settings that are valid and still deserve a word: discouraged, without the effect a
 * person expects, or missing. The one idea: they are judged when all keys are in, and told
 * at the line that set them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/config_reader.h"

void
config_check_client(struct config_reader *r)
{
	const struct config *c = r->config;

	if (!r->set[CONFIG_KEY_uri])
		config_report(r, CONFIG_NOTE, 0,
		    "uri is not set: there is no server to ask");
	if (!c->verify_ca)
		config_report(r, CONFIG_NOTE, r->line[CONFIG_KEY_verify_ca],
		    "verify_ca: false is "
		    "dangerous: anybody on the network can pose as the server and read "
		    "passwords");
	if (!c->verify_hostnames)
		config_report(r, CONFIG_NOTE, r->line[CONFIG_KEY_verify_hostnames],
		    "verify_hostnames: false is dangerous: any host with a certificate of a "
		    "trusted authority can pose as the server");
	if (r->set[CONFIG_KEY_connect_timeout])
		config_report(r, CONFIG_NOTE, r->line[CONFIG_KEY_connect_timeout],
		    "connect_timeout: for other programs; the daemon uses conn_timeout of the "
		    "unixd file");
	if (c->ca_path != NULL) {
		int fd = open(c->ca_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			config_report(r, CONFIG_WARNING, r->line[CONFIG_KEY_ca_path],
			    "ca_path: cannot read %s: %s", c->ca_path,
			    strerrordesc_np(errno));
		else
			(void)close(fd);
	}
}

void
config_check_unixd(struct config_reader *r)
{
	const struct config *c = r->config;
	unsigned used = config_cache_timeout_s(c);

	if (c->provider_enabled && !r->set[CONFIG_KEY_pam_allowed_login_groups])
		config_report(r, CONFIG_NOTE, 0,
		    "pam_allowed_login_groups is not set: names "
		    "resolve, but nobody may log in");
	else if (c->provider_enabled && c->pam_allowed_login_groups[0] == NULL)
		config_report(r, CONFIG_NOTE,
		    r->line[CONFIG_KEY_pam_allowed_login_groups],
		    "pam_allowed_login_groups: empty: names resolve, but nobody may log in");
	if (!streq(c->sock_path, KU_PATH_SOCK))
		config_report(r, CONFIG_NOTE, r->line[CONFIG_KEY_sock_path],
		    "sock_path: one more "
		    "socket for tools; lookups and logins use %s",
		    KU_PATH_SOCK);
	if (c->allow_local_account_override[0] != NULL)
		config_report(r, CONFIG_NOTE,
		    r->line[CONFIG_KEY_allow_local_account_override],
		    "allow_local_account_override: discouraged; and it has no effect for lookups "
		    "while files or compat stands before kanidm in /etc/nsswitch.conf");
	if (used != c->cache_timeout_s)
		config_report(r, CONFIG_NOTE, r->line[CONFIG_KEY_cache_timeout],
		    "cache_timeout: "
		    "%u is used as %u",
		    c->cache_timeout_s, used);
}

unsigned
config_cache_timeout_s(const struct config *c)
{
	if (c->cache_timeout_s < CONFIG_CACHE_TIMEOUT_MIN_S)
		return CONFIG_CACHE_TIMEOUT_MIN_S;
	if (c->cache_timeout_s > CONFIG_CACHE_TIMEOUT_MAX_S)
		return CONFIG_CACHE_TIMEOUT_MAX_S;
	return c->cache_timeout_s;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && streq(a, b));
}

/* Restart keys are texts, or numbers. */
static bool
same_value(const struct config_key *key, const struct config *a, const struct config *b)
{
	const void *fa = config_field_const(a, key), *fb = config_field_const(b, key);
	const char *ta, *tb;

	if (key->type != CONFIG_PATH && key->type != CONFIG_TEXT)
		return memcmp(fa, fb, sizeof(unsigned)) == 0;
	memcpy(&ta, fa, sizeof(ta));
	memcpy(&tb, fb, sizeof(tb));
	return same_text(ta, tb);
}

void
config_restart_notes(const struct config *running, const struct config *fresh,
    struct config_problems *problems)
{
	for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
		const struct config_key *key = &config_keys[i];

		if (key->when == CONFIG_RESTART && !same_value(key, running, fresh))
			config_problem_add(problems, CONFIG_NOTE, key->name, 0,
			    "changed, and counts from the next restart on");
	}
}
