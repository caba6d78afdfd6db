/* SPDX-License-Identifier: MPL-2.0 */
/*
 * nscd and nsncd listen at the same socket, and only one of them keeps what it has heard. So
 * they are told apart by the file that their process runs.
 */
#include "tools/cachers.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"

#define PATH_CAP 512

/* Users of the system, and those that systemd gives to a unit (DynamicUser=). */
static bool
is_of_system(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 &&
	    (st.st_uid < 1000 || (st.st_uid >= 61184 && st.st_uid <= 65519));
}

/* "/usr/sbin/nscd (deleted)" is what the kernel says of a program that was replaced. */
static bool
by_file(const char *dir, struct cacher *c)
{
	static const char gone[] = " (deleted)";
	char path[PATH_CAP + sizeof("/exe")], target[256];
	const char *slash;
	char *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/exe", dir);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	end = strstr(target, gone);
	if (end != NULL)
		*end = '\0';
	slash = strrchr(target, '/');
	(void)snprintf(c->program, sizeof(c->program), "%.31s",
	    slash != NULL ? slash + 1 : target);
	return true;
}

static bool
by_name(const char *dir, struct cacher *c)
{
	char path[PATH_CAP + sizeof("/comm")];
	cleanup_(fd_closep) int fd = -1;
	size_t got;

	(void)snprintf(path, sizeof(path), "%s/comm", dir);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fd_read_full(fd, c->program, sizeof(c->program) - 1, &got) < 0)
		return false;
	c->program[got] = '\0';
	c->program[strcspn(c->program, "\n")] = '\0';
	return true;
}

size_t
cachers_find(const char *root, struct cacher *v, size_t cap)
{
	char path[PATH_CAP];
	const struct dirent *e;
	size_t n = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/proc", root);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (n < cap && (e = readdir(dir)) != NULL) {
		struct cacher c = { 0 };

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		(void)snprintf(c.pid, sizeof(c.pid), "%.15s", e->d_name);
		(void)snprintf(path, sizeof(path), "%s/proc/%s", root, c.pid);
		if (!is_of_system(path) || (!by_file(path, &c) && !by_name(path, &c)))
			continue;
		if (streq(c.program, "nscd") || streq(c.program, "nsncd"))
			v[n++] = c;
	}
	(void)closedir(dir);
	return n;
}
