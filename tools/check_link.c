/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the daemon itself says is wrong. It knows why the server does not answer, so nobody
 * asks a second time: a check that opens connections of its own would only show what is
 * true for the administrator's shell.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define SOON_S ((int64_t)14 * 24 * 3600)

/* Words of `reason`, as far as there is something better to say than "cannot be reached". */
static const struct {
	const char *start;
	enum check_id id;
} reasons[] = {
	{ "no server configured", CHECK_CONFIG_URI },
	{ "server name not resolved", CHECK_LINK_DNS },
	{ "unknown issuer", CHECK_TLS_ISSUER },
	{ "certificate expired", CHECK_TLS_EXPIRED },
	{ "certificate not yet valid", CHECK_TLS_NOT_YET },
	{ "name mismatch", CHECK_TLS_NAME },
	{ "ca_path cannot be read", CHECK_CA_MISSING },
	{ "anonymous login denied", CHECK_LINK_REFUSED },
	{ "service account token refused", CHECK_LINK_REFUSED },
	{ "not authorised", CHECK_LINK_REFUSED },
};

static const char *
server(const struct check *c)
{
	const char *uri = check_pair(c, "uri");

	return uri != NULL ? uri : "server";
}

static void
judge_reason(struct check *c)
{
	const char *reason = check_pair(c, "reason"), *detail = check_pair(c, "detail");
	const char *uri = server(c), *online = check_pair(c, "Kanidm");
	enum check_id id = CHECK_LINK_DOWN;

	if (online != NULL && streq(online, "online")) {
		check_fine(c, uri, "is online");
		return;
	}
	for (size_t i = 0; reason != NULL && i < ARRAY_SIZE(reasons); i++) {
		if (strncmp(reason, reasons[i].start, strlen(reasons[i].start)) == 0)
			id = reasons[i].id;
	}
	if (id == CHECK_CONFIG_URI)
		return; /* said of the file */
	check_found(c, id,
	    id == CHECK_CA_MISSING && c->config->ca_path != NULL ? c->config->ca_path
								 : uri,
	    "%s%s%s", reason != NULL ? reason : "offline", detail != NULL ? ": " : "",
	    detail != NULL ? detail : "");
}

