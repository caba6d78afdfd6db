/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The configuration as the daemon would read it, and who may read and write what belongs to
 * it. "The daemon's user" is whoever owns its directory in /run; nobody is looked up.
 */
#include <errno.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

static bool
is_unreadable_by_us(const struct check *c, const char *path)
{
	cleanup_(freep) char *text = NULL;
	int rc = check_read(c, path, &text);

	return rc == -EACCES || rc == -EPERM;
}

/* Notes about what has a finding of its own. */
static bool
is_told_anyway(const struct config_problem *p)
{
	return p->severity == CONFIG_NOTE &&
	    (strstr(p->text, "uri is not set") != NULL ||
		strstr(p->text, "pam_allowed_login_groups is not set") != NULL);
}

/* A uri that is there and not used is told as that problem. */
static bool
is_uri_refused(const struct check *c)
{
	for (size_t i = 0; i < c->problems.n; i++) {
		const struct config_problem *p = &c->problems.v[i];

		if (p->severity >= CONFIG_ERROR && strstr(p->text, ": uri: ") != NULL)
			return true;
	}
	return false;
}

void
check_config(struct check *c)
{
	static const enum check_id ids[] = {
		[CONFIG_NOTE] = CHECK_CONFIG_NOTE,
		[CONFIG_WARNING] = CHECK_CONFIG_WARNING,
		[CONFIG_ERROR] = CHECK_CONFIG_BROKEN,
		[CONFIG_FATAL] = CHECK_CONFIG_BROKEN,
	};
	static const char *const files[] = { KU_PATH_CLIENT_CONFIG,
		KU_PATH_UNIXD_CONFIG };
	bool unseen = false;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!c->host->privileged && is_unreadable_by_us(c, files[i])) {
			check_unseen(c, files[i], "needs root");
			unseen = true;
		}
	}
	if (unseen)
		return;
	for (size_t i = 0; i < c->problems.n; i++) {
		const struct config_problem *p = &c->problems.v[i];

		if (!is_told_anyway(p))
			check_found(c, ids[p->severity], "configuration", "%s", p->text);
	}
	if (c->config->uri == NULL && !is_uri_refused(c))
		check_found(c, CHECK_CONFIG_URI, KU_PATH_CLIENT_CONFIG, "has no uri");
	else if (c->config->uri != NULL)
		check_fine(c, "uri", "%s", c->config->uri);
	/* The daemon says so itself when it answers. */
	if (c->asked != 0 && c->config->uri != NULL &&
	    c->config->pam_allowed_login_groups[0] == NULL)
		check_found(c, CHECK_LOGIN_NOBODY, "pam_allowed_login_groups",
		    "is empty");
}

/* May the daemon's user, the owner of `dir`, read a file with this status? */
static bool
daemon_may_read(const struct stat *st, const struct stat *dir)
{
	if (dir->st_uid == 0)
		return true;
	if (st->st_uid == dir->st_uid)
		return (st->st_mode & 0400) != 0;
	if (st->st_gid == dir->st_gid)
		return (st->st_mode & 0040) != 0;
	return (st->st_mode & 0004) != 0;
}

/* Of these keys not only the daemon has to know: the NSS module looks into the file in every
 * process, and sshd's helper is nobody. */
static bool
is_for_everybody(const struct check *c, const char *path)
{
	return streq(path, KU_PATH_UNIXD_CONFIG) &&
	    (c->config->n_map_group > 0 ||
		c->config->allow_local_account_override[0] != NULL);
}

static void
judge_file(struct check *c, const char *path, const struct stat *dir)
{
	struct stat st;

	if (!check_stat(c, path, &st))
		return;
	if (!daemon_may_read(&st, dir) ||
	    (is_for_everybody(c, path) && (st.st_mode & 0004) == 0))
		check_found(c, CHECK_CONFIG_UNREADABLE, path, "owner %u, mode %04o",
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	if (st.st_uid != c->admin || (st.st_mode & 022) != 0)
		check_found(c, CHECK_CONFIG_WRITABLE, path, "owner %u, mode %04o",
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
}

/* By a credential of the unit, say: then nobody but root has to read the file. */
static bool
has_token(const struct check *c)
{
	const char *identity = check_pair(c, "identity");

	return identity != NULL && strstr(identity, "(token)") != NULL;
}

static void
judge_secret(struct check *c, const char *path, const struct stat *dir,
    enum check_id open, bool group)
{
	struct stat st;

	if (path == NULL || check_is_remote(c, path))
		return;
	if (!check_stat(c, path, &st)) {
		if (errno == EACCES && !c->host->privileged)
			check_unseen(c, path, "needs root");
		return;
	}
	if ((st.st_mode & (group ? 0007 : 0077)) != 0)
		check_found(c, open, path, "has the mode %04o",
		    (unsigned)st.st_mode & 07777);
	else if (group && !daemon_may_read(&st, dir) && !has_token(c))
		check_found(c, CHECK_TOKEN_UNREADABLE, path,
		    "owner %u, group %u, mode %04o", (unsigned)st.st_uid,
		    (unsigned)st.st_gid, (unsigned)st.st_mode & 07777);
	else
		check_fine(c, path, "is readable by whoever needs it");
}

static void
judge_ca(struct check *c, const struct stat *dir)
{
	const char *path = c->config->ca_path;
	struct stat st;

	if (path == NULL)
		return;
	if (check_is_remote(c, path))
		check_unseen(c, path, "on a file server");
	else if (!check_stat(c, path, &st))
		check_found(c, CHECK_CA_MISSING, path, "%s", strerror(errno));
	else if (!daemon_may_read(&st, dir))
		check_found(c, CHECK_CA_MISSING, path, "owner %u, mode %04o",
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
}

static void
judge_directory(struct check *c, const char *path, const struct stat *dir)
{
	struct stat st;

	if (!check_lstat(c, path, &st))
		return;
	if (S_ISLNK(st.st_mode)) {
		check_found(c, CHECK_STATE_PRIVATE, path, "is a link");
		return;
	}
	if ((st.st_mode & 077) != 0 || st.st_uid != dir->st_uid)
		check_found(c, CHECK_STATE_MODE, path, "owner %u, mode %04o",
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	else
		check_fine(c, path, "is the daemon's alone");
}

void
check_modes(struct check *c)
{
	struct stat dir;

	if (!check_rundir(c, &dir))
		return; /* nobody knows who the daemon is */
	judge_file(c, KU_PATH_CLIENT_CONFIG, &dir);
	judge_file(c, KU_PATH_UNIXD_CONFIG, &dir);
	judge_ca(c, &dir);
	judge_secret(c, c->config->service_account_token_path, &dir, CHECK_TOKEN_OPEN,
	    true);
	judge_secret(c,
	    c->config->hsm_pin_path != NULL ? c->config->hsm_pin_path : KU_PATH_HSM_PIN,
	    &dir, CHECK_PIN_OPEN, false);
	judge_directory(c, KU_PATH_CACHEDIR, &dir);
	judge_directory(c, KU_PATH_STATEDIR, &dir);
}
