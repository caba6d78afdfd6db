/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sshd as it will behave, not as a file reads: root asks sshd itself; others read the files
 * in its order, where the first value counts and a drop-in may stand before ours.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define CONFIG    "/etc/ssh/sshd_config"
#define MAX_DEPTH 8

enum key {
	USE_PAM,
	KBD,
	PASSWORD,
	KEYS,
	KEYS_USER,
	ALLOW_USERS,
	ALLOW_GROUPS,
	DENY_USERS,
	DENY_GROUPS,
	N_KEYS,
};

static const char *const names[N_KEYS] = {
	[USE_PAM] = "usepam",
	[KBD] = "kbdinteractiveauthentication",
	[PASSWORD] = "passwordauthentication",
	[KEYS] = "authorizedkeyscommand",
	[KEYS_USER] = "authorizedkeyscommanduser",
	[ALLOW_USERS] = "allowusers",
	[ALLOW_GROUPS] = "allowgroups",
	[DENY_USERS] = "denyusers",
	[DENY_GROUPS] = "denygroups",
};

struct sshd {
	char *value[N_KEYS]; /* NULL: not said */
	/* The first "Match User" for somebody who is no account of this host, and its file. */
	char *match_user;
	char *match_path;
	bool unreadable;
};

static void
sshd_clear(struct sshd *s)
{
	for (int i = 0; i < N_KEYS; i++)
		free(s->value[i]);
	free(s->match_user);
	free(s->match_path);
}

static void
set(struct sshd *s, const char *name, const char *value)
{
	if (strcasecmp(name, "challengeresponseauthentication") == 0)
		name = names[KBD];
	for (int i = 0; i < N_KEYS; i++) {
		if (strcasecmp(name, names[i]) == 0 && s->value[i] == NULL)
			s->value[i] = xstrdup(value);
	}
}

/* "User bob,!native Address 10.*": whom of the server does it name? sshd compares what was
 * typed, and whoever is of the server has more than one spelling. */
static void
see_match(const struct check *c, struct sshd *s, const char *path, char *criteria)
{
	static const char blanks[] = " \t\r=\"";
	char *save = NULL, *word = strtok_r(criteria, blanks, &save);

	for (; word != NULL && s->match_user == NULL;
	     word = strtok_r(NULL, blanks, &save)) {
		char *list, *name;

		if (strcasecmp(word, "user") != 0)
			continue;
		list = strtok_r(NULL, blanks, &save);
		while (s->match_user == NULL && (name = strsep(&list, ",")) != NULL) {
			name += *name == '!';
			if (*name == '\0' || streq(name, "*") ||
			    check_is_local(c, KU_PATH_ETC_PASSWD, name))
				continue;
			s->match_user = xstrdup(name);
			s->match_path = xstrdup(path);
		}
	}
}

static void read_file(const struct check *c, struct sshd *s, const char *path,
    bool matched, unsigned depth);

static void
include(const struct check *c, struct sshd *s, char *patterns, bool matched,
    unsigned depth)
{
	size_t prefix = strlen(c->host->root);
	char *v[16];
	size_t n = check_words(patterns, v, ARRAY_SIZE(v));

	for (size_t i = 0; i < n; i++) {
		cleanup_(freep) char *path = *v[i] == '/'
		    ? xstrdup(v[i])
		    : xasprintf("/etc/ssh/%s", v[i]);
		cleanup_(freep) char *real = check_path(c, path);
		glob_t g;

		if (glob(real, 0, NULL, &g) != 0)
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++)
			read_file(c, s, g.gl_pathv[k] + prefix, matched, depth + 1);
		globfree(&g);
	}
}

/* `matched`: what is said is for some people only, and none of our business. */
static void
read_file(const struct check *c, struct sshd *s, const char *path, bool matched,
    unsigned depth)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;
	int rc = depth > MAX_DEPTH ? -ELOOP : check_read(c, path, &text);

	s->unreadable |= rc == -EACCES || rc == -EPERM;
	if (rc < 0)
		return;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		char *name, *value;
		size_t len;

		line += strspn(line, " \t");
		if (*line == '#' || *line == '\0')
			continue;
		len = strcspn(line, " \t=\r");
		name = line;
		value = line + len + strspn(line + len, " \t=\"");
		name[len] = '\0';
		if (strcasecmp(name, "Match") == 0) {
			matched = true;
			see_match(c, s, path, value);
			continue;
		}
		value[strcspn(value, "\r\"#")] = '\0';
		for (size_t n = strlen(value);
		     n > 0 && strchr(" \t", value[n - 1]) != NULL; n--)
			value[n - 1] = '\0';
		if (strcasecmp(name, "Include") == 0)
			include(c, s, value, matched, depth);
		else if (!matched)
			set(s, name, value);
	}
}

static const char *
find_sshd(const struct check *c)
{
	static const char *const paths[] = { "/usr/sbin/sshd", "/usr/bin/sshd",
		"/usr/local/sbin/sshd", "/run/current-system/sw/bin/sshd" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (check_stat(c, paths[i], &st))
			return paths[i];
	}
	return NULL;
}

