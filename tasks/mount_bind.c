/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The alias as a mount of the home, for programs that refuse links. Both ends are
 * descriptors below prefixes that only root can change (open_tree, move_mount), so nothing
 * is resolved between the look and the mount.
 *
 * Whether the right thing is mounted already is asked of the thing itself: same device and
 * inode as the home. Only what must be unmounted is looked up in mountinfo, and it is ours
 * when the root of that mount ends in the name of a home. umount2() without flags refuses
 * what is busy, and then it stays: a person is working in it.
 */
#include "tasks/mount_bind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"
#include "tasks/mountinfo.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define TEXT_MAX  2048

/* One mount that stands at `point`, and whether it is a home of ours. */
struct found {
	const char *point;
	const char *home; /* or of this home, anywhere in `where` */
	const char *where;
	const struct alias *alias;
	bool mounted;
	bool ours;
	char *old[8]; /* other mounts of the home */
	unsigned n_old;
};

static const char *
last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* "WHERE/name" */
static bool
is_in(const char *path, const char *where)
{
	size_t len = strlen(where);

	return strncmp(path, where, len) == 0 && path[len] == '/' &&
	    path[len + 1] != '\0' && strchr(path + len + 1, '/') == NULL;
}

static bool
look(void *arg, const struct mountinfo_entry *e)
{
	struct found *f = arg;
	const char *root = last_of(e->root);

	if (streq(e->point, f->point)) {
		/* The last one that is listed is on top. */
		f->mounted = true;
		f->ours = alias_home_is_ours(f->alias, root);
	} else if (streq(root, f->home) && is_in(e->point, f->where) &&
	    !streq(last_of(e->point), f->home) && f->n_old < ARRAY_SIZE(f->old)) {
		f->old[f->n_old++] = xstrdup(e->point);
	}
	return true;
}

static void
found_clear(struct found *f)
{
	for (unsigned i = 0; i < f->n_old; i++)
		free(f->old[i]);
	f->n_old = 0;
}

