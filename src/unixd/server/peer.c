/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Connection quotas. A caller that is over its quota is closed at once instead of waiting
 * in the backlog, where it would stand before everybody else.
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
	size_t n;
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

bool
peers_admit(struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);
	size_t cap = uid == hidden_uid ? p->limits.per_hidden : p->limits.per_uid;

	if (uid != 0) {
		if (p->total >= p->limits.total || (c != NULL && c->n >= cap))
			return false;
		p->total++;
	}
	if (c == NULL) {
		c = xcalloc(1, sizeof(*c));
		c->uid = uid;
		hmap_insert(&p->by_uid, &c->node, hmap_hash_u32(uid));
	}
	c->n++;
	return true;
}

void
peers_leave(struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);

	if (c == NULL)
		return;
	if (uid != 0)
		p->total--;
	if (--c->n == 0) {
		hmap_remove(&p->by_uid, &c->node);
		free(c);
	}
}

size_t
peers_count(const struct peers *p, uid_t uid)
{
	struct peer_count *c = find(p, uid);

	return c != NULL ? c->n : 0;
}
