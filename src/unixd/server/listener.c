/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Where connections come from. Three things are easy to get wrong here. A socket file left
 * by a crash must be replaced, but one that a running daemon answers on must not: we knock
 * first. Without descriptors accept() fails and the listener stays readable, which would
 * spin the loop: it rests for a moment instead. And a crowd of new peers must not keep the
 * loop from those it has: a turn accepts a bounded number.
 */
#include "src/unixd/server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/server/server_internal.h"

#define ACCEPT_PER_TURN 64
#define ACCEPT_REST_MS  100
#define WATCH_MS        5000

struct listener {
	struct list link;
	struct server *server;
	struct loop_fd io;
	struct timer rest;
	struct timer watch; /* is the file still there? */
	/* The file we made, to remove it and nobody else's; dev 0: not ours. */
	char path[108];
	dev_t dev;
	ino_t ino;
};

static void watch_fired(struct timer *t);

static void
closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static int
address(const char *path, struct sockaddr_un *ret_addr)
{
	size_t len = strlen(path);

	*ret_addr = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len == 0 || len >= sizeof(ret_addr->sun_path))
		return -EINVAL;
	memcpy(ret_addr->sun_path, path, len);
	return 0;
}

static int
make_parent(const char *path)
{
	char dir[108];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return 0;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	if (mkdir(dir, 0755) < 0)
		return errno == EEXIST ? 0 : -errno;
	/* The umask of a daemon is strict; readers of the map are everybody. */
	return chmod(dir, 0755) < 0 ? -errno : 0;
}

/* 0 when there is nothing at the path, or a socket without anybody behind it (removed). */
static int
clear_stale(const struct sockaddr_un *addr)
{
	cleanup_(closep) int fd = -1;
	struct stat st;

	if (lstat(addr->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ||
	    errno == EAGAIN || errno == EINPROGRESS)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -errno;
	if (unlink(addr->sun_path) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static void
rest_over(struct timer *t)
{
	struct listener *l = container_of(t, struct listener, rest);

	if (loop_mod(l->server->loop, &l->io, EPOLLIN) < 0)
		timers_set(loop_timers(l->server->loop), t, ACCEPT_REST_MS * CLOCK_MS);
}

static void
rest(struct listener *l, int err)
{
	log_warn("listener: accept: %s, resting for %d ms", strerror(err),
	    ACCEPT_REST_MS);
	if (loop_mod(l->server->loop, &l->io, 0) < 0)
		return; /* it stays readable and is tried again next turn */
	timers_set(loop_timers(l->server->loop), &l->rest, ACCEPT_REST_MS * CLOCK_MS);
}

static void
on_readable(struct loop_fd *f, uint32_t events)
{
	struct listener *l = container_of(f, struct listener, io);

	(void)events;
	for (int i = 0; i < ACCEPT_PER_TURN; i++) {
		int fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			server_accepted(l->server, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			rest(l, errno);
		/* Anything else is the trouble of that one peer, or EAGAIN. */
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static int
start(struct server *s, int fd, const char *path, struct listener **ret_listener)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	int rc;

	l->server = s;
	l->io = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_readable };
	timer_init(&l->rest, rest_over);
	timer_init(&l->watch, watch_fired);
	(void)snprintf(l->path, sizeof(l->path), "%s", path);
	rc = loop_add(s->loop, &l->io);
	if (rc < 0) {
		free(l);
		return rc;
	}
	list_append(&s->listeners, &l->link);
	*ret_listener = l;
	return 0;
}

static void
listener_close(struct listener *l)
{
	struct server *s = l->server;
	struct stat st;

	timers_unset(loop_timers(s->loop), &l->rest);
	timers_unset(loop_timers(s->loop), &l->watch);
	loop_del(s->loop, &l->io);
	(void)close(l->io.fd);
	if (l->ino != 0 && lstat(l->path, &st) == 0 && st.st_dev == l->dev &&
	    st.st_ino == l->ino)
		(void)unlink(l->path);
	list_remove(&l->link);
	free(l);
}

static void
look_again(struct listener *l)
{
	int ms = l->server->settings.watch_ms;

	timers_set(loop_timers(l->server->loop), &l->watch,
	    (ms != 0 ? ms : WATCH_MS) * CLOCK_MS);
}

/* Somebody cleaned up in /run: without the file nobody finds us, and a restart would be
 * the only cure. What somebody else has put there is left alone. */
static void
watch_fired(struct timer *t)
{
	struct listener *l = container_of(t, struct listener, watch);
	char path[sizeof(l->path)];
	struct stat st;

	memcpy(path, l->path, sizeof(path));
	look_again(l);
	if (lstat(path, &st) == 0 || errno != ENOENT ||
	    listener_bind(l->server, path) < 0)
		return;
	log_warn("listener: the socket was gone, made again path=%s", path);
	listener_close(l);
}

int
listener_bind(struct server *s, const char *path)
{
	cleanup_(closep) int fd = -1;
	struct listener *l = NULL;
	struct sockaddr_un addr;
	struct stat st;
	int rc;

	rc = address(path, &addr);
	if (rc == 0)
		rc = make_parent(path);
	if (rc == 0)
		rc = clear_stale(&addr);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	if (chmod(path, 0666) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	rc = start(s, fd, path, &l);
	if (rc < 0)
		return rc;
	fd = -1;
	if (lstat(path, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		look_again(l);
	}
	return 0;
}

int
listener_adopt(struct server *s, int fd, char ret_path[108])
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
	struct listener *l = NULL;
	int type = 0, listening = 0, flags;
	socklen_t opt = sizeof(int);

	ret_path[0] = '\0';
	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0 ||
	    addr.sun_family != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &opt) < 0 || type != SOCK_STREAM ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &opt) < 0 || !listening)
		return -EINVAL;
	/* The manager may hand it over blocking, and accept() must not wait. */
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	memcpy(ret_path, addr.sun_path, sizeof(addr.sun_path));
	ret_path[sizeof(addr.sun_path) - 1] = '\0';
	return start(s, fd, ret_path, &l);
}

void
listener_close_all(struct list *listeners)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, listeners)
		listener_close(container_of(it, struct listener, link));
}
