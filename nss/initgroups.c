/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Supplementary groups of one user, from one record or in one round trip. Without this entry
 * point glibc walks every group of the system.
 *
 * The only file that allocates: the array is glibc's and is grown with realloc, as its
 * contract says, or people in more groups than its first guess would lose some.
 */
#include <errno.h>
#include <stdlib.h>

#include "ku/wire_ops.h"
#include "nss/ask.h"
#include "nss/granted.h"
#include "nss/nss_kanidm.h"
#include "src/base/deadline.h"
#include "src/base/ids.h"
#include "src/base/le.h"

/* NGROUPS_MAX: more cannot be set, so more is not believed. */
#define GIDS_MAX 65536u
/* Received on the stack; whoever is in more groups is asked for again with more room. */
#define GIDS_ON_STACK 240u
/* Groups of the host that are looked up in root's files, which costs: more are not given. */
#define GRANTS_MAX 64u

/* glibc's array while it is being filled. */
struct gid_array {
	gid_t **gids;
	long *size;
	long used;
	long at_entry;
	long limit;
	gid_t primary;
	unsigned judged;
};

enum {
	GIVE_MORE = 0,
	GIVE_FULL, /* the limit is reached: enough */
	GIVE_NO_MEMORY,
};

static bool
has_gid(const struct gid_array *a, gid_t gid)
{
	for (long i = 0; i < a->at_entry; i++) {
		if ((*a->gids)[i] == gid)
			return true;
	}
	return false;
}

/* Room for `more` further entries. */
static int
grow(struct gid_array *a, long more)
{
	long size = *a->size;
	gid_t *grown;

	if (more <= size - a->used)
		return GIVE_MORE;
	size = size > more ? size * 2 : a->used + more;
	grown = realloc(*a->gids, (size_t)size * sizeof(gid_t));
	if (grown == NULL)
		return GIVE_NO_MEMORY;
	*a->gids = grown;
	*a->size = size;
	return GIVE_MORE;
}

/* One of the host's own groups: the daemon's word is not enough. */
static bool
may_give(struct gid_array *a, gid_t gid)
{
	return gid >= IDS_FIRST || (a->judged++ < GRANTS_MAX && granted_gid(gid));
}

/* Adds one gid, unless it is there. Duplicates cost glibc a quadratic loop. */
static int
give_gid(void *arg, uint32_t gid)
{
	struct gid_array *a = arg;
	int r;

	if (!ids_may_be_group(gid) || gid == a->primary || has_gid(a, gid) ||
	    !may_give(a, gid))
		return GIVE_MORE;
	if ((a->limit > 0 && a->used >= a->limit) ||
	    a->used - a->at_entry >= (long)GIDS_MAX)
		return GIVE_FULL;
	r = grow(a, 1);
	if (r != GIVE_MORE)
		return r;
	(*a->gids)[a->used++] = gid;
	return GIVE_MORE;
}

static enum map_answer
groups_from_map(struct question *q, unsigned flags)
{
	struct gid_array *a = q->result;
	int stop = GIVE_MORE;
	enum map_answer answer;

	a->used = a->at_entry;
	a->judged = 0;
	answer = map_initgroups(&nss_map, q->name, flags, give_gid, a, &stop);
	/* a record of gids has no other use for "too small" */
	return answer == MAP_HIT && stop == GIVE_NO_MEMORY ? MAP_RANGE : answer;
}

/* `raw` holds n little-endian gids; it may be the free part of the array itself. */
static enum answer
give_all(struct gid_array *a, const uint8_t *raw, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = give_gid(a, le32_get(raw + i * 4));

		if (r == GIVE_NO_MEMORY)
			return ANSWER_NO_MEMORY;
		if (r == GIVE_FULL)
			break;
	}
	return ANSWER_FOUND;
}

static bool
reply_is_sound(const uint8_t head[8], size_t len)
{
	uint32_t n = le32_get(head + 4);

	return n <= GIDS_MAX && len == (size_t)n * 4 && ids_is_allowed(le32_get(head));
}

/* More groups than the stack takes: receive into the array, grown to hold them. */
static enum answer
groups_into_array(struct question *q, size_t len, struct deadline deadline)
{
	struct gid_array *a = q->result;
	uint8_t head[8];
	enum answer r;
	gid_t *room;

	if (len > (size_t)GIDS_MAX * 4)
		return ANSWER_TROUBLE;
	if (grow(a, (long)(len / 4)) != GIVE_MORE)
		return ANSWER_NO_MEMORY;
	room = *a->gids + a->used;
	r = daemon_ask(q, KU_OP_INITGROUPS, head, sizeof(head), room,
	    (size_t)(*a->size - a->used) * sizeof(gid_t), &len,
	    deadline_left_ms(deadline));
	if (r != ANSWER_FOUND)
		return r == ANSWER_RANGE ? ANSWER_TROUBLE : r;
	if (!reply_is_sound(head, len))
		return ANSWER_TROUBLE;
	/* an entry is read before the same or an earlier one is written: room never moves */
	return give_all(a, (const uint8_t *)room, len / 4);
}

static enum answer
groups_from_daemon(struct question *q, int ms)
{
	struct deadline deadline = deadline_in_ms(ms);
	struct gid_array *a = q->result;
	uint8_t head[8], raw[GIDS_ON_STACK * 4];
	enum answer r;
	size_t len;

	a->used = a->at_entry;
	a->judged = 0;
	r = daemon_ask(q, KU_OP_INITGROUPS, head, sizeof(head), raw, sizeof(raw), &len,
	    ms);
	if (r == ANSWER_RANGE)
		return groups_into_array(q, len, deadline);
	if (r != ANSWER_FOUND)
		return r;
	return reply_is_sound(head, len) ? give_all(a, raw, len / 4) : ANSWER_TROUBLE;
}

enum nss_status
_nss_kanidm_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
    gid_t **groupsp, long limit, int *errnop)
{
	struct gid_array a = {
		.gids = groupsp,
		.size = size,
		.used = *start,
		.at_entry = *start,
		.limit = limit,
		.primary = group,
	};
	struct name n;
	struct question q = {
		.name = &n,
		.from_map = groups_from_map,
		.from_daemon = groups_from_daemon,
		.result = &a,
	};
	enum nss_status status;
	int saved = errno;

	if (name_from_host(user, &n) < 0)
		return answer_none(saved, errnop);
	status = ask(&q, saved, errnop);
	if (status == NSS_STATUS_SUCCESS)
		*start = a.used;
	/* there is no buffer that the caller could enlarge */
	else if (*errnop == ERANGE)
		*errnop = ENOMEM;
	return status;
}