static void
judge_certificate(struct check *c)
{
	const char *until = check_pair(c, "cert_not_after"), *uri = server(c);
	struct tm tm = { 0 };
	int64_t left;

	if (until == NULL || strptime(until, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return;
	left = (int64_t)timegm(&tm) - c->host->wall_s;
	if (left <= 0)
		check_found(c, CHECK_TLS_EXPIRED, uri,
		    "its certificate was good until %.20s", until);
	else if (left < SOON_S || strstr(until, "expires soon") != NULL)
		check_found(c, CHECK_CERT_SOON, uri,
		    "its certificate is good until %.20s", until);
}

static void
judge_tasks(struct check *c)
{
	const char *tasks = check_pair(c, "tasks"),
		   *trouble = check_pair(c, "tasks_trouble");

	if (tasks != NULL && strstr(tasks, "has not answered") != NULL)
		check_found(c, CHECK_TASKS_SILENT, "kanidm-unixd-tasks", "%s", tasks);
	else if (tasks != NULL && !streq(tasks, "connected"))
		check_found(c, CHECK_TASKS, "kanidm-unixd-tasks", "%s", tasks);
	if (trouble != NULL)
		check_found(c, CHECK_TASKS_TROUBLE, "kanidm-unixd-tasks", "%s", trouble);
}

static void
judge_uri(struct check *c)
{
	const char *uri = check_pair(c, "uri");

	if (uri != NULL && c->config->uri != NULL && !streq(uri, c->config->uri))
		check_found(c, CHECK_CONFIG_STALE, "uri",
		    "the daemon has %s, the file %s", uri, c->config->uri);
}

/* Lines that are there only when something is wrong. */
static const struct {
	const char *key;
	enum check_id id;
} troubles[] = {
	{ "map_trouble", CHECK_MAP_TROUBLE },
	{ "store", CHECK_STORE },
	{ "store_trouble", CHECK_STORE },
	{ "local_frozen", CHECK_LOCAL_FROZEN },
	{ "hidden_callers", CHECK_HIDDEN_CALLERS },
	{ "login", CHECK_LOGIN_NOBODY },
	{ "offline_guesses", CHECK_OFFLINE_KEY },
	{ "clock", CHECK_CLOCK_OFF },
};

static void
judge_others(struct check *c)
{
	const char *v;

	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		v = check_pair(c, troubles[i].key);
		if (v != NULL)
			check_found(c, troubles[i].id, troubles[i].key, "%s", v);
	}
	v = check_pair(c, "local_visible");
	if (v != NULL && strncmp(v, "no", 2) == 0)
		check_found(c, CHECK_LOCAL_FROZEN, "local_visible", "%s", v);
	v = check_pair(c, "offline_key");
	if (v != NULL &&
	    (strncmp(v, "none", 4) == 0 || strstr(v, "offline login off") != NULL))
		check_found(c, CHECK_OFFLINE_KEY, "offline_key", "%s", v);
	v = check_pair(c, "ids_pending");
	if (v != NULL && !streq(v, "0"))
		check_found(c, CHECK_IDS_PENDING, "ids_pending", "%s", v);
	v = check_pair(c, "left_out");
	if (v != NULL && (strstr(v, "local-") != NULL || strstr(v, "uid-held") != NULL))
		check_found(c, CHECK_IDS_LOCAL, "left_out", "%s", v);
	if (v != NULL && strstr(v, "not-in-id-map") != NULL)
		check_found(c, CHECK_IDS_UNMAPPED, "left_out", "%s", v);
}

static bool
is_among(char *const *v, const char *name, size_t len)
{
	for (; v != NULL && *v != NULL; v++) {
		if (strlen(*v) == len && memcmp(*v, name, len) == 0)
			return true;
	}
	return false;
}

/* "NAME: not on the server" of a group that is fetched ahead: those of prefetch_groups, or
 * where there is no such key, those of pam_allowed_login_groups. */
static void
judge_absent_groups(struct check *c)
{
	static const char absent[] = ": not on the server";

	for (size_t i = 0; i + 1 < c->n_pairs; i += 2) {
		const char *v = c->pairs[i + 1];
		size_t len = strlen(v);
		bool ahead;

		if (!streq(c->pairs[i], "prefetch_group") || len < sizeof(absent) ||
		    !streq(v + len - (sizeof(absent) - 1), absent))
			continue;
		len -= sizeof(absent) - 1;
		/* The daemon may have other files than we could read. */
		ahead = c->config != NULL &&
		    is_among(c->config->prefetch_groups, v, len) &&
		    !is_among(c->config->pam_allowed_login_groups, v, len);
		check_found(c, ahead ? CHECK_PREFETCH_GROUP : CHECK_LOGIN_GROUP,
		    ahead ? "prefetch group" : "login group",
		    "the server has no POSIX group %.*s", (int)len, v);
	}
}

/* A line without a severity before it is not about a key: other files are in use. */
static void
judge_fallback(struct check *c)
{
	for (size_t i = 0; i + 1 < c->n_pairs; i += 2) {
		const char *v = c->pairs[i + 1];
		bool ordinary = false;

		if (!streq(c->pairs[i], "config"))
			continue;
		for (int s = CONFIG_NOTE; s <= CONFIG_FATAL; s++) {
			const char *word = config_severity_name((enum config_severity)s);

			ordinary |= strncmp(v, word, strlen(word)) == 0 &&
			    v[strlen(word)] == ':';
		}
		if (!ordinary)
			check_found(c, CHECK_CONFIG_FALLBACK, "kanidm_unixd", "%s", v);
	}
}

void
check_link(struct check *c)
{
	if (c->asked != 0) {
		check_unseen(c, "server, tasks, cache", "the daemon does not answer");
		return;
	}
	judge_reason(c);
	judge_certificate(c);
	judge_tasks(c);
	judge_uri(c);
	judge_others(c);
	judge_absent_groups(c);
	judge_fallback(c);
}

/* The newest of these was written by a clock that was at least so far. */
void
check_clock(struct check *c)
{
	static const char *const files[] = { "/var/lib/systemd/timesync/clock",
		"/var/lib/dpkg/status", "/var/lib/rpm", "/etc/passwd", "/etc/kanidm",
		"/usr/lib/os-release" };
	const char *newest = NULL;
	int64_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct stat st;

		if (!check_stat(c, files[i], &st) || st.st_mtim.tv_sec <= at)
			continue;
		at = st.st_mtim.tv_sec;
		newest = files[i];
	}
	if (newest == NULL)
		return;
	if (at > c->host->wall_s + 3600)
		check_found(c, CHECK_CLOCK_BEHIND, newest,
		    "was written %lld h after what the clock says now",
		    (long long)((at - c->host->wall_s) / 3600));
	else
		check_fine(c, "clock", "is not behind this host's files");
}