/* Whether what stands there is the home: 1, 0 (another directory), or -errno. */
static int
is_same(int at, int home)
{
	struct stat a, b;

	if (fstat(at, &a) < 0 || fstat(home, &b) < 0)
		return -errno;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The same name may be found elsewhere; only the very same directory is the home. */
static bool
shows_home(const struct prefix *where, const char *path, int home)
{
	cleanup_(fd_closep) int fd = at_open(where->fd, last_of(path),
	    O_PATH | O_DIRECTORY, 0);

	return fd >= 0 && is_same(fd, home) == 1;
}

static void
remove_old(const struct prefix *where, const struct found *f, int home)
{
	for (unsigned i = 0; i < f->n_old; i++) {
		const char *path = f->old[i];

		if (!shows_home(where, path, home))
			continue;
		if (umount2(path, UMOUNT_NOFOLLOW) < 0) {
			log_info("mount: old alias stays path=%s: %s", path,
			    strerror(errno));
			continue;
		}
		(void)unlinkat(where->fd, last_of(path), AT_REMOVEDIR);
		log_info("mount: removed the old alias path=%s", path);
	}
}

/* A place to mount on: a directory of root's, made when there is none. */
static int
open_place(const struct prefix *where, const struct prefix *homes, const struct alias *a,
    struct why *why)
{
	char target[TEXT_MAX];
	struct stat st;
	ssize_t n;
	int fd;

	if (fstatat(where->fd, a->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode)) {
		n = readlinkat(where->fd, a->name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		if (st.st_uid != 0 || !alias_target_is_ours(homes, a, target))
			return why_set(why, -EEXIST,
			    "%s/%s is in the way (a link that is not ours) and was left "
			    "as it is",
			    where->path, a->name);
		if (unlinkat(where->fd, a->name, 0) < 0)
			return why_set(why, -errno, "%s/%s: %s", where->path, a->name,
			    strerror(errno));
	}
	if (mkdirat(where->fd, a->name, 0755) < 0 && errno != EEXIST)
		return why_set(why, -errno, "%s/%s: cannot be made: %s", where->path,
		    a->name, strerror(errno));
	fd = at_open(where->fd, a->name, O_PATH | O_DIRECTORY, 0);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return why_set(why, -EEXIST,
		    "%s/%s is in the way (not a directory) and was left as it is",
		    where->path, a->name);
	if (fd < 0)
		return why_set(why, fd, "%s/%s: %s", where->path, a->name, strerror(-fd));
	return fd;
}

/* Only an empty directory of root's is covered: whatever else is there is somebody's. */
static int
judge_place(const struct prefix *where, const struct alias *a, int place, struct why *why)
{
	cleanup_(
	    fd_closep) int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char entries[1024];
	struct stat st;
	ssize_t n, used = 0;
	bool empty = true;

	if (fd < 0 || fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s/%s: %s", where->path, a->name,
		    strerror(errno));
	n = getdents64(fd, entries, sizeof(entries));
	while (used < n) {
		const struct dirent64 *e = (const void *)(entries + used);

		if (!streq(e->d_name, ".") && !streq(e->d_name, ".."))
			empty = false;
		used += e->d_reclen;
	}
	if (n < 0 || !empty || st.st_uid != 0)
		return why_set(why, -EEXIST,
		    "%s/%s is in the way (a directory of uid %u) and was left as it is",
		    where->path, a->name, st.st_uid);
	return 0;
}

static int
attach(const struct prefix *where, const struct alias *a, int home, int place,
    struct why *why)
{
	cleanup_(fd_closep) int tree = open_tree(home, "",
	    AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 ||
	    move_mount(tree, "", place, "",
		MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return why_set(why, -errno, "%s/%s: cannot be mounted: %s", where->path,
		    a->name, strerror(errno));
	return MOUNT_MADE;
}

/* Takes a stale mount of ours away. 0 when the place is free now. */
static int
free_place(const struct prefix *where, const struct alias *a, const struct found *f,
    struct why *why)
{
	if (!f->mounted)
		return 0;
	if (!f->ours)
		return why_set(why, -EEXIST,
		    "%s/%s is in the way (a mount that is not ours) and was left as it "
		    "is",
		    where->path, a->name);
	if (umount2(f->point, UMOUNT_NOFOLLOW) < 0)
		return why_set(why, -errno,
		    "%s/%s shows another home, which is in use: %s", where->path, a->name,
		    strerror(errno));
	return 0;
}

static int
open_home(const struct prefix *homes, const struct alias *a, struct why *why)
{
	cleanup_(
	    fd_closep) int home = at_open(homes->fd, a->home, O_PATH | O_DIRECTORY, 0);
	struct stat st;
	int fd;

	if (home < 0)
		return why_set(why, home, "%s/%s: %s", homes->path, a->home,
		    strerror(-home));
	if (fstat(home, &st) < 0 || st.st_uid != a->uid)
		return why_set(why, -EEXIST, "%s/%s does not belong to uid %u",
		    homes->path, a->home, a->uid);
	fd = home;
	home = -1;
	return fd;
}

int
mount_bind(const struct prefix *where, const struct prefix *homes, const struct alias *a,
    struct why *why)
{
	cleanup_(freep) char *point = xasprintf("%s/%s", where->real, a->name);
	cleanup_(fd_closep) int home = open_home(homes, a, why);
	cleanup_(fd_closep) int place = -1;
	cleanup_(found_clear) struct found f = { .point = point,
		.home = a->home,
		.where = where->real,
		.alias = a };
	int rc;

	if (home < 0)
		return home;
	place = open_place(where, homes, a, why);
	if (place < 0)
		return place;
	if (is_same(place, home) == 1)
		return MOUNT_THERE;
	(void)close(place); /* an open descriptor would make the mount busy */
	place = -1;
	rc = mountinfo_each(MOUNTINFO, look, &f);
	if (rc < 0)
		return why_set(why, rc, MOUNTINFO ": %s", strerror(-rc));
	rc = free_place(where, a, &f, why);
	if (rc < 0)
		return rc;
	place = open_place(where, homes, a, why);
	if (place < 0)
		return place;
	rc = judge_place(where, a, place, why);
	if (rc < 0)
		return rc;
	remove_old(where, &f, home);
	return attach(where, a, home, place, why);
}
