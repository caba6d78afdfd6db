/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Where connections come from. Three things are easy to get wrong here. A socket file left
 * by a crash must be replaced, but one that a running daemon answers on must not: we knock
 * first. Without descriptors accept() fails and the listener stays readable, which would
 * spin the loop: it rests for a moment instead. And a crowd of new peers must not keep the
 * loop from those it has: a turn accepts a bounded number.
 */
#include "src/unixd/core/acceptor.h"

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

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"

#define ACCEPT_PER_TURN 64
#define ACCEPT_REST_MS  100

struct acceptor {
	struct loop *loop;
	acceptor_fn fn;
	void *arg;
	int watch_ms;
	struct loop_fd io;
	struct timer rest;
	struct timer watch; /* is the file still there? */
	/* The file we made, to remove it and nobody else's; dev 0: not ours. */
	char path[108];
	dev_t dev;
	ino_t ino;
};

static void watch_fired(struct timer *t);

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
	cleanup_(fd_closep) int fd = -1;
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
	struct acceptor *a = container_of(t, struct acceptor, rest);

	if (loop_mod(a->loop, &a->io, EPOLLIN) < 0)
		timers_set(loop_timers(a->loop), t, ACCEPT_REST_MS * CLOCK_MS);
}

static void
rest(struct acceptor *a, int err)
{
	log_warn("listener: accept: %s, resting for %d ms", strerror(err),
	    ACCEPT_REST_MS);
	if (loop_mod(a->loop, &a->io, 0) < 0)
		return; /* it stays readable and is tried again next turn */
	timers_set(loop_timers(a->loop), &a->rest, ACCEPT_REST_MS * CLOCK_MS);
}

static void
on_readable(struct loop_fd *f, uint32_t events)
{
	struct acceptor *a = container_of(f, struct acceptor, io);

	(void)events;
	for (int i = 0; i < ACCEPT_PER_TURN; i++) {
		int fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			a->fn(a->arg, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
		    errno == ENOBUFS)
			rest(a, errno);
		/* Anything else is the trouble of that one peer, or EAGAIN. */
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* A listening socket at the path, and which file that is. */
static int
open_path(const char *path, int *ret_fd, struct stat *ret_st)
{
	cleanup_(fd_closep) int fd = -1;
	struct sockaddr_un addr;
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
	if (lstat(path, ret_st) < 0)
		*ret_st = (struct stat){ 0 };
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static void
close_socket(struct acceptor *a)
{
	struct stat st;

	timers_unset(loop_timers(a->loop), &a->rest);
	loop_del(a->loop, &a->io);
	(void)close(a->io.fd);
	a->io.fd = -1;
	if (a->ino != 0 && lstat(a->path, &st) == 0 && st.st_dev == a->dev &&
	    st.st_ino == a->ino)
		(void)unlink(a->path);
	a->ino = 0;
}

static void
look_again(struct acceptor *a)
{
	timers_set(loop_timers(a->loop), &a->watch, a->watch_ms * CLOCK_MS);
}

/* Somebody cleaned up in /run: without the file nobody finds us, and a restart would be
 * the only cure. What somebody else has put there is left alone. */
static void
watch_fired(struct timer *t)
{
	struct acceptor *a = container_of(t, struct acceptor, watch);
	struct loop_fd io = a->io;
	struct stat st;

	look_again(a);
	if (lstat(a->path, &st) == 0 || errno != ENOENT ||
	    open_path(a->path, &io.fd, &st) < 0)
		return;
	io.events = EPOLLIN;
	close_socket(a);
	a->io = io;
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	if (loop_add(a->loop, &a->io) < 0)
		log_warn("listener: the new socket cannot be watched path=%s", a->path);
	else
		log_warn("listener: the socket was gone, made again path=%s", a->path);
}

static int
start(struct loop *l, int fd, acceptor_fn fn, void *arg, struct acceptor **ret_a)
{
	struct acceptor *a = xcalloc(1, sizeof(*a));
	int rc;

	a->loop = l;
	a->fn = fn;
	a->arg = arg;
	a->io = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_readable };
	timer_init(&a->rest, rest_over);
	timer_init(&a->watch, watch_fired);
	rc = loop_add(l, &a->io);
	if (rc < 0) {
		free(a);
		return rc;
	}
	*ret_a = a;
	return 0;
}

int
acceptor_bind(struct loop *l, const char *path, int watch_ms, acceptor_fn fn, void *arg,
    struct acceptor **ret_a)
{
	cleanup_(fd_closep) int fd = -1;
	struct acceptor *a = NULL;
	struct stat st;
	int rc;

	rc = open_path(path, &fd, &st);
	if (rc == 0)
		rc = start(l, fd, fn, arg, &a);
	if (rc < 0)
		return rc;
	fd = -1;
	a->watch_ms = watch_ms > 0 ? watch_ms : ACCEPTOR_WATCH_MS;
	(void)snprintf(a->path, sizeof(a->path), "%s", path);
	a->dev = st.st_dev;
	a->ino = st.st_ino;
	if (a->ino != 0)
		look_again(a);
	*ret_a = a;
	return 0;
}

int
acceptor_adopt(struct loop *l, int fd, acceptor_fn fn, void *arg, char ret_path[108],
    struct acceptor **ret_a)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);
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
	return start(l, fd, fn, arg, ret_a);
}

struct acceptor *
acceptor_close(struct acceptor *a)
{
	if (a == NULL)
		return NULL;
	timers_unset(loop_timers(a->loop), &a->watch);
	close_socket(a);
	free(a);
	return NULL;
}
