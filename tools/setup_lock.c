/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One setup at a time: what the second one plans on, the first is about to change. The file
 * that is locked has the number of who holds it, and goes away with it; whoever was killed
 * leaves a file that nobody holds, and that only root can open: to open is enough to lock.
 * What such a one has left half written goes when the next one has the lock: nobody else
 * makes these names.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

#define LOCK "/run/kanidm-unix-setup.lock"

/* Is the file that is locked still the one of that name? Whoever held it takes it away. */
static bool
is_the_one(int fd, const char *real)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && lstat(real, &b) == 0 && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev;
}

static void
say_who(const struct setup *s, int fd)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
	(void)fprintf(s->t->err,
	    "setup: another setup is running%s%s; nothing was changed\n",
	    *pid != '\0' ? ", process " : "", pid);
}

bool
setup_lock(struct setup *s)
{
	cleanup_(freep) char *real = check_path(&s->c, LOCK);
	char pid[16];

	for (;;) {
		cleanup_(fd_closep) int fd = open(real,
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0 ||
		    (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno != EWOULDBLOCK)) {
			(void)fprintf(s->t->err, "setup: " LOCK ": %s\n",
			    strerror(errno));
			return false;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			say_who(s, fd);
			return false;
		}
		if (!is_the_one(fd, real))
			continue;
		(void)snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
		/* Only for the words of another one. */
		if (ftruncate(fd, 0) == 0)
			(void)!pwrite(fd, pid, strlen(pid), 0);
		s->lock_fd = fd;
		fd = -1;
		return true;
	}
}

void
setup_unlock(struct setup *s)
{
	cleanup_(freep) char *real = check_path(&s->c, LOCK);

	if (s->lock_fd < 0)
		return;
	(void)unlink(real);
	fd_closep(&s->lock_fd);
}

/* A file or a link of ours, in a directory where only we can put one. */
static bool
is_leftover(const char *path)
{
	cleanup_(freep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	struct stat st, above;

	return lstat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) &&
	    st.st_uid == geteuid() && st.st_nlink == 1 && stat(dir, &above) == 0 &&
	    above.st_uid == geteuid() && (above.st_mode & 022) == 0;
}

static void
sweep_pattern(struct setup *s, const char *real)
{
	size_t skip = strlen(s->c.host->root);
	glob_t g;

	if (glob(real, GLOB_NOSORT, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (is_leftover(g.gl_pathv[i]) && unlink(g.gl_pathv[i]) == 0)
			(void)fprintf(s->t->out,
			    "done: removed %s, which a setup that was ended has left\n",
			    g.gl_pathv[i] + skip);
	}
	globfree(&g);
}

void
setup_sweep(struct setup *s)
{
	static const char *const written[] = { KU_PATH_CLIENT_CONFIG,
		KU_PATH_UNIXD_CONFIG, SETUP_CA, "/etc/nsswitch.conf", SETUP_SSHD_CONF,
		SETUP_TRIAL };
	cleanup_(freep) char *trial = check_path(&s->c, SETUP_TRIAL);
	static const char *const put_back[] = { "/etc/nsswitch.conf", "/etc/pam.d/*",
		"/etc/authselect/*", "/var/lib/pam/*" };

	sweep_pattern(s, trial);
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		cleanup_(freep) char *at = check_path(&s->c, written[i]);
		cleanup_(freep) char *behind = realpath(at, NULL);
		cleanup_(freep) char *pattern = xasprintf("%s" SETUP_TMP_GLOB,
		    behind != NULL ? behind : at);

		sweep_pattern(s, pattern);
	}
	for (size_t i = 0; i < ARRAY_SIZE(put_back); i++) {
		cleanup_(freep) char *at = check_path(&s->c, put_back[i]);
		cleanup_(freep) char *pattern = xasprintf("%s" SETUP_BACK_TMP, at);

		sweep_pattern(s, pattern);
	}
}
