/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Finds the HSM pin, or makes it once. Made in a file without a name that is synced and then
 * linked, which replaces nothing: a crash leaves either no pin or a whole one, and two
 * daemons that start at once agree on the first. Before anything is sealed with it, file and
 * directory are synced, whoever made them: else a database that the disk has may belong to
 * a pin that it has not.
 */
#include "src/unixd/hsm/pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"

/* 0 with the descriptor of a file that is long enough to be a pin; -errno. */
static int
pin_open(const char *path, int *ret_fd)
{
	int cleanup_(fd_closep)
	    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < PIN_MIN_LEN || st.st_size > PIN_MAX_LEN)
		return -EBADMSG;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int
pin_check(const char *path)
{
	int cleanup_(fd_closep) fd = -1;
	int r = pin_open(path, &fd);
	char byte;

	if (r < 0)
		return r;
	return pread(fd, &byte, 1, 0) == 1 ? 0 : -EIO;
}

static int
pin_fill(int fd)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[PIN_HEX_LEN / 2];
	char hex[PIN_HEX_LEN];
	ssize_t n;
	size_t i;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (i = 0; i < sizeof(raw); i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	n = write(fd, hex, sizeof(hex));
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(hex, sizeof(hex));
	if (n != (ssize_t)sizeof(hex))
		return n < 0 ? -errno : -ENOSPC;
	return fsync(fd) == 0 ? 0 : -errno;
}

/* 0; -EEXIST when another one made it first; -EOPNOTSUPP: not here, but perhaps the other
 * way; -errno. */
static int
pin_create_nameless(int dir, const char *name)
{
	int cleanup_(fd_closep)
	    fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
	char self[32];
	int rc;

	if (fd < 0)
		return -EOPNOTSUPP;
	rc = pin_fill(fd);
	if (rc < 0)
		return rc;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, self, dir, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	return errno == EEXIST ? -EEXIST : -EOPNOTSUPP;
}

/* The same under a temporary name, which a crash may leave behind. */
static int
pin_create_renamed(const char *path)
{
	char tmp[PIN_MAX_PATH + 16];
	int rc;

	(void)snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	{
		/* mkostemp makes the file 0600 */
		int cleanup_(fd_closep) fd = mkostemp(tmp, O_CLOEXEC);

		if (fd < 0)
			return -errno;
		rc = pin_fill(fd);
	}
	if (rc == 0 && renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) != 0)
		rc = -errno;
	if (rc == 0)
		return 0;
	/* A file system without RENAME_NOREPLACE: link(2) does not replace either. */
	if (rc == -EINVAL && link(tmp, path) == 0)
		rc = 0;
	(void)unlink(tmp);
	return rc;
}

static int
pin_open_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	char dir[PIN_MAX_PATH + 1] = ".";

	if (len >= sizeof(dir))
		return -1;
	if (len > 0) {
		memcpy(dir, path, len);
		dir[len] = '\0';
	}
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* 0; -EEXIST when another one made it first; -errno. */
static int
pin_create(const char *path)
{
	const char *slash = strrchr(path, '/');
	int cleanup_(fd_closep) fd = -1;
	int rc;

	if (strlen(path) > PIN_MAX_PATH)
		return -ENAMETOOLONG;
	fd = pin_open_dir(path);
	rc = fd < 0 ? -EOPNOTSUPP
		    : pin_create_nameless(fd, slash == NULL ? path : slash + 1);
	return rc == -EOPNOTSUPP ? pin_create_renamed(path) : rc;
}

static bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void printf_(3, 4)
    pin_say(struct pin *p, enum pin_state state, const char *fmt, ...)
{
	va_list ap;

	p->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
}

void
pin_prepare(const char *configured, const char *path, const char *alt,
    struct pin *ret_pin)
{
	struct pin *p = ret_pin;
	int rc;

	if (configured != NULL)
		path = configured;
	else if (!exists(path) && exists(alt))
		path = alt;
	(void)snprintf(p->path, sizeof(p->path), "%s", path);

	rc = exists(path) ? -EEXIST : pin_create(path);
	if (rc == 0) {
		pin_say(p, PIN_CREATED, "%s (new)", path);
		return;
	}
	if (rc != -EEXIST) {
		pin_say(p, PIN_NO_PLACE,
		    "offline login off: no place for the HSM pin, set hsm_pin_path (%s: %s)",
		    path, strerror(-rc));
		return;
	}
	rc = pin_check(path);
	if (rc == 0)
		pin_say(p, PIN_READY, "%s", path);
	else
		pin_say(p, PIN_UNREADABLE, "offline login off: %s: %s", path,
		    pin_why(rc));
}

const char *
pin_why(int rc)
{
	_Static_assert(PIN_MIN_LEN == 24 && PIN_MAX_LEN == 4096, "as the words say");
	return rc == -EBADMSG ? "not a pin (24 to 4096 bytes in a file)" : strerror(-rc);
}

int
pin_read(const struct pin *pin, struct secret **ret_secret)
{
	struct secret *s cleanup_(secret_freep) = secret_new(PIN_MAX_LEN + 1);
	int cleanup_(fd_closep) fd = -1;
	int r;

	if (s == NULL)
		return -ENOMEM;
	r = pin_open(pin->path, &fd);
	if (r == 0)
		r = fd_read_full(fd, s->data, s->cap, &s->len);
	if (r < 0)
		return r;
	/* The file may have changed since its size was looked at. */
	if (s->len < PIN_MIN_LEN || s->len > PIN_MAX_LEN)
		return -EBADMSG;
	if (s->data[s->len - 1] == '\n')
		s->data[--s->len] = 0;
	*ret_secret = TAKE_PTR(s);
	return 0;
}

void
pin_settle(const struct pin *pin)
{
	int cleanup_(fd_closep) fd = -1;
	int cleanup_(fd_closep) dir = pin_open_dir(pin->path);

	if (pin_open(pin->path, &fd) == 0)
		(void)fsync(fd);
	if (dir >= 0)
		(void)fsync(dir);
}
