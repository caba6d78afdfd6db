/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A stat() on a dead file server hangs, in sshd as in the daemon, and no deadline helps. So
 * we do not ask the path but the table of mounts, which is the kernel's own memory. Links in
 * the way are followed by hand, each only after the table has said that the directory it is
 * in is on this machine.
 */
#include "src/unixd/login/homefs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define LOOK_AGAIN_NS INT64_C(5000000000)
#define MAX_LINKS     16
#define MAX_LINES     65536
#define MAX_PATH      960

static void
close_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

static bool
may_hang(const char *fstype)
{
	/* As beginnings: nfs4, fuse.sshfs, smb3. */
	static const char *const types[] = { "nfs", "autofs", "cifs", "smb", "fuse", "9p",
		"afs", "beegfs", "ceph", "coda", "lustre", "ncp", "orangefs" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (strncmp(fstype, types[i], strlen(types[i])) == 0)
			return true;
	}
	return false;
}

/* "\040" and the like, as the kernel writes blanks. */
static void
unescape(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] -
			    '0');
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* ID PARENT MAJ:MIN ROOT MOUNTPOINT OPTIONS [TAGS] - TYPE SOURCE OPTIONS */
static bool
split(char *line, char **ret_point, char **ret_type)
{
	char *save = NULL, *word = NULL, *dash;
	int i;

	dash = strstr(line, " - ");
	if (dash == NULL)
		return false;
	*dash = '\0';
	*ret_type = dash + 3;
	(*ret_type)[strcspn(*ret_type, " \n")] = '\0';
	for (i = 0; i < 5; i++)
		word = strtok_r(i == 0 ? line : NULL, " ", &save);
	if (word == NULL)
		return false;
	unescape(word);
	*ret_point = word;
	return true;
}

/* `dir` is `path` or above it. */
static bool
is_above(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	if (len == 1)
		return true; /* "/" */
	return strncmp(dir, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Is `path`, or (`below`) anything mounted under it, on a file system that may hang? True
 * when it cannot be told. */
static bool
is_far(const struct homefs *h, const char *path, bool below)
{
	cleanup_(close_file) FILE *f = fopen(h->mountinfo_path, "re");
	cleanup_(freep) char *line = NULL;
	size_t cap = 0, best = 0, n = 0;
	char *point, *type;
	bool far = true;

	if (f == NULL)
		return true;
	while (getline(&line, &cap, f) >= 0) {
		if (++n > MAX_LINES)
			return true;
		if (!split(line, &point, &type))
			continue;
		if (below && may_hang(type) && is_above(path, point))
			return true;
		if (!is_above(point, path) || strlen(point) < best)
			continue;
		/* One over the other: what is hidden may still be there for others. */
		far = may_hang(type) || (strlen(point) == best && far);
		best = strlen(point);
	}
	return far;
}

/* Puts the target of the link at path[0..end) into path. False: too long. */
static bool
follow(char path[MAX_PATH], size_t end, const char *target)
{
	char next[MAX_PATH];
	size_t dir = end, len = strlen(target), rest = strlen(path + end) + 1;

	while (dir > 0 && path[dir - 1] != '/')
		dir--;
	if (target[0] == '/')
		dir = 0;
	if (dir + len + rest > sizeof(next))
		return false;
	memcpy(next, path, dir);
	memcpy(next + dir, target, len);
	memcpy(next + dir + len, path + end, rest);
	memcpy(path, next, dir + len + rest);
	return true;
}

/* Where `prefix` really is, in `path`; false when that cannot be found out safely. */
static bool
walk(const struct homefs *h, char path[MAX_PATH])
{
	char step[MAX_PATH], target[MAX_PATH];
	size_t end = 0;
	unsigned links = 0;
	ssize_t n;

	while (path[end] != '\0') {
		end += strspn(path + end, "/");
		end += strcspn(path + end, "/");
		memcpy(step, path, end);
		step[end] = '\0';
		/* Written with dots it cannot be compared with the table. */
		if (end >= 2 && step[end - 1] == '.' &&
		    (step[end - 2] == '/' || step[end - 2] == '.'))
			return false;
		if (is_far(h, step, false))
			return false;
		n = readlink(step, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (++links > MAX_LINKS || !follow(path, end, target))
			return false;
		end = 0;
	}
	return true;
}

static bool
prefix_is_local(const struct homefs *h, const char *prefix)
{
	char path[MAX_PATH];
	size_t len;

	if (snprintf(path, sizeof(path), "%s", prefix) >= (int)sizeof(path) ||
	    path[0] != '/')
		return false;
	if (!walk(h, path))
		return false;
	len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	return !is_far(h, path, true);
}

void
homefs_init(struct homefs *h)
{
	*h = (struct homefs){ .mountinfo_path = "/proc/self/mountinfo" };
}

void
homefs_forget(struct homefs *h)
{
	h->looked_at = 0;
}

bool
homefs_is_local(struct homefs *h, const char *prefix, const char *mount_prefix,
    int64_t now_ns)
{
	if (h->looked_at != 0 && now_ns - h->looked_at < LOOK_AGAIN_NS)
		return h->is_local;
	h->looked_at = now_ns;
	h->is_local = prefix != NULL && prefix_is_local(h, prefix) &&
	    (mount_prefix == NULL || prefix_is_local(h, mount_prefix));
	return h->is_local;
}
