/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Copies of the files that were last read without complaint, so that a typo made at night
 * does not end all logins at the next boot. The one idea: what is saved is what was just
 * parsed, byte for byte, and both copies are complete on disk before either is put in
 * place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/config_reader.h"
#include "src/prog/xalloc.h"

#define LAST_GOOD "last-good"

static int
write_new(int dirfd, const char *name, const struct config_source *s)
{
	cleanup_(fd_closep) int fd = -1;
	int err;

	/* Left behind by a crash, or a link somebody made: never written through. */
	if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return -errno;
	err = fd_write_all(fd, s->text, s->len);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	if (err < 0)
		(void)unlinkat(dirfd, name, 0);
	return err;
}

static int
put_in_place(int dirfd, const char *temporary, const char *name, bool present)
{
	if (present)
		return renameat(dirfd, temporary, dirfd, name) < 0 ? -errno : 0;
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int
open_directory(const char *dir)
{
	cleanup_(freep) char *path = xasprintf("%s/" LAST_GOOD, dir);
	int fd;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool
same_content(const struct config_source *a, const struct config_source *b)
{
	if (a->err < 0 || b->err < 0)
		return a->err == b->err;
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool
is_saved(const char *dir, const struct config_source *client,
    const struct config_source *unixd)
{
	cleanup_(freep) char *client_path = xasprintf("%s/" LAST_GOOD "/config", dir);
	cleanup_(freep) char *unixd_path = xasprintf("%s/" LAST_GOOD "/unixd", dir);
	cleanup_(config_source_clear) struct config_source old_client, old_unixd;

	config_source_read(&old_client, client_path);
	config_source_read(&old_unixd, unixd_path);
	return same_content(client, &old_client) && same_content(unixd, &old_unixd);
}

static int
save(const char *dir, const struct config_source *client,
    const struct config_source *unixd)
{
	cleanup_(fd_closep) int fd = -1;
	int err = 0;

	fd = open_directory(dir);
	if (fd < 0)
		return fd;
	if (client->err == 0)
		err = write_new(fd, "config.new", client);
	if (err == 0 && unixd->err == 0)
		err = write_new(fd, "unixd.new", unixd);
	if (err == 0)
		err = put_in_place(fd, "config.new", "config", client->err == 0);
	if (err == 0)
		err = put_in_place(fd, "unixd.new", "unixd", unixd->err == 0);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	return err;
}

int
config_save_last_good(const char *dir, const char *client_path, const char *unixd_path)
{
	cleanup_(config_source_clear) struct config_source client, unixd;
	cleanup_(config_problems_clear) struct config_problems problems = { 0 };
	cleanup_(config_freep) struct config *config = NULL;
	int err;

	config_source_read(&client, client_path);
	config_source_read(&unixd, unixd_path);
	err = config_load_sources(&client, &unixd, &config, &problems);
	if (err < 0)
		return err;
	if (is_saved(dir, &client, &unixd))
		return 0;
	return save(dir, &client, &unixd);
}

int
config_load_last_good(const char *dir, struct config **ret_config,
    struct config_problems *ret_problems)
{
	cleanup_(freep) char *client_path = xasprintf("%s/" LAST_GOOD "/config", dir);
	cleanup_(freep) char *unixd_path = xasprintf("%s/" LAST_GOOD "/unixd", dir);
	cleanup_(config_source_clear) struct config_source client, unixd;

	config_source_read(&client, client_path);
	config_source_read(&unixd, unixd_path);
	if (client.err < 0 && unixd.err < 0) {
		*ret_config = config_new_default();
		*ret_problems = (struct config_problems){ 0 };
		return -ENOENT;
	}
	return config_load_sources(&client, &unixd, ret_config, ret_problems);
}
