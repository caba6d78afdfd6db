/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A home is built under a name of its own, in a directory that is root's and closed, and
 * handed over as the last thing before it gets its real name. So there is no moment in
 * which root works inside something that another can change, and a run that is interrupted
 * leaves nothing but a ".kanidm-" directory, which the next start takes away.
 */
#include "tasks/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "tasks/at.h"
#include "tasks/tree.h"

#define HOME_MODE 0750 /* the reference's: 0777 without umask 0027 */
#define TRIES     8

int
home_temp_name(char out[HOME_TEMP_LEN + 1])
{
	uint8_t r[8];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return -EIO;
	(void)snprintf(out, HOME_TEMP_LEN + 1, HOME_TEMP_PREFIX "%08x%08x", le32_get(r),
	    le32_get(r + 4));
	return 0;
}

bool
home_is_temp_name(const char *name)
{
	size_t prefix = sizeof(HOME_TEMP_PREFIX) - 1;

	return strlen(name) == HOME_TEMP_LEN &&
	    strncmp(name, HOME_TEMP_PREFIX, prefix) == 0 &&
	    strspn(name + prefix, "0123456789abcdef") == HOME_TEMP_LEN - prefix;
}

int
home_check(const struct prefix *p, const struct home *h, struct why *why)
{
	cleanup_(fd_closep) int fd = at_open(p->fd, h->name, O_PATH | O_DIRECTORY, 0);
	struct stat st;

	if (fd == -ENOENT)
		return why_set(why, fd, "%s/%s is not there", p->path, h->name);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return why_set(why, -EEXIST, "%s/%s is in the way: not a directory",
		    p->path, h->name);
	if (fd < 0)
		return why_set(why, fd, "%s/%s: %s", p->path, h->name, strerror(-fd));
	if (fstat(fd, &st) < 0)
		return why_set(why, -errno, "%s/%s: %s", p->path, h->name,
		    strerror(errno));
	if (st.st_uid != h->uid)
		return why_set(why, -EEXIST,
		    "%s/%s belongs to uid %u, not to uid %u; it is left as it is",
		    p->path, h->name, st.st_uid, h->uid);
	return HOME_THERE;
}

/* Root's, 0700, and locked: home_clean() of another process leaves it alone. */
static int
make_temp(const struct prefix *p, char temp[HOME_TEMP_LEN + 1], struct why *why)
{
	for (unsigned i = 0; i < TRIES; i++) {
		struct stat st;
		int fd, rc = home_temp_name(temp);

		if (rc < 0)
			return why_set(why, rc, "no random numbers");
		if (mkdirat(p->fd, temp, S_IRWXU) < 0) {
			if (errno == EEXIST)
				continue;
			return why_set(why, -errno, "%s: cannot make a directory: %s",
			    p->path, strerror(errno));
		}
		fd = at_open(p->fd, temp, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0)
			(void)unlinkat(p->fd, temp, AT_REMOVEDIR);
		if (fd < 0)
			return why_set(why, fd, "%s/%s: %s", p->path, temp,
			    strerror(-fd));
		if (fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
		    (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK))
			return fd;
		(void)close(fd);
	}
	return why_set(why, -EAGAIN, "%s: cannot make a directory of root's", p->path);
}

static int
build(const struct prefix *p, const char *temp, int fd, const struct home *h,
    struct why *why)
{
	struct tree_owner owner = { .set = true, .uid = h->uid, .gid = h->gid };
	int rc = 0;

	if (h->skel != NULL)
		rc = tree_copy(h->skel, fd, &owner, h->label, h->shown, why);
	if (rc < 0)
		return rc;
	if (fchmod(fd, HOME_MODE) < 0 || fchown(fd, h->uid, h->gid) < 0)
		return why_set(why, -errno, "%s/%s: cannot be handed over: %s", p->path,
		    temp, strerror(errno));
	return 0;
}

/* Never over something that is there. */
static int
give_name(const struct prefix *p, const char *temp, const char *name)
{
	struct stat st;

	if (renameat2(p->fd, temp, p->fd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* This file system cannot. Only root makes anything here, and the worst a plain
	 * rename of a directory replaces is an empty directory. */
	if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	if (errno != ENOENT)
		return -errno;
	return renameat(p->fd, temp, p->fd, name) < 0 ? -errno : 0;
}

static int
make_new(const struct prefix *p, const struct home *h, struct why *why)
{
	char temp[HOME_TEMP_LEN + 1];
	cleanup_(fd_closep) int fd = -1;
	struct why left;
	int rc = label_next(h->label, h->shown, S_IFDIR, why);

	if (rc < 0)
		return rc;
	fd = make_temp(p, temp, why);
	label_done(h->label);
	if (fd < 0)
		return fd;
	rc = build(p, temp, fd, h, why);
	if (rc == 0) {
		rc = give_name(p, temp, h->name);
		if (rc == 0)
			return HOME_MADE;
		(void)why_set(why, rc, "%s/%s: %s", p->path, h->name, strerror(-rc));
	}
	if (tree_remove(p->fd, temp, &left) < 0)
		log_warn("home: an unfinished one stays path=%s/%s: %s", p->path, temp,
		    left.text);
	return rc;
}

int
home_make(const struct prefix *p, const struct home *h, struct why *why)
{
	int rc = home_check(p, h, why);

	if (rc != -ENOENT)
		return rc;
	rc = make_new(p, h, why);
	/* Somebody else was quicker: the same question as at the beginning. */
	return rc == -EEXIST ? home_check(p, h, why) : rc;
}