/* "usepam yes" for every key there is. */
static bool
ask_sshd(const struct check *c, const char *program, struct sshd *s)
{
	const char *const argv[] = { program, "-T", NULL };
	cleanup_(freep) char *buf = xmalloc(65536);
	char *rest = buf, *line;

	if (!c->host->privileged || check_run(c, argv, buf, 65536) != 0)
		return false;
	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t len = strcspn(line, " ");

		if (line[len] == '\0')
			continue;
		line[len] = '\0';
		set(s, line, line + len + 1);
	}
	return s->value[USE_PAM] != NULL;
}

static bool
says(const struct sshd *s, enum key key, const char *value, const char *dflt)
{
	return strcasecmp(s->value[key] != NULL ? s->value[key] : dflt, value) == 0;
}

/* sshd wants root's files all the way down, and nobody else's hand on them. */
static void
judge_command_file(struct check *c, const char *command)
{
	cleanup_(freep) char *path = xstrndup(command, strcspn(command, " \t"));
	struct stat st;

	if (*path != '/') {
		check_found(c, CHECK_SSHD_KEYS_MODE, path, "is not an absolute path");
		return;
	}
	for (;;) {
		char *slash;

		if (check_is_remote(c, path))
			check_unseen(c, path, "on a file server");
		else if (!check_stat(c, path, &st)) {
			check_found(c, CHECK_SSHD_KEYS_MODE, path, "%s", strerror(errno));
			return;
		} else if (st.st_uid != c->admin || (st.st_mode & 022) != 0) {
			check_found(c, CHECK_SSHD_KEYS_MODE, path, "owner %u, mode %04o",
			    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
			return;
		}
		slash = strrchr(path, '/');
		if (slash == path && path[1] == '\0')
			return;
		slash[slash == path] = '\0';
	}
}

static void
judge_keys(struct check *c, const struct sshd *s)
{
	const char *command = s->value[KEYS], *user = s->value[KEYS_USER];

	if (command == NULL || strcasecmp(command, "none") == 0) {
		check_found(c, CHECK_SSHD_KEYS, "AuthorizedKeysCommand", "is not set");
		return;
	}
	if (strstr(command, "kanidm_ssh_authorizedkeys") == NULL) {
		check_found(c, CHECK_SSHD_KEYS_OTHER, "AuthorizedKeysCommand", "is %s",
		    command);
		return;
	}
	if (user == NULL || strcasecmp(user, "none") == 0)
		check_found(c, CHECK_SSHD_KEYS_USER, "AuthorizedKeysCommandUser",
		    "is not set");
	else if (!check_is_local(c, KU_PATH_ETC_PASSWD, user))
		check_found(c, CHECK_SSHD_KEYS_USER, "AuthorizedKeysCommandUser",
		    "%s is not in " KU_PATH_ETC_PASSWD, user);
	judge_command_file(c, command);
}

/* Each of them is a second list of who may log in, and says nothing to whom it refuses. */
static void
judge_lists(struct check *c, const struct sshd *s)
{
	static const char *const shown[] = { "AllowUsers", "AllowGroups", "DenyUsers",
		"DenyGroups" };

	for (int i = 0; i < (int)ARRAY_SIZE(shown); i++) {
		if (s->value[ALLOW_USERS + i] != NULL)
			check_found(c, CHECK_SSHD_ALLOW, shown[i], "is set: %s",
			    s->value[ALLOW_USERS + i]);
	}
}

static void
judge_version(struct check *c, const char *program)
{
	const char *const argv[] = { program, "-V", NULL };
	char buf[1024];

	if (c->config->uid_attr_map == NAME_ATTR_NAME ||
	    check_run(c, argv, buf, sizeof(buf)) < 0)
		return;
	if (strstr(buf, "OpenSSH_10.1") != NULL || strstr(buf, "OpenSSH_10.2") != NULL)
		check_found(c, CHECK_SSHD_NAMES, program, "is %.*s",
		    (int)strcspn(buf, ", \n"), buf);
}

void
check_sshd(struct check *c)
{
	cleanup_(sshd_clear) struct sshd said = { 0 }, files = { 0 };
	const char *program = find_sshd(c);
	const struct sshd *s = &files;
	bool asked;

	if (program == NULL)
		return;
	read_file(c, &files, CONFIG, false, 0);
	asked = ask_sshd(c, program, &said);
	if (asked)
		s = &said;
	if (s->unreadable) {
		check_unseen(c, CONFIG, "needs root");
		return;
	}
	if (files.match_user != NULL)
		check_found(c, CHECK_SSHD_MATCH, files.match_path, "Match User %s",
		    files.match_user);
	if (!says(s, USE_PAM, "yes", "no"))
		check_found(c, CHECK_SSHD_PAM, CONFIG, "UsePAM is not yes");
	if (says(s, KBD, "no", "yes") && says(s, PASSWORD, "no", "yes"))
		check_found(c, CHECK_SSHD_PASSWORD, CONFIG,
		    "PasswordAuthentication and KbdInteractiveAuthentication are no");
	judge_lists(c, s);
	judge_keys(c, s);
	judge_version(c, program);
	check_fine(c, CONFIG, "%s", asked ? "what sshd -T says" : "as the files read");
}
