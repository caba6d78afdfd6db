/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A copy of /etc/skel. What it is copied into is a directory of root's that only root can
 * enter, so each file may be handed over as soon as it is written: its owner cannot get at
 * it. Source and destination are walked by descriptor and one name at a time all the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"
#include "tasks/tree.h"

#define BUFFER (64u * 1024u)
#define MODES  (S_IRWXU | S_IRWXG | S_IRWXO)

struct copy {
	const struct tree_owner *owner;
	struct label *label;
	struct why *why;
	char *path; /* as shown, PATH_MAX */
	uint8_t *buffer;
	unsigned entries;
	uint64_t bytes;
};

static int copy_dir(struct copy *c, int from, int to, unsigned depth);

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

static int
failed(struct copy *c, const char *what, int err)
{
	return why_set(c->why, err, "%s: %s: %s", c->path, what, strerror(-err));
}

/* A source that cannot be read is one line; the rest of the home is still worth having. */
static int
left_out(const struct copy *c, const char *why)
{
	log_warn("skel: left out path=%s: %s", c->path, why);
	return 0;
}

/* What only this one file lacks; a shortage of ours must not thin out somebody's home. */
static int
cannot_read(struct copy *c, int err)
{
	if (err == -EACCES || err == -EPERM || err == -ENOENT || err == -ELOOP)
		return left_out(c, strerror(-err));
	return failed(c, "open", err);
}

static int
hand_over(struct copy *c, int fd, mode_t mode)
{
	if (fchmod(fd, mode & MODES) < 0)
		return failed(c, "mode", -errno);
	if (c->owner->set && fchown(fd, c->owner->uid, c->owner->gid) < 0)
		return failed(c, "owner", -errno);
	return 0;
}

static int
copy_bytes(struct copy *c, int from, int to)
{
	for (;;) {
		ssize_t n = read(from, c->buffer, BUFFER);
		int rc;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return failed(c, "read", -errno);
		if (n == 0)
			return 0;
		c->bytes += (uint64_t)n;
		if (c->bytes > TREE_MAX_BYTES)
			return why_set(c->why, -EFBIG,
			    "%s: the skeleton is larger than %u MiB", c->path,
			    TREE_MAX_BYTES >> 20);
		rc = fd_write_all(to, c->buffer, (size_t)n);
		if (rc < 0)
			return failed(c, "write", rc);
	}
}

static int
copy_file(struct copy *c, int from, int to, const char *name)
{
	cleanup_(fd_closep) int in = at_open(from, name, O_RDONLY | O_NONBLOCK, 0);
	cleanup_(fd_closep) int out = -1;
	struct stat st;
	int rc;

	if (in < 0)
		return cannot_read(c, in);
	if (fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return left_out(c, "it changed");
	out = at_open(to, name, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
	if (out < 0)
		return failed(c, "create", out);
	rc = copy_bytes(c, in, out);
	return rc < 0 ? rc : hand_over(c, out, st.st_mode);
}

static int
copy_link(struct copy *c, int from, int to, const char *name)
{
	char target[PATH_MAX / 2];
	ssize_t n = readlinkat(from, name, target, sizeof(target));

	if (n < 0)
		return left_out(c, strerror(errno));
	if ((size_t)n >= sizeof(target))
		return left_out(c, "the link is too long");
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return failed(c, "link", -errno);
	if (c->owner->set &&
	    fchownat(to, name, c->owner->uid, c->owner->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(c, "owner", -errno);
	return 0;
}

static int
copy_subdir(struct copy *c, int from, int to, const char *name, unsigned depth)
{
	cleanup_(fd_closep) int in = at_open(from, name, O_RDONLY | O_DIRECTORY, 0);
	cleanup_(fd_closep) int out = -1;
	struct stat st;
	int rc;

	if (in < 0)
		return cannot_read(c, in);
	if (fstat(in, &st) < 0)
		return left_out(c, strerror(errno));
	if (depth >= TREE_MAX_DEPTH)
		return why_set(c->why, -ELOOP, "%s: the skeleton is too deep", c->path);
	if (mkdirat(to, name, S_IRWXU) < 0)
		return failed(c, "create", -errno);
	out = at_open(to, name, O_RDONLY | O_DIRECTORY, 0);
	if (out < 0)
		return failed(c, "open", out);
	rc = copy_dir(c, in, out, depth + 1);
	return rc < 0 ? rc : hand_over(c, out, st.st_mode);
}

static int
copy_entry(struct copy *c, int from, int to, const char *name, unsigned depth)
{
	struct stat st;
	int rc;

	if (++c->entries > TREE_MAX_ENTRIES)
		return why_set(c->why, -EFBIG,
		    "%s: the skeleton has more than %u entries", c->path,
		    TREE_MAX_ENTRIES);
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return left_out(c, strerror(errno));
	rc = label_next(c->label, c->path, st.st_mode, c->why);
	if (rc < 0)
		return rc;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(c, from, to, name);
	case S_IFLNK:
		return copy_link(c, from, to, name);
	case S_IFDIR:
		return copy_subdir(c, from, to, name, depth);
	default:
		return left_out(c, "not a file, directory or link");
	}
}

static int
copy_dir(struct copy *c, int from, int to, unsigned depth)
{
	cleanup_(closedirp) DIR *d = NULL;
	size_t len = strlen(c->path);
	const struct dirent *e;
	int fd = fcntl(from, F_DUPFD_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return failed(c, "open", -errno);
	d = fdopendir(fd);
	if (d == NULL) {
		(void)close(fd);
		return failed(c, "open", -errno);
	}
	errno = 0;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		if (len + 1 + strlen(e->d_name) >= PATH_MAX) {
			rc = left_out(c, "a path in it is too long");
		} else {
			c->path[len] = '/';
			memcpy(c->path + len + 1, e->d_name, strlen(e->d_name) + 1);
			rc = copy_entry(c, from, to, e->d_name, depth);
		}
		c->path[len] = '\0';
		errno = 0;
	}
	if (rc == 0 && errno != 0)
		return failed(c, "read", -errno);
	return rc;
}

int
tree_copy(const char *source, int to, const struct tree_owner *owner, struct label *label,
    const char *shown, struct why *why)
{
	cleanup_(freep) char *path = xmalloc(PATH_MAX);
	cleanup_(freep) uint8_t *buffer = xmalloc(BUFFER);
	/* The skeleton itself may be a link of the administrator's. */
	cleanup_(fd_closep) int from = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copy c = { .owner = owner,
		.label = label,
		.why = why,
		.path = path,
		.buffer = buffer };
	int rc;

	(void)snprintf(path, PATH_MAX, "%s", shown);
	if (from < 0 && errno == ENOENT)
		return 0;
	if (from < 0)
		return why_set(why, -errno, "%s: %s", source, strerror(errno));
	rc = copy_dir(&c, from, to, 0);
	label_done(label);
	return rc;
}
