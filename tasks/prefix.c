/* SPDX-License-Identifier: MPL-2.0 */
/*
 * All that root does for a home starts at a descriptor of this directory, so it is worth a
 * walk: every directory from the root on must be root's and closed to others, or sticky.
 * Links on the way (/home -> /srv/home) are resolved first; the walk over the result would
 * notice if one of them led through a directory that somebody else can write to.
 *
 * It is opened for each request: a file system mounted over it meanwhile is the one that
 * counts, and nothing is saved by keeping the descriptor.
 */
#include "tasks/prefix.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"

void
prefix_close(struct prefix *p)
{
	fd_closep(&p->fd);
	free(p->path);
	free(p->real);
	*p = (struct prefix){ .fd = -1 };
}

static char *
without_slash(const char *path)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	return xstrndup(path, len);
}

/* `last`: homes are made in this one, so sticky is not enough. */
static int
judge(int fd, const char *path, bool last, struct why *why)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0)
		return why_set(why, -EPERM,
		    "%s: a directory on the way to the homes does not belong to root",
		    path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (last || (st.st_mode & S_ISVTX) == 0))
		return why_set(why, -EPERM,
		    "%s: others than root may write to a directory on the way to the "
		    "homes",
		    path);
	return 0;
}

/* From "/" to `real`, one component at a time. The descriptor, or -errno. */
static int
walk(const char *real, struct why *why)
{
	cleanup_(freep) char *copy = xstrdup(real);
	cleanup_(fd_closep) int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *save = NULL, *name;
	int rc;

	if (fd < 0)
		return why_set(why, -errno, "/: %s", strerror(errno));
	name = strtok_r(copy, "/", &save);
	while (name != NULL) {
		char *next = strtok_r(NULL, "/", &save);
		int below;

		rc = judge(fd, real, false, why);
		if (rc < 0)
			return rc;
		below = at_open(fd, name, O_PATH | O_DIRECTORY, 0);
		if (below < 0)
			return why_set(why, below, "%s: %s", real, strerror(-below));
		(void)close(fd);
		fd = below;
		name = next;
	}
	rc = judge(fd, real, true, why);
	if (rc < 0)
		return rc;
	rc = fd;
	fd = -1;
	return rc;
}

static bool
is_nfs(const struct statfs *sf)
{
	return (unsigned long)sf->f_type == NFS_SUPER_MAGIC;
}

bool
prefix_path_is_nfs(const char *path)
{
	struct statfs sf;

	return statfs(path, &sf) == 0 && is_nfs(&sf);
}

int
prefix_open(const char *path, struct prefix *ret_p, struct why *why)
{
	struct statfs sf;

	*ret_p = (struct prefix){ .fd = -1, .path = without_slash(path) };
	ret_p->real = realpath(path, NULL);
	if (ret_p->real == NULL)
		return why_set(why, -errno, "%s: %s", path, strerror(errno));
	ret_p->fd = walk(ret_p->real, why);
	if (ret_p->fd < 0)
		return ret_p->fd;
	ret_p->is_nfs = fstatfs(ret_p->fd, &sf) == 0 && is_nfs(&sf);
	return 0;
}
