/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A typo at three in the morning must not end all logins at the next boot. So a broken file
 * leaves the running daemon as it is, and a starting one takes the copy of what was last
 * good; either way `status`, the journal and -t say which line is wrong.
 */
#include "src/unixd/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"

static void
log_problems(const struct config_problems *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct config_problem *one = &p->v[i];

		switch (one->severity) {
		case CONFIG_NOTE:
			log_info("config: %s", one->text);
			break;
		case CONFIG_WARNING:
			log_warn("config: %s", one->text);
			break;
		case CONFIG_ERROR:
		case CONFIG_FATAL:
			log_err("config: %s", one->text);
			break;
		}
	}
}

static void
save_last_good(const struct settings *s)
{
	int rc = config_save_last_good(s->state_dir, s->client_path, s->unixd_path);

	if (rc < 0)
		log_warn("config: no copy for bad days dir=%s: %s", s->state_dir,
		    strerror(-rc));
}

/* The state right after installation, and a surprise to whoever then tries to log in. */
static const char nobody_text[] = "nobody may log in: pam_allowed_login_groups is empty";

static bool
nobody_may_log_in(const struct settings *s)
{
	return s->config->uri != NULL && s->config->provider_enabled &&
	    s->config->pam_allowed_login_groups[0] == NULL;
}

static void
log_read(const struct settings *s)
{
	log_info("config: read client=%s unixd=%s problems=%zu%s", s->client_path,
	    s->unixd_path, s->problems.n,
	    s->config->uri == NULL ? " (no uri: not configured)" : "");
	if (nobody_may_log_in(s))
		log_warn("login: %s", nobody_text);
}

static void
load_last_good(struct settings *s)
{
	struct config_problems ignored = { 0 };
	struct config *good = NULL;
	int rc = config_load_last_good(s->state_dir, &good, &ignored);

	config_problems_clear(&ignored);
	if (rc < 0) {
		(void)config_free(good);
		s->fallback = "a configuration file is broken and there is no good copy: "
			      "running on defaults and the cache";
	} else {
		(void)config_free(s->config);
		s->config = good;
		s->fallback = "a configuration file is broken: running with the copy of "
			      "what was last good";
	}
	log_err("config: %s", s->fallback);
}

void
settings_load(struct settings *s, const char *client_path, const char *unixd_path,
    const char *state_dir)
{
	int rc;

	*s = (struct settings){
		.client_path = client_path,
		.unixd_path = unixd_path,
		.state_dir = state_dir,
	};
	rc = config_load(client_path, unixd_path, &s->config, &s->problems);
	log_problems(&s->problems);
	if (rc < 0)
		load_last_good(s);
	else
		save_last_good(s);
	log_read(s);
}

int
settings_reload(struct settings *s, struct config **ret_old)
{
	struct config_problems problems = { 0 };
	struct config *fresh = NULL;
	int rc = config_load(s->client_path, s->unixd_path, &fresh, &problems);

	if (rc == 0)
		config_restart_notes(s->config, fresh, &problems);
	log_problems(&problems);
	config_problems_clear(&s->problems);
	s->problems = problems;
	if (rc < 0) {
		s->fallback =
		    "a configuration file is broken: running with what was read "
		    "before";
		log_err("config: %s", s->fallback);
		(void)config_free(fresh);
		return rc;
	}
	*ret_old = s->config;
	s->config = fresh;
	s->fallback = NULL;
	save_last_good(s);
	log_read(s);
	return 0;
}

void
settings_clear(struct settings *s)
{
	s->config = config_free(s->config);
	config_problems_clear(&s->problems);
}

struct idp_settings
settings_idp(const struct settings *s)
{
	const struct config *c = s->config;

	return (struct idp_settings){
		.uri = c->provider_enabled ? c->uri : NULL,
		.verify_ca = c->verify_ca,
		.verify_hostnames = c->verify_hostnames,
		.ca_path = c->ca_path,
		.conn_timeout_s = c->conn_timeout_s,
		.request_timeout_s = c->request_timeout_s,
		.token_path = c->service_account_token_path,
	};
}

struct publish_settings
settings_publish(const struct settings *s, const char *path)
{
	return (struct publish_settings){
		.path = path,
		.own_domain = "",
		.offline_limit_s = s->config->offline_limit_s,
		/* Jitter and the floor of an offline link reach beyond the plain timeout. */
		.max_ttl_s = config_cache_timeout_s(s->config) * 2 + 60,
	};
}

/* A proxy's address may carry a password before its '@'. */
static void
status_proxy(const char *name, resolver_pair_fn fn, void *arg)
{
	cleanup_(freep) char *scheme = NULL, *text = NULL;
	const char *v = getenv(name), *at, *host;

	if (v == NULL || v[0] == '\0')
		return;
	at = strrchr(v, '@');
	host = strstr(v, "://");
	if (at != NULL && host != NULL && host < at)
		scheme = xstrndup(v, (size_t)(host + 3 - v));
	if (at != NULL)
		text = xasprintf("%s=%s***@%s", name, scheme != NULL ? scheme : "",
		    at + 1);
	else
		text = xasprintf("%s=%s", name, v);
	fn(arg, "proxy", text);
}

void
settings_status(const struct settings *s, resolver_pair_fn fn, void *arg)
{
	static const char *const proxies[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
		"ALL_PROXY", "no_proxy", "NO_PROXY" };

	if (nobody_may_log_in(s))
		fn(arg, "login", nobody_text);
	if (s->fallback != NULL)
		fn(arg, "config", s->fallback);
	for (size_t i = 0; i < s->problems.n; i++) {
		cleanup_(freep) char *text = xasprintf("%s: %s",
		    config_severity_name(s->problems.v[i].severity),
		    s->problems.v[i].text);

		fn(arg, "config", text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++)
		status_proxy(proxies[i], fn, arg);
}
