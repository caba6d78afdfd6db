/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is on the other end, and how many of them. One user must not be able to take every
 * connection from everybody else; root is never refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "src/unixd/core/hmap.h"

struct peer_limits {
	size_t per_uid;    /* connections of one uid that are served at once */
	size_t per_hidden; /* of uid 65534: everybody whom this user namespace cannot name
			      shares that number, so it is no single person's quota */
	size_t waiting;    /* further ones of one uid that are kept for their turn */
	size_t total;      /* of all but root */
};

enum peer_verdict {
	PEER_SERVE,
	PEER_WAIT,   /* over the quota: kept, not read from until another one leaves */
	PEER_REFUSE, /* far over it, or too many altogether */
};

struct peers {
	struct peer_limits limits;
	struct hmap by_uid;
	size_t total;
};

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

void peers_init(struct peers *p, const struct peer_limits *limits);
void peers_deinit(struct peers *p);

/* Credentials of a connected socket as the kernel noted them. 0 or -errno. */
int must_use_ peer_get(int fd, struct peer *ret_peer);

/* Counts the connection in, unless the verdict is REFUSE. Each one counted in is followed
 * by one peers_leave, which says whether a waiting one of this uid may be served now; that
 * is then counted by peers_serve. */
enum peer_verdict must_use_ peers_admit(struct peers *p, uid_t uid);
bool must_use_ peers_leave(struct peers *p, uid_t uid, bool waiting);
void peers_serve(struct peers *p, uid_t uid);
/* Everybody together is at the limit, and this uid is not the reason: for it somebody else
 * may be asked to leave. */
bool peers_may_push(const struct peers *p, uid_t uid);
size_t peers_count(const struct peers *p, uid_t uid);
