/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What stands around us: the file system of the homes, caches in front of the module,
 * confinement, and what the reference's package has left behind.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/cachers.h"
#include "tools/check_internal.h"

static void
judge_prefix(struct check *c, const char *prefix)
{
	struct stat st;

	/* First the list of mounts: a stat on a dead server does not return. */
	if (check_is_remote(c, prefix)) {
		check_found(c, CHECK_HOME_REMOTE, prefix,
		    "is on a file server or an automounter");
		return;
	}
	if (!check_stat(c, prefix, &st))
		check_found(c, CHECK_HOME_MISSING, prefix, "%s", strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		check_found(c, CHECK_HOME_MISSING, prefix, "is no directory");
	else if (check_is_read_only(c, prefix))
		check_found(c, CHECK_HOME_READ_ONLY, prefix, "is mounted read-only");
	else
		check_fine(c, prefix, "homes can be made here");
}

void
check_homes(struct check *c)
{
	struct stat st;

	judge_prefix(c, c->config->home_prefix);
	if (c->config->home_mount_prefix != NULL)
		judge_prefix(c, c->config->home_mount_prefix);
	if (c->config->home_strategy == HOME_STRATEGY_SYMLINK &&
	    c->config->home_alias != NAME_ATTR_NONE &&
	    c->config->home_alias != c->config->home_attr &&
	    (check_stat(c, "/var/lib/snapd/snaps", &st) ||
		check_stat(c, "/run/snapd.socket", &st)))
		check_found(c, CHECK_HOME_SNAP, c->config->home_prefix,
		    "snapd is here, and homes are reached through links");
}

static void
judge_cacher(struct check *c, const char *pid, const char *program)
{
	cleanup_(freep) char *maps = xasprintf("/proc/%s/maps", pid);
	cleanup_(freep) char *thing = xasprintf("%s", program);
	cleanup_(freep) char *text = NULL;
	const char *old;
	int rc = check_read(c, maps, &text);

	if (streq(program, "nsncd"))
		check_found(c, CHECK_NSNCD, thing, "runs as process %s", pid);
	else
		check_found(c, CHECK_NSCD, thing, "runs as process %s", pid);
	if (rc < 0) {
		check_unseen(c, maps, "needs root");
		return;
	}
	old = strstr(text, "libnss_kanidm.so.2 (deleted)");
	if (old == NULL)
		old = strstr(text, "libnss_kanidm.so.2.dpkg-new");
	if (old != NULL)
		check_found(c, CHECK_NSCD_OLD, thing,
		    "process %s has loaded a libnss_kanidm.so.2 that is gone", pid);
}

void
check_cachers(struct check *c)
{
	struct cacher v[8];
	size_t n = cachers_find(c->host->root, v, ARRAY_SIZE(v));

	for (size_t i = 0; i < n; i++)
		judge_cacher(c, v[i].pid, v[i].program);
	if (n == 0)
		check_fine(c, "nscd", "nothing caches in front of us");
}

#define ABSTRACTION "/etc/apparmor.d/abstractions/nameservice.d/kanidm"

void
check_confinement(struct check *c)
{
	cleanup_(freep) char *apparmor = NULL, *selinux = NULL;
	cleanup_(freep) char *pattern = check_path(c,
	    "/var/lib/selinux/*/active/modules/*/kanidm*");
	struct stat st;
	glob_t g;

	if (check_read(c, "/sys/module/apparmor/parameters/enabled", &apparmor) == 0 &&
	    apparmor[0] == 'Y' &&
	    check_stat(c, "/etc/apparmor.d/abstractions/nameservice", &st) &&
	    !check_stat(c, ABSTRACTION, &st))
		check_found(c, CHECK_APPARMOR, ABSTRACTION, "is not there");
	if (check_read(c, "/sys/fs/selinux/enforce", &selinux) < 0 || selinux[0] != '1')
		return;
	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
		globfree(&g);
	else if (!c->host->privileged)
		check_unseen(c, "SELinux modules", "needs root");
	else
		check_found(c, CHECK_SELINUX, "kanidm", "no such policy module");
}

void
check_leftovers(struct check *c)
{
	static const char *const files[] = { "/var/cache/kanidm-unixd/kanidm.cache.db",
		"/var/cache/private/kanidm-unixd/kanidm.cache.db" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (check_stat(c, files[i], &st))
			check_found(c, CHECK_REFERENCE_CACHE, files[i], "%lld bytes",
			    (long long)st.st_size);
		else if (errno == EACCES && !c->host->privileged)
			check_unseen(c, files[i], "needs root");
	}
}
