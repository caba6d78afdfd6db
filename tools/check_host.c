/* SPDX-License-Identifier: MPL-2.0 */
/*
 * How a host is looked at without being disturbed: files are opened so that a pipe or a
 * device cannot hold us up, programs have a deadline and nothing to read, and what a
 * path is on is read from the kernel's list of mounts, not from the file system itself,
 * which may be a server that does not answer.
 */
#include "tools/check_host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define MAX_FILE       ((size_t)4 * 1024 * 1024)
#define RUN_TIMEOUT_MS 4000

char *
check_path(const struct check *c, const char *path)
{
	return xasprintf("%s%s", c->host->root, path);
}

int
check_read(const struct check *c, const char *path, char **ret_text)
{
	cleanup_(freep) char *real = check_path(c, path);
	cleanup_(
	    fd_closep) int fd = open(real, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	cleanup_(freep) char *text = NULL;
	size_t len = 0, cap = 0;
	struct stat st;
	int rc;

	if (fd < 0 || fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	/* What /proc has says nothing about its size. */
	do {
		size_t got;

		cap = cap == 0 ? 16384 : cap * 2;
		text = xreallocarray(text, cap + 1, 1);
		rc = fd_read_full(fd, text + len, cap - len, &got);
		if (rc < 0)
			return rc;
		len += got;
	} while (len == cap && cap < MAX_FILE);
	text[len] = '\0';
	*ret_text = TAKE_PTR(text);
	return 0;
}

bool
check_stat(const struct check *c, const char *path, struct stat *st)
{
	cleanup_(freep) char *real = check_path(c, path);

	return stat(real, st) == 0;
}

bool
check_lstat(const struct check *c, const char *path, struct stat *st)
{
	cleanup_(freep) char *real = check_path(c, path);

	return lstat(real, st) == 0;
}

size_t
check_words(char *line, char **v, size_t cap)
{
	size_t n = 0;
	char *word;

	while (n < cap && (word = strsep(&line, " \t\r\n")) != NULL) {
		if (*word != '\0')
			v[n++] = word;
	}
	return n;
}

/* "\040" of mountinfo, in place. */
static void
unescape(char *s)
{
	char *out = s;

	while (*s != '\0') {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
		    s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] -
			    '0');
			s += 4;
		} else
			*out++ = *s++;
	}
	*out = '\0';
}

/* Is `path` at or below `dir`? */
static bool
is_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n > 0 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

static bool
has_option(const char *options, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = options; s != NULL; s = strchr(s, ',')) {
		s += *s == ',';
		if (strncmp(s, word, n) == 0 && (s[n] == ',' || s[n] == '\0'))
			return true;
	}
	return false;
}

struct mount {
	char type[32];
	bool read_only;
};

/* The mount that `path` is on: the longest one above it, and of those the last. */
static bool
find_mount(const struct check *c, const char *path, struct mount *ret_mount)
{
	cleanup_(freep) char *text = NULL;
	size_t best = 0;
	bool found = false;
	char *rest, *line;

	if (check_read(c, "/proc/self/mountinfo", &text) < 0)
		return false;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		char *v[32];
		size_t n = check_words(line, v, ARRAY_SIZE(v)), dash = 6;

		while (dash < n && !streq(v[dash], "-"))
			dash++;
		if (dash + 1 >= n)
			continue;
		unescape(v[4]);
		if (!is_below(path, v[4]) || strlen(v[4]) < best)
			continue;
		best = strlen(v[4]);
		found = true;
		(void)snprintf(ret_mount->type, sizeof(ret_mount->type), "%s",
		    v[dash + 1]);
		ret_mount->read_only = has_option(v[5], "ro") ||
		    (dash + 3 < n && has_option(v[dash + 3], "ro"));
	}
	return found;
}

static bool
is_remote_mount(const struct check *c, const char *path)
{
	static const char *const types[] = { "nfs", "nfs4", "autofs", "cifs", "smb3",
		"afs", "ceph", "lustre", "glusterfs", "9p", "coda", "beegfs" };
	struct mount m;

	if (!find_mount(c, path, &m))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (streq(m.type, types[i]))
			return true;
	}
	return strncmp(m.type, "fuse", 4) == 0;
}

/* Where the link at `path` leads; NULL: it is none. */
static char *
link_target(const struct check *c, const char *path)
{
	cleanup_(freep) char *real = check_path(c, path);
	char target[1024];
	ssize_t n = readlink(real, target, sizeof(target) - 1);

	return n > 0 ? xstrndup(target, (size_t)n) : NULL;
}

/* One step after the other, links included: what is above a step is known to be of this
 * host before the step is touched. NULL: somebody else's server may hold it up. */
