/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How files of the host are changed: whole, by rename, so that a lookup or a login that reads
 * one meanwhile sees the old or the new one. A link stays a link.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_host.h"
#include "tools/setup_internal.h"

#define RUN_TIMEOUT_MS 90000

void
setup_file_clear(struct setup_file *f)
{
	free(f->old);
	free(f->new);
	*f = (struct setup_file){ 0 };
}

int
setup_read(const struct setup *s, const char *path, char **ret_text)
{
	cleanup_(freep) char *text = NULL;
	struct stat st;
	int rc = check_read(&s->c, path, &text);

	*ret_text = NULL;
	/* Written, it would be a file in the place of the link. */
	if (rc == -ENOENT)
		return check_lstat(&s->c, path, &st) ? -ENOLINK : 0;
	/* Written back, it would lose what stands behind a NUL, or behind our limit. */
	if (rc == 0 && check_stat(&s->c, path, &st) && (size_t)st.st_size != strlen(text))
		rc = -EILSEQ;
	if (rc < 0)
		return rc;
	*ret_text = TAKE_PTR(text);
	return 0;
}

const char *
setup_why(int rc)
{
	if (rc == -ENOLINK)
		return "is a link, and the file that it leads to is not there";
	return rc == -EILSEQ ? "is no text, or too long to be edited" : strerror(-rc);
}

bool
setup_is_unchanged(const struct setup *s, const struct setup_file *f)
{
	cleanup_(freep) char *now = NULL;

	return setup_read(s, f->path, &now) == 0 && (now == NULL) == (f->old == NULL) &&
	    (now == NULL || streq(now, f->old));
}

int
setup_put(struct setup *s, const struct setup_file *f)
{
	int rc;

	if (!setup_is_unchanged(s, f)) {
		(void)fprintf(s->t->err,
		    "setup: %s: somebody has changed it meanwhile; run setup again\n",
		    f->path);
		return -ECANCELED;
	}
	rc = setup_write(s, f->path, f->new);
	if (rc < 0)
		(void)fprintf(s->t->err, "setup: %s: %s\n", f->path, strerror(-rc));
	else if (f->from != NULL)
		(void)fprintf(s->t->out, "done: copied %s to %s\n", f->from, f->path);
	else
		(void)fprintf(s->t->out, "done: wrote %s\n", f->path);
	return rc;
}

int
setup_put_old(struct setup *s, const struct setup_file *f)
{
	cleanup_(freep) char *real = check_path(&s->c, f->path);
	int rc;

	if (f->old != NULL)
		rc = setup_write(s, f->path, f->old);
	else
		rc = unlink(real) != 0 && errno != ENOENT ? -errno : 0;
	if (rc < 0)
		(void)fprintf(s->t->err, "setup: %s could not be put back: %s\n", f->path,
		    strerror(-rc));
	else
		(void)fprintf(s->t->out, "done: %s %s\n",
		    f->old != NULL ? "put back" : "removed", f->path);
	return rc;
}

/* Owner, mode and label of what is there; of a new file root's, for everybody to read. */
static int
take_over(int fd, const char *real)
{
	char label[256];
	struct stat st;
	ssize_t n;

	if (stat(real, &st) != 0)
		return errno == ENOENT && fchmod(fd, 0644) == 0 ? 0 : -errno;
	if (fchown(fd, st.st_uid, st.st_gid) != 0 || fchmod(fd, st.st_mode & 07777) != 0)
		return -errno;
	n = getxattr(real, "security.selinux", label, sizeof(label));
	if (n > 0 && fsetxattr(fd, "security.selinux", label, (size_t)n, 0) != 0)
		return -errno;
	return 0;
}

static int
sync_directory(const char *real)
{
	cleanup_(freep) char *dir = xstrndup(real, (size_t)(strrchr(real, '/') - real));
	cleanup_(fd_closep) int fd = open(*dir != '\0' ? dir : "/",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) != 0 ? -errno : 0;
}

static int
write_beside(int fd, const char *real, const char *text)
{
	int rc = take_over(fd, real);

	if (rc == 0)
		rc = fd_write_all(fd, text, strlen(text));
	if (rc == 0 && fsync(fd) != 0)
		rc = -errno;
	return rc;
}

int
setup_write(const struct setup *s, const char *path, const char *text)
{
	cleanup_(freep) char *asked = check_path(&s->c, path), *real = NULL, *tmp = NULL;
	cleanup_(fd_closep) int fd = -1;
	int rc;

	real = realpath(asked, NULL);
	if (real == NULL && errno != ENOENT)
		return -errno;
	if (real == NULL)
		real = xstrdup(asked);
	tmp = xasprintf("%s" SETUP_TMP, real);
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_beside(fd, real, text);
	if (rc == 0 && rename(tmp, real) != 0)
		rc = -errno;
	if (rc < 0)
		(void)unlink(tmp);
	return rc < 0 ? rc : sync_directory(real);
}

int
setup_run_program(const char *const argv[], char *buf, size_t cap)
{
	return check_run_within(argv, buf, cap, RUN_TIMEOUT_MS);
}

bool
setup_has_systemd(const struct setup *s)
{
	struct stat st;

	return check_stat(&s->c, "/run/systemd/system", &st);
}

int
setup_systemctl(const struct setup *s, char *buf, size_t cap, const char *const words[])
{
	static const char *const paths[] = { "/usr/bin/systemctl", "/bin/systemctl" };
	const char *argv[8] = { NULL };
	struct stat st;
	size_t n = 1;

	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(paths) && argv[0] == NULL; i++) {
		if (check_stat(&s->c, paths[i], &st))
			argv[0] = paths[i];
	}
	if (argv[0] == NULL)
		return -ENOENT;
	for (size_t i = 0; words[i] != NULL && n + 1 < ARRAY_SIZE(argv); i++)
		argv[n++] = words[i];
	return check_run(&s->c, argv, buf, cap);
}
