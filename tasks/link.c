/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Waiting for a socket that may come at any time, or never: inotify on its directory (or,
 * while that does not exist, on the one above) for the moment, and a timer that backs off
 * to 5 s for everything inotify does not see. However often the directory changes, there is
 * at most one attempt in 100 ms.
 *
 * What comes over the socket is obeyed as root. So it must be served by the owner of the
 * directory, and nobody else may have been able to put it there.
 */
#include "tasks/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/deadline.h"
#include "src/base/fd.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"
#include "tasks/frameio.h"

#define NS_PER_MS    INT64_C(1000000)
#define FIRST_MS     500
#define LAST_MS      5000
#define AT_LEAST_MS  100
#define HELLO_MS     10000
#define HELLO_SERIAL 1u
#define EVENTS \
	(IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

void
link_init(struct link *l, const char *path)
{
	*l = (struct link){ .path = xstrdup(path),
		.fd = -1,
		.notify = -1,
		.watch = -1,
		.delay_ms = FIRST_MS };
}

void
link_clear(struct link *l)
{
	fd_closep(&l->fd);
	fd_closep(&l->notify);
	free(l->path);
	l->path = NULL;
}

void
link_set_path(struct link *l, const char *path)
{
	link_clear(l);
	link_init(l, path);
}

static char *
parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* Where the socket is to be looked for, newly allocated. NixOS' unit has a root of its own with
 * the directory at its place of old: /var/run, which is no link to /run in there. */
static char *
place_of(const struct link *l)
{
	cleanup_(freep) char *dir = parent_of(l->path);
	cleanup_(freep) char *old = xasprintf("/var%s", dir);

	if (strncmp(dir, "/run/", 5) == 0 && access(dir, F_OK) < 0 &&
	    access(old, F_OK) == 0)
		return xasprintf("/var%s", l->path);
	return xstrdup(l->path);
}

static void
watch(struct link *l)
{
	cleanup_(freep) char *path = place_of(l);
	cleanup_(freep) char *dir = parent_of(path);
	cleanup_(freep) char *above = parent_of(dir);
	int old = l->watch;

	if (l->notify < 0)
		l->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (l->notify < 0)
		return;
	l->watch = inotify_add_watch(l->notify, dir, EVENTS);
	if (l->watch < 0)
		l->watch = inotify_add_watch(l->notify, above, EVENTS);
	if (old >= 0 && old != l->watch)
		(void)inotify_rm_watch(l->notify, old);
}

/* The directory's owner is who may serve here: nobody else can have made the socket. */
static int
owner_of_place(const char *path, uint32_t *ret_uid, struct why *why)
{
	cleanup_(freep) char *dir = parent_of(path);
	cleanup_(freep) char *above = parent_of(dir);
	struct stat st;

	if (lstat(above, &st) < 0)
		return why_set(why, -errno, "%s: %s", above, strerror(errno));
	/* Sticky is not enough: there whoever is first makes the directory. */
	if (!S_ISDIR(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return why_set(why, -EPERM, "%s: others than root may write here", above);
	if (lstat(dir, &st) < 0)
		return why_set(why, -errno, "%s: %s", dir, strerror(errno));
	if (!S_ISDIR(st.st_mode) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return why_set(why, -EPERM, "%s: others than its owner may write here",
		    dir);
	*ret_uid = st.st_uid;
	return 0;
}

static int
say_hello(int fd)
{
	struct frame_header h = { .op = KU_OP_TASK_HELLO, .serial = HELLO_SERIAL };

	return frameio_send_text(fd, deadline_in_ms(1000), h, KU_VERSION);
}

static int
attempt(struct link *l, struct why *why)
{
	uint32_t owner, peer;
	cleanup_(fd_closep) int fd = -1;
	cleanup_(freep) char *path = place_of(l);
	int rc = owner_of_place(path, &owner, why);

	if (rc < 0)
		return rc;
	fd = frameio_connect(path, &peer);
	if (fd < 0)
		return why_set(why, fd, "%s: %s", path, strerror(-fd));
	if (peer != owner)
		return why_set(why, -EPERM,
		    "%s: served by uid %u, but its directory belongs to uid %u", path,
		    peer, owner);
	rc = say_hello(fd);
	if (rc < 0)
		return why_set(why, rc, "%s: %s", path, strerror(-rc));
	rc = fd;
	fd = -1;
	return rc;
}

bool
link_try(struct link *l, struct why *why)
{
	int64_t now = clock_mono_ns();

	if (l->fd >= 0)
		return true;
	if (now < l->next_try_ns)
		return false;
	watch(l); /* first, so that nothing between it and the attempt is missed */
	l->last_try_ns = now;
	l->next_try_ns = now + l->delay_ms * NS_PER_MS;
	l->delay_ms = l->delay_ms * 2 < LAST_MS ? l->delay_ms * 2 : LAST_MS;
	l->fd = attempt(l, why);
	if (l->fd < 0) {
		l->fd = -1;
		return false;
	}
	fd_closep(&l->notify);
	l->watch = -1;
	l->greeted = false;
	return true;
}

int
link_wait_ms(const struct link *l)
{
	int64_t until = l->next_try_ns;

	if (l->fd >= 0 && l->greeted)
		return -1;
	if (l->fd >= 0)
		until = l->last_try_ns + HELLO_MS * NS_PER_MS;
	return deadline_left_ms((struct deadline){ .at_ns = until });
}

void
link_noticed(struct link *l)
{
	char events[2048];
	int64_t soon = l->last_try_ns + AT_LEAST_MS * NS_PER_MS;

	while (read(l->notify, events, sizeof(events)) > 0)
		;
	if (l->next_try_ns > soon)
		l->next_try_ns = soon;
}

void
link_greeted(struct link *l)
{
	l->greeted = true;
	l->delay_ms = FIRST_MS;
}

bool
link_is_overdue(const struct link *l)
{
	return l->fd >= 0 && !l->greeted &&
	    clock_mono_ns() >= l->last_try_ns + HELLO_MS * NS_PER_MS;
}

void
link_drop(struct link *l)
{
	fd_closep(&l->fd);
	/* One that had answered is likely to be back at once. */
	l->next_try_ns = l->last_try_ns + AT_LEAST_MS * NS_PER_MS;
	if (!l->greeted)
		l->next_try_ns = clock_mono_ns() + l->delay_ms * NS_PER_MS;
	l->greeted = false;
}
