/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The messages are not even parsed: which address came or went does not matter, a probe
 * finds out more cheaply. One interface coming up makes a dozen messages, so they are
 * gathered for a moment.
 */
#include "src/unixd/netwatch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"

#define GATHER_MS 300

struct netwatch {
	struct loop *loop;
	struct loop_fd io;
	struct timer gather;
	void (*changed)(void *arg);
	void *arg;
};

static void
on_gathered(struct timer *t)
{
	struct netwatch *w = container_of(t, struct netwatch, gather);

	w->changed(w->arg);
}

static void
on_message(struct loop_fd *f, uint32_t events)
{
	struct netwatch *w = container_of(f, struct netwatch, io);
	char buf[1024];
	ssize_t n;

	(void)events;
	do {
		n = recv(f->fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
	} while (n > 0 || (n < 0 && errno == EINTR));
	/* ENOBUFS says that messages were lost, and so that there were some. */
	if (!timer_is_set(&w->gather))
		timers_set(loop_timers(w->loop), &w->gather, GATHER_MS * CLOCK_MS);
}

static int
open_socket(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
		    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_ROUTE);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		(void)close(fd);
		return -err;
	}
	return fd;
}

int
netwatch_new(struct loop *l, void (*changed)(void *arg), void *arg,
    struct netwatch **ret_watch)
{
	struct netwatch *w;
	int fd = open_socket(), rc;

	if (fd < 0)
		return fd;
	w = xcalloc(1, sizeof(*w));
	w->loop = l;
	w->changed = changed;
	w->arg = arg;
	w->io = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_message };
	timer_init(&w->gather, on_gathered);
	rc = loop_add(l, &w->io);
	if (rc < 0) {
		(void)close(fd);
		free(w);
		return rc;
	}
	*ret_watch = w;
	return 0;
}

struct netwatch *
netwatch_free(struct netwatch *w)
{
	if (w == NULL)
		return NULL;
	timers_unset(loop_timers(w->loop), &w->gather);
	loop_del(w->loop, &w->io);
	(void)close(w->io.fd);
	free(w);
	return NULL;
}