static char *
canonical(const struct check *c, const char *path)
{
	cleanup_(freep) char *rest = xstrdup(path), *done = xstrdup("");

	for (unsigned steps = 0; steps < 256 && *rest != '\0'; steps++) {
		size_t begin = strspn(rest, "/"), len = strcspn(rest + begin, "/");
		cleanup_(freep) char *name = xstrndup(rest + begin, len);
		cleanup_(freep) char *left = xstrdup(rest + begin + len);
		cleanup_(freep) char *next = xasprintf("%s/%s", done, name);
		cleanup_(freep) char *target = NULL;

		free(rest);
		rest = NULL;
		if (streq(name, "..") && strrchr(done, '/') != NULL)
			*strrchr(done, '/') = '\0';
		else if (*name != '\0' && !streq(name, ".")) {
			if (is_remote_mount(c, next))
				return NULL;
			target = link_target(c, next);
			if (target == NULL) {
				free(done);
				done = TAKE_PTR(next);
			} else if (*target == '/')
				*done = '\0';
		}
		rest = target != NULL ? xasprintf("%s%s", target, left) : xstrdup(left);
	}
	return TAKE_PTR(done);
}

bool
check_is_remote(const struct check *c, const char *path)
{
	cleanup_(freep) char *is = canonical(c, path);

	return is == NULL;
}

bool
check_is_read_only(const struct check *c, const char *path)
{
	cleanup_(freep) char *is = canonical(c, path);
	struct mount m;

	return is != NULL && find_mount(c, is, &m) && m.read_only;
}

int
check_run(const struct check *c, const char *const argv[], char *buf, size_t cap)
{
	buf[0] = '\0';
	return c->host->run(argv, buf, cap);
}

/* Until the end, the deadline, or `cap`; what does not fit is read and dropped. */
static void
collect(int fd, struct deadline deadline, char *buf, size_t cap)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	char rest[512];

	for (;;) {
		size_t room = cap - 1 - len;
		ssize_t n;

		if (deadline_left_ms(deadline) == 0)
			return;
		if (poll(&p, 1, deadline_left_ms(deadline)) <= 0)
			continue;
		n = room > 0 ? read(fd, buf + len, room) : read(fd, rest, sizeof(rest));
		if (n <= 0)
			return;
		if (room > 0)
			len += (size_t)n;
		buf[len] = '\0';
	}
}

/* A new process group, the pipe as both outputs, nothing to read. */
static int
start(const char *const argv[], int in, int out, pid_t *ret_pid)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		    language[] = "LC_ALL=C", plain[] = "SYSTEMD_COLORS=0";
	static char *const env[] = { path, language, plain, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int rc;

	if (posix_spawn_file_actions_init(&files) != 0)
		return -ENOMEM;
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return -ENOMEM;
	}
	(void)posix_spawn_file_actions_adddup2(&files, in, 0);
	(void)posix_spawn_file_actions_adddup2(&files, out, 1);
	(void)posix_spawn_file_actions_adddup2(&files, out, 2);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(ret_pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv,
	    env);
	(void)posix_spawnattr_destroy(&attr);
	(void)posix_spawn_file_actions_destroy(&files);
	return -rc;
}

/* Its exit status by the deadline; after that it is ended. */
static int
finish(pid_t pid, struct deadline deadline)
{
	bool ended = false;
	int status, rc;

	while ((rc = waitpid(pid, &status, ended ? 0 : WNOHANG)) == 0 ||
	    (rc < 0 && errno == EINTR)) {
		if (deadline_left_ms(deadline) == 0 && !ended) {
			(void)kill(-pid, SIGKILL);
			ended = true;
		} else if (!ended)
			(void)poll(NULL, 0, 2);
	}
	if (ended)
		return -ETIMEDOUT;
	return rc == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

int
check_run_within(const char *const argv[], char *buf, size_t cap, int timeout_ms)
{
	struct deadline deadline = deadline_in_ms(timeout_ms);
	cleanup_(fd_closep) int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	cleanup_(fd_closep) int from = -1;
	int fds[2], rc;
	pid_t pid;

	buf[0] = '\0';
	if (in < 0 || pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	from = fds[0];
	rc = start(argv, in, fds[1], &pid);
	(void)close(fds[1]);
	if (rc < 0)
		return rc;
	collect(from, deadline, buf, cap);
	return finish(pid, deadline);
}

int
check_run_program(const char *const argv[], char *buf, size_t cap)
{
	return check_run_within(argv, buf, cap, RUN_TIMEOUT_MS);
}

const char *
check_pair(const struct check *c, const char *key)
{
	for (size_t i = 0; i + 1 < c->n_pairs; i += 2) {
		if (streq(c->pairs[i], key))
			return c->pairs[i + 1];
	}
	return NULL;
}

bool
check_is_local(const struct check *c, const char *file, const char *name)
{
	cleanup_(freep) char *text = NULL;
	size_t n = strlen(name);
	char *rest, *line;

	if (check_read(c, file, &text) < 0)
		return false;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, name, n) == 0 && line[n] == ':')
			return true;
	}
	return false;
}
