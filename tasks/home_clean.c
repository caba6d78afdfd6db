/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What interrupted runs left behind, told by name: only root can make an entry in the
 * prefix, so a ".kanidm-" one was ours. A run that is still at work holds a lock on its
 * directory; only between handing it over and renaming it, a matter of microseconds, can
 * the lock not be asked for, and there the age of the change of owner tells.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "tasks/at.h"
#include "tasks/home.h"
#include "tasks/tree.h"

#define HANDOVER_S 2

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static bool
is_fresh(const struct stat *st)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    now.tv_sec - st->st_ctim.tv_sec < HANDOVER_S &&
	    st->st_ctim.tv_sec <= now.tv_sec;
}

/* True when nobody is at work on it; *ret_lock keeps it so. */
static bool
is_left_behind(int dir, const char *name, const struct stat *st, int *ret_lock)
{
	struct stat again;

	if (!S_ISDIR(st->st_mode))
		return true;
	if (st->st_uid == 0) {
		*ret_lock = at_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
		return *ret_lock >= 0 &&
		    (flock(*ret_lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK);
	}
	if (is_fresh(st))
		(void)poll(NULL, 0, HANDOVER_S * 1000);
	return fstatat(dir, name, &again, AT_SYMLINK_NOFOLLOW) == 0 &&
	    again.st_ino == st->st_ino && again.st_uid == st->st_uid;
}

static bool
clean_one(const struct prefix *p, const char *name)
{
	cleanup_(fd_closep) int lock = -1;
	struct why why;
	struct stat st;
	int rc;

	if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !is_left_behind(p->fd, name, &st, &lock))
		return false;
	if (S_ISDIR(st.st_mode))
		rc = tree_remove(p->fd, name, &why);
	else if (S_ISLNK(st.st_mode) && st.st_uid == 0)
		rc = unlinkat(p->fd, name, 0) < 0
		    ? why_set(&why, -errno, "%s: %s", name, strerror(errno))
		    : 0;
	else
		return false;
	if (rc < 0) {
		log_warn("home: what an interrupted run left stays path=%s/%s: %s",
		    p->path, name, why.text);
		return false;
	}
	log_info("home: removed what an interrupted run left path=%s/%s", p->path, name);
	return true;
}

unsigned
home_clean(const struct prefix *p)
{
	int fd = openat(p->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	unsigned n = 0;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	while ((e = readdir(d)) != NULL) {
		if (home_is_temp_name(e->d_name) && clean_one(p, e->d_name))
			n++;
	}
	return n;
}
