/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A database that cannot be read may still be worth something to a person, so it is moved,
 * with the files that belong to it, never deleted. Only a host whose disk breaks it again
 * and again loses the oldest copies, so that they do not fill what is left of the disk.
 */
#include "src/unixd/store/aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static const char *const companions[] = { "-wal", "-shm", "-journal" };

static bool
is_companion(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		size_t tail = strlen(companions[i]);

		if (len > tail && streq(name + len - tail, companions[i]))
			return true;
	}
	return false;
}

/* PATH.broken-STAMP, with .1, .2 ... when two breakages fall into one second. */
static char *
free_name(const char *path)
{
	time_t now = time(NULL);
	char stamp[32];
	struct tm tm;
	struct stat st;
	char *name;

	(void)gmtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	name = xasprintf("%s.broken-%s", path, stamp);
	for (unsigned i = 1; i < 100 && lstat(name, &st) == 0; i++) {
		free(name);
		name = xasprintf("%s.broken-%s.%02u", path, stamp, i);
	}
	return name;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in `d` that begin like this and are no companions; sorted, oldest first. */
static size_t
list_copies(DIR *d, const char *prefix, char ***ret_names)
{
	char **names = NULL;
	struct dirent *e;
	size_t n = 0;

	while ((e = readdir(d)) != NULL) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 ||
		    is_companion(e->d_name))
			continue;
		names = xreallocarray(names, n + 1, sizeof(*names));
		names[n++] = xstrdup(e->d_name);
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	*ret_names = names;
	return n;
}

static void
remove_copy(int dir, const char *name)
{
	(void)unlinkat(dir, name, 0);
	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		char *other cleanup_(freep) = xasprintf("%s%s", name, companions[i]);

		(void)unlinkat(dir, other, 0);
	}
}

/* The directory of the path, malloc'ed. */
static char *
dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? xstrdup(".") : xstrndup(path, (size_t)(slash - path) + 1);
}

static char *
copy_prefix(const char *path)
{
	const char *slash = strrchr(path, '/');

	return xasprintf("%s.broken-", slash == NULL ? path : slash + 1);
}

static void
prune(const char *path)
{
	char *dir cleanup_(freep) = dir_of(path);
	char *prefix cleanup_(freep) = copy_prefix(path);
	DIR *d = opendir(dir);
	char **names;
	size_t n;

	if (d == NULL)
		return;
	n = list_copies(d, prefix, &names);
	for (size_t i = 0; i < n; i++) {
		if (i + ASIDE_KEEP < n)
			remove_copy(dirfd(d), names[i]);
		free(names[i]);
	}
	free(names);
	(void)closedir(d);
}

static void
move_companions(const char *path, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
		char *from cleanup_(freep) = xasprintf("%s%s", path, companions[i]);
		char *to cleanup_(freep) = xasprintf("%s%s", name, companions[i]);

		(void)rename(from, to);
	}
}

char *
aside_move(const char *path)
{
	char *name = free_name(path);

	if (rename(path, name) < 0) {
		int e = errno;

		free(name);
		errno = e;
		return NULL;
	}
	move_companions(path, name);
	prune(path);
	return name;
}

void
aside_rest(const char *path)
{
	char *dir cleanup_(freep) = dir_of(path);
	char *prefix cleanup_(freep) = copy_prefix(path);
	char *name cleanup_(freep) = NULL;
	DIR *d = opendir(dir);
	char **names = NULL;
	size_t n = d == NULL ? 0 : list_copies(d, prefix, &names);

	/* The last one that was moved is theirs. */
	if (n > 0)
		name = xasprintf("%s/%s", dir, names[n - 1]);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (d != NULL)
		(void)closedir(d);
	if (name == NULL)
		name = free_name(path);
	move_companions(path, name);
}

void
aside_sync(const char *path)
{
	char *dir cleanup_(freep) = dir_of(path);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
}
