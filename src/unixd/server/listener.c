/* SPDX-License-Identifier: MPL-2.0 */
/* The sockets of a server, each an acceptor; what comes in on any of them is a peer. */
#include "src/unixd/server/listener.h"

#include <stdlib.h>

#include "src/prog/xalloc.h"
#include "src/unixd/core/acceptor.h"
#include "src/unixd/server/server_internal.h"

struct listener {
	struct list link;
	struct acceptor *acceptor;
};

static void
on_accepted(void *arg, int fd)
{
	server_accepted(arg, fd);
}

static void
file(struct server *s, struct acceptor *a)
{
	struct listener *l = xcalloc(1, sizeof(*l));

	l->acceptor = a;
	list_append(&s->listeners, &l->link);
}

int
listener_bind(struct server *s, const char *path)
{
	struct acceptor *a;
	int rc = acceptor_bind(s->loop, path, s->settings.watch_ms, on_accepted, s, &a);

	if (rc == 0)
		file(s, a);
	return rc;
}

int
listener_adopt(struct server *s, int fd, char ret_path[108])
{
	struct acceptor *a;
	int rc = acceptor_adopt(s->loop, fd, on_accepted, s, ret_path, &a);

	if (rc == 0)
		file(s, a);
	return rc;
}

void
listener_close_all(struct list *listeners)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, listeners) {
		struct listener *l = container_of(it, struct listener, link);

		acceptor_close(l->acceptor);
		list_remove(&l->link);
		free(l);
	}
}
