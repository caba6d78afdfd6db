/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connection quotas. One uid is served a bounded number of connections at once; a burst of
 * honest ones (a web server's workers after a restart) waits for its turn instead of being
 * turned away, since its callers would report that as trouble. What is far over the quota
 * is closed at once: in the backlog it would stand before everybody else.
 */
#include "src/unixd/server/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static const uid_t hidden_uid = 65534;

struct peer_count {
	struct hmap_node node;
	uid_t uid;
	size_t n; /* all, waiting ones included */
	size_t waiting;
};

void
peers_init(struct peers *p, const struct peer_limits *limits)
{
	*p = (struct peers){ .limits = *limits };
	hmap_init(&p->by_uid);
}

void
peers_deinit(struct peers *p)
{
	struct hmap_node *n, *next;
	size_t bucket = 0;

	for (n = hmap_any(&p->by_uid, &bucket); n != NULL; n = next) {
		next = hmap_any_next(&p->by_uid, n, &bucket);
		free(container_of(n, struct peer_count, node));
	}
	hmap_deinit(&p->by_uid);
}

int
peer_get(int fd, struct peer *ret_peer)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	*ret_peer = (struct peer){ .uid = cred.uid, .gid = cred.gid, .pid = cred.pid };
	return 0;
}

static struct peer_count *
find(const struct peers *p, uid_t uid)
{
	struct hmap_node *n = hmap_first(&p->by_uid, hmap_hash_u32(uid));

	for (; n != NULL; n = hmap_same(n)) {
		struct peer_count *c = container_of(n, struct peer_count, node);

		if (c->uid == uid)
			return c;
	}
	return NULL;
}

static struct peer_count *
find_or_add(struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);

	if (c == NULL) {
		c = xcalloc(1, sizeof(*c));
		c->uid = uid;
		hmap_insert(&p->by_uid, &c->node, hmap_hash_u32(uid));
	}
	return c;
}

static bool
may_serve(const struct peers *p, const struct peer_count *c)
{
	size_t cap = c->uid == hidden_uid ? p->limits.per_hidden : p->limits.per_uid;

	return c->uid == 0 || c->n - c->waiting < cap;
}

enum peer_verdict
peers_admit(struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);
	bool serve = c == NULL || may_serve(p, c);

	if (uid != 0 && p->total >= p->limits.total)
		return PEER_REFUSE;
	if (!serve && c->waiting >= p->limits.waiting)
		return PEER_REFUSE;
	c = find_or_add(p, uid);
	c->n++;
	p->total += uid != 0;
	if (!serve)
		c->waiting++;
	return serve ? PEER_SERVE : PEER_WAIT;
}

bool
peers_leave(struct peers *p, uid_t uid, bool waiting)
{
	struct peer_count *c = find(p, uid);

	if (c == NULL)
		return false;
	p->total -= uid != 0;
	c->waiting -= waiting;
	if (--c->n == 0) {
		hmap_remove(&p->by_uid, &c->node);
		free(c);
		return false;
	}
	return c->waiting > 0 && may_serve(p, c);
}

void
peers_serve(struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);

	if (c != NULL && c->waiting > 0)
		c->waiting--;
}

bool
peers_may_push(const struct peers *p, uid_t uid)
{
	const struct peer_count *c = find(p, uid);

	return p->total >= p->limits.total && (c == NULL || may_serve(p, c));
}

size_t
peers_count(const struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);

	return c != NULL ? c->n : 0;
}
