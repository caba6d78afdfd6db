/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Two directories per file are watched: the one in its path, and, where the path is a
 * symbolic link, the one it leads to. Adding a watch that exists already is free, so after
 * every change all of them are simply placed again; that also picks up a directory that was
 * itself replaced.
 */
#include "src/unixd/local/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define WATCH_MASK                                                              \
	(IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | \
	    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
place_dir_of(struct watch *w, const char *path)
{
	const char *base = base_of(path);
	char *dir cleanup_(freep) = base == path ? xstrdup(".")
						 : xstrndup(path, (size_t)(base - path));

	return inotify_add_watch(w->fd, dir, WATCH_MASK) >= 0;
}

void
watch_init(struct watch *w, const char *const *paths, size_t n)
{
	*w = (struct watch){ .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .n = n };
	for (size_t i = 0; i < n; i++)
		w->path[i] = paths[i];
	watch_place(w);
}

void
watch_deinit(struct watch *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	for (size_t i = 0; i < w->n; i++)
		free(w->real[i]);
	*w = (struct watch){ .fd = -1 };
}

void
watch_place(struct watch *w)
{
	if (w->fd < 0)
		return;
	w->placed = true;
	for (size_t i = 0; i < w->n; i++) {
		if (!place_dir_of(w, w->path[i]))
			w->placed = false;
		free(w->real[i]);
		w->real[i] = realpath(w->path[i], NULL);
		if (w->real[i] != NULL && !place_dir_of(w, w->real[i]))
			w->placed = false;
	}
}

static void
judge(const struct watch *w, const struct inotify_event *ev, bool *touched, bool *again)
{
	if ((ev->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) !=
	    0) {
		*again = true;
		for (size_t i = 0; i < w->n; i++)
			touched[i] = true;
		return;
	}
	if (ev->len == 0)
		return;
	for (size_t i = 0; i < w->n; i++) {
		bool hit = streq(ev->name, base_of(w->path[i])) ||
		    (w->real[i] != NULL && streq(ev->name, base_of(w->real[i])));

		touched[i] |= hit;
		*again |= hit;
	}
}

void
watch_drain(struct watch *w, bool *touched)
{
	_Alignas(struct inotify_event) char buf[2048];
	bool again = false;
	ssize_t n;

	if (w->fd < 0)
		return;
	while ((n = read(w->fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *ev = (const void *)(buf + at);

			judge(w, ev, touched, &again);
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	}
	if (again || !w->placed)
		watch_place(w);
}
