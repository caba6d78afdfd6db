/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What stands around us: the file system of the homes, caches in front of the module,
 * confinement, and what the reference's package has left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
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

/* The program of a process, by its file where we may see it, else by its name. */
static bool
program_of(const struct check *c, const char *pid, char *buf, size_t cap)
{
	cleanup_(freep) char *exe = xasprintf("%s/proc/%s/exe", c->host->root, pid);
	cleanup_(freep) char *comm = xasprintf("/proc/%s/comm", pid);
	cleanup_(freep) char *text = NULL;
	char target[1024];
	ssize_t n = readlink(exe, target, sizeof(target) - 1);
	const char *slash;

	if (n > 0) {
		target[n] = '\0';
		slash = strrchr(target, '/');
		(void)snprintf(buf, cap, "%s", slash != NULL ? slash + 1 : target);
		buf[strcspn(buf, " ")] = '\0'; /* " (deleted)" */
		return true;
	}
	if (check_read(c, comm, &text) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	(void)snprintf(buf, cap, "%s", text);
	return true;
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
	cleanup_(freep) char *proc = check_path(c, "/proc");
	DIR *dir = opendir(proc);
	const struct dirent *e;
	bool any = false;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		char program[64];

		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    !program_of(c, e->d_name, program, sizeof(program)))
			continue;
		if (streq(program, "nscd") || streq(program, "nsncd")) {
			judge_cacher(c, e->d_name, program);
			any = true;
		}
	}
	(void)closedir(dir);
	if (!any)
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
