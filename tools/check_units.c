/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Our units, where systemd is the manager: what it would do at the next boot, and what a
 * drop-in has made of them. One question for each unit, with a deadline.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define DAEMON "kanidm-unixd.service"
#define TASKS  "kanidm-unixd-tasks.service"
#define MOUNT  "kanidm-unixd-mount.socket"

struct unit {
	const char *name;
	char text[2048]; /* "LoadState=loaded" and so on, a line each */
};

static bool
ask(struct check *c, struct unit *u)
{
	static const char *const systemctl[] = { "/usr/bin/systemctl", "/bin/systemctl",
		"/run/current-system/sw/bin/systemctl" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(systemctl); i++) {
		const char *const argv[] = { systemctl[i], "show", "--no-pager",
			"--property=LoadState,ActiveState,SubState,UnitFileState,Result,"
			"PrivateUsers,"
			"DynamicUser,FragmentPath,ReadWritePaths,ProtectSystem",
			"--", u->name, NULL };

		if (check_stat(c, systemctl[i], &st))
			return check_run(c, argv, u->text, sizeof(u->text)) == 0;
	}
	return false;
}

/* The value of a property, newly allocated; "" when there is none. */
static char *
property(const struct unit *u, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = u->text; s != NULL; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (strncmp(s, name, len) == 0 && s[len] == '=')
			return xstrndup(s + len + 1, strcspn(s + len + 1, "\n"));
	}
	return xstrdup("");
}

static bool
has(const struct unit *u, const char *name, const char *value)
{
	cleanup_(freep) char *is = property(u, name);

	return streq(is, value);
}

static void
judge_state(struct check *c, const struct unit *u, bool at_boot)
{
	cleanup_(freep) char *load = property(u, "LoadState");
	cleanup_(freep) char *active = property(u, "ActiveState");
	cleanup_(freep) char *file = property(u, "UnitFileState");

	if (streq(load, "masked"))
		check_found(c, CHECK_UNIT_MASKED, u->name, "is masked");
	else if (!streq(load, "loaded"))
		check_found(c, CHECK_UNIT_INACTIVE, u->name, "systemd says %s", load);
	else if (streq(active, "failed") || has(u, "SubState", "auto-restart")) {
		/* With Restart= and no limit a unit that cannot start is never "failed". */
		cleanup_(freep) char *result = property(u, "Result");

		check_found(c, CHECK_UNIT_FAILED, u->name, "has failed: %s", result);
	} else if (!streq(active, "active") && !streq(active, "activating") &&
	    !streq(active, "reloading"))
		check_found(c, CHECK_UNIT_INACTIVE, u->name, "is %s", active);
	else
		check_fine(c, u->name, "is %s", active);
	if (at_boot && streq(load, "loaded") && streq(file, "disabled"))
		check_found(c, CHECK_UNIT_DISABLED, u->name, "is disabled");
}

static void
judge_daemon(struct check *c, const struct unit *u)
{
	if (has(u, "PrivateUsers", "yes"))
		check_found(c, CHECK_UNIT_PRIVATE_USERS, u->name, "has PrivateUsers=yes");
	if (has(u, "DynamicUser", "yes")) {
		cleanup_(freep) char *path = property(u, "FragmentPath");

		check_found(c, CHECK_UNIT_OLD, path, "has DynamicUser=yes");
	}
}

/* The next path of a list as systemctl prints it, in place: one that has blanks, or other
 * characters that a shell would see, stands between '"', and '\\' is before what ends them
 * there. NULL: none left. */
static char *
next_path(char **rest)
{
	char *s = *rest + strspn(*rest, " \t"), *word = s, *to = s;
	bool quoted = *s == '"';

	if (*s == '\0')
		return NULL;
	for (s += quoted; *s != '\0' && (quoted ? *s != '"' : *s != ' '); s++) {
		if (quoted && *s == '\\' && s[1] != '\0')
			s++;
		*to++ = *s;
	}
	*rest = s + (*s != '\0');
	*to = '\0';
	return word;
}

/* Is the prefix at or below one of the paths? Each may have '-' or '+' before it. */
static bool
is_writable(const struct unit *u, const char *prefix)
{
	cleanup_(freep) char *paths = property(u, "ReadWritePaths");
	char *rest = paths, *word;

	if (!has(u, "ProtectSystem", "strict"))
		return true;
	while ((word = next_path(&rest)) != NULL) {
		const char *path = word + strspn(word, "-+");
		size_t len = strlen(path);

		while (len > 0 && path[len - 1] == '/')
			len--;
		if (strncmp(path, prefix, len) == 0 &&
		    (prefix[len] == '/' || prefix[len] == '\0'))
			return true;
	}
	return false;
}

static void
judge_tasks(struct check *c, const struct unit *u)
{
	const char *prefixes[] = { c->config->home_prefix, c->config->home_mount_prefix };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (prefixes[i] != NULL && has(u, "LoadState", "loaded") &&
		    !is_writable(u, prefixes[i]))
			check_found(c, CHECK_UNIT_HOME, u->name, "may not write to %s",
			    prefixes[i]);
	}
}

/* Of the units beside the daemon's. */
static void
judge_others(struct check *c, struct unit *u)
{
	/* Started by the other unit, enabled or not. */
	u->name = TASKS;
	if (ask(c, u)) {
		judge_state(c, u, false);
		judge_tasks(c, u);
	}
	u->name = MOUNT;
	if (c->config->home_strategy == HOME_STRATEGY_BIND_MOUNT && ask(c, u) &&
	    !has(u, "ActiveState", "active"))
		check_found(c, CHECK_UNIT_MOUNT, MOUNT, "is not active");
}

void
check_units(struct check *c)
{
	struct unit u = { .name = DAEMON };
	struct stat st;

	if (!check_stat(c, "/run/systemd/system", &st)) {
		check_fine(c, "systemd", "is not the manager here");
		return;
	}
	if (!ask(c, &u)) {
		check_unseen(c, DAEMON, "systemctl does not answer");
		return;
	}
	judge_state(c, &u, true);
	judge_daemon(c, &u);
	judge_others(c, &u);
}
