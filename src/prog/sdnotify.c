/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two protocols of systemd that a daemon needs, spoken directly: a datagram to a
 * socket and a few environment variables do not deserve a library in the address space.
 * Without systemd both are silent no-ops.
 */
#include "src/prog/sdnotify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/prog/xalloc.h"

#define LISTEN_FDS_START 3
#define LISTEN_FDS_MAX   64u

int
sdnotify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t sun_len;
	size_t len;
	ssize_t n;
	int fd, err;

	if (path == NULL || path[0] == '\0')
		return 0;
	len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(sun.sun_path))
		return -EINVAL;
	memcpy(sun.sun_path, path, len);
	sun_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	else
		sun_len++;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	do {
		n = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		    (const struct sockaddr *)&sun, sun_len);
	} while (n < 0 && errno == EINTR);
	err = n < 0 ? -errno : 0;
	(void)close(fd);
	return err;
}

int
sdnotifyf(const char *fmt, ...)
{
	char state[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(state, sizeof(state), fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	return sdnotify(state);
}

/* A whole decimal number and nothing else. */
static bool
env_number(const char *name, unsigned long *ret_value)
{
	const char *text = getenv(name);
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*ret_value = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0';
}

unsigned long
sdnotify_watchdog_usec(void)
{
	unsigned long usec, pid;

	if (!env_number("WATCHDOG_USEC", &usec))
		return 0;
	if (getenv("WATCHDOG_PID") != NULL &&
	    (!env_number("WATCHDOG_PID", &pid) || pid != (unsigned long)getpid()))
		return 0;
	return usec;
}

static int
listen_fds_count(void)
{
	unsigned long pid, n;

	if (!env_number("LISTEN_PID", &pid) || pid != (unsigned long)getpid())
		return 0;
	if (!env_number("LISTEN_FDS", &n) || n > LISTEN_FDS_MAX)
		return 0;
	return (int)n;
}

int
sdnotify_listen_fds(char **ret_names)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int n = listen_fds_count();

	*ret_names = n > 0 && names != NULL ? xstrdup(names) : NULL;
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + n; fd++)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	/* Our children must not take the descriptors for theirs. */
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return n;
}
