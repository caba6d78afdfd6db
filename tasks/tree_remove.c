/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Removing what an interrupted run left behind. Without CAP_DAC_OVERRIDE root cannot enter
 * a directory that it has handed over, so it takes ownership back first. That also freezes
 * it: a process of the former owner that still holds it open can no longer move anything
 * into or out of it, so every name that is removed is in the tree it was found in.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "tasks/at.h"
#include "tasks/tree.h"

static int remove_dir(int dir, const char *name, dev_t dev, unsigned depth,
    struct why *why);

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static int
failed(const char *name, const char *what, struct why *why)
{
	return why_set(why, -errno, "%s: %s: %s", name, what, strerror(errno));
}

static int
remove_entry(int dir, const char *name, dev_t dev, unsigned depth, struct why *why)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(name, "stat", why);
	if (S_ISDIR(st.st_mode))
		return remove_dir(dir, name, dev, depth + 1, why);
	return unlinkat(dir, name, 0) < 0 ? failed(name, "remove", why) : 0;
}

static int
empty_dir(int fd, dev_t dev, unsigned depth, struct why *why)
{
	cleanup_(closedirp) DIR *d = fdopendir(fd);
	const struct dirent *e;
	int rc = 0;

	if (d == NULL) {
		(void)close(fd);
		return failed(".", "open", why);
	}
	errno = 0;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			rc = remove_entry(fd, e->d_name, dev, depth, why);
		errno = 0;
	}
	return rc == 0 && errno != 0 ? failed(".", "read", why) : rc;
}

/* Root's, 0700, and open for reading. `dir` is root's, so the name stays what it is. */
static int
take_back(int dir, const char *name, dev_t dev, struct why *why)
{
	cleanup_(fd_closep) int path = at_open(dir, name, O_PATH | O_DIRECTORY, 0);
	struct stat st;
	int fd;

	if (path < 0)
		return why_set(why, path, "%s: %s", name, strerror(-path));
	if (fstat(path, &st) < 0)
		return failed(name, "stat", why);
	if (st.st_dev != dev)
		return why_set(why, -EXDEV, "%s: something is mounted there", name);
	/* On NFS it may be the person who cleans up, without a right to chown. */
	if (st.st_uid != (uid_t)setfsuid((uid_t)-1) &&
	    fchownat(path, "", 0, 0, AT_EMPTY_PATH) < 0)
		return failed(name, "owner", why);
	if (fchmodat(dir, name, S_IRWXU, 0) < 0)
		return failed(name, "mode", why);
	fd = openat(path, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? failed(name, "open", why) : fd;
}

static int
remove_dir(int dir, const char *name, dev_t dev, unsigned depth, struct why *why)
{
	int fd, rc;

	if (depth > TREE_MAX_DEPTH)
		return why_set(why, -ELOOP, "%s: too deep", name);
	fd = take_back(dir, name, dev, why);
	if (fd < 0)
		return fd;
	rc = empty_dir(fd, dev, depth, why);
	if (rc < 0)
		return rc;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 ? failed(name, "remove", why) : 0;
}

int
tree_remove(int dir, const char *name, struct why *why)
{
	struct stat st;

	if (fstat(dir, &st) < 0)
		return failed(name, "stat", why);
	return remove_dir(dir, name, st.st_dev, 0, why);
}
