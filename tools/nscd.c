/* SPDX-License-Identifier: MPL-2.0 */
/*
 * nscd stands between programs and the module and answers by itself until its time is up.
 * Who drops the daemon's cache wants the next answer to be new, so nscd is told, by its own
 * command: that one waits until it has happened. nsncd keeps nothing.
 */
#include "tools/nscd.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/cachers.h"
#include "tools/check_host.h"

static bool
listens(const char *root)
{
	static const char *const sockets[] = { "/run/nscd/socket",
		"/var/run/nscd/socket" };

	for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
		cleanup_(freep) char *path = xasprintf("%s%s", root, sockets[i]);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
			return true;
	}
	return false;
}

/* Where distributions put it. Never the file of the process that was found: everybody may
 * start a program that has this name, and we are root. */
static const char *
command(const char *root)
{
	static const char *const usual[] = { "/usr/sbin/nscd", "/sbin/nscd",
		"/usr/bin/nscd", "/run/current-system/sw/bin/nscd" };

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		cleanup_(freep) char *path = xasprintf("%s%s", root, usual[i]);

		if (access(path, X_OK) == 0)
			return usual[i];
	}
	return usual[0];
}

static bool
forget(const struct tool *t, const char *cmd, const char *program, const char *table,
    int (*run)(const char *const argv[], char *buf, size_t cap))
{
	const char *const argv[] = { program, "-i", table, NULL };
	char said[256];
	int rc;

	said[0] = '\0';
	rc = run(argv, said, sizeof(said));
	if (rc == 0)
		return true;
	said[strcspn(said, "\n")] = '\0';
	(void)fprintf(t->err, "%s: nscd still answers from its own cache: %s -i %s: %s\n",
	    cmd, program, table,
	    rc < 0 ? strerror(-rc) : (said[0] != '\0' ? said : "it failed"));
	return false;
}

void
nscd_forget_on(const struct tool *t, const char *cmd, const char *root,
    int (*run)(const char *const argv[], char *buf, size_t cap))
{
	struct cacher v[8];
	size_t n = listens(root) ? cachers_find(root, v, ARRAY_SIZE(v)) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *program = command(root);

		if (!streq(v[i].program, "nscd"))
			continue;
		if (forget(t, cmd, program, "passwd", run) &&
		    forget(t, cmd, program, "group", run))
			(void)fprintf(t->err,
			    "%s: nscd has forgotten people and groups, too\n", cmd);
		return;
	}
}

void
nscd_forget(const struct tool *t, const char *cmd)
{
	nscd_forget_on(t, cmd, "", check_run_program);
}
