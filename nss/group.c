/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The group database: getgrnam, getgrgid and enumeration. A gid below 1000 is never asked
 * for at the daemon; the map may still know it as a local group that the administrator
 * extends with members from Kanidm, which is looked up in the administrator's own files.
 */
#include <errno.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "nss/ask.h"
#include "nss/enum.h"
#include "nss/granted.h"
#include "nss/nss_kanidm.h"
#include "nss/pack.h"
#include "src/base/ids.h"

static struct enum_state group_enum;

static enum answer
give_group(const uint8_t head[PACK_HEAD_LEN], char *buf, size_t len, size_t cap,
    struct group *gr)
{
	int r = pack_group(head, buf, len, cap, gr);

	if (r == -ERANGE)
		return ANSWER_RANGE;
	return r == 0 ? ANSWER_FOUND : ANSWER_TROUBLE;
}

static bool
is_granted(const struct group *gr)
{
	return gr->gr_gid >= IDS_FIRST || granted_gid(gr->gr_gid);
}

static enum answer
receive_group(struct question *q, uint16_t op, int ms)
{
	uint8_t head[PACK_HEAD_LEN];
	enum answer r;
	size_t len;

	r = daemon_ask(q, op, head, sizeof(head), q->buf, q->cap, &len, ms);
	if (r == ANSWER_FOUND)
		r = give_group(head, q->buf, len, q->cap, q->result);
	return r == ANSWER_FOUND && !is_granted(q->result) ? ANSWER_NONE : r;
}

static enum map_answer
by_name_from_map(struct question *q, unsigned flags)
{
	enum map_answer a = map_group_by_name(&nss_map, q->name, flags, q->result, q->buf,
	    q->cap);

	return a == MAP_HIT && !is_granted(q->result) ? MAP_LOCAL : a;
}

static enum answer
by_name_from_daemon(struct question *q, int ms)
{
	enum answer r = receive_group(q, KU_OP_GROUP_BY_NAME, ms);
	const struct group *gr = q->result;

	if (r == ANSWER_FOUND && !pack_name_answers(gr->gr_name, q->name))
		return ANSWER_TROUBLE;
	return r;
}

static enum map_answer
by_gid_from_map(struct question *q, unsigned flags)
{
	enum map_answer a = map_group_by_gid(&nss_map, q->id, flags, q->result, q->buf,
	    q->cap);

	return a == MAP_HIT && q->id < IDS_FIRST && !granted_gid(q->id) ? MAP_LOCAL : a;
}

static enum answer
by_gid_from_daemon(struct question *q, int ms)
{
	const struct group *gr = q->result;
	enum answer r;

	r = receive_group(q, KU_OP_GROUP_BY_GID, ms);
	if (r == ANSWER_FOUND && gr->gr_gid != q->id)
		return ANSWER_TROUBLE;
	return r;
}

/* A system group: what the map says about it, at any age, and nothing else. */
static enum nss_status
ask_map_alone(struct question *q, int saved, int *errnop)
{
	int state = cancel_off();
	enum map_answer a = q->from_map(q, MAP_ANY_AGE);

	cancel_restore(state);
	if (a == MAP_HIT)
		return answer_give(ANSWER_FOUND, false, saved, errnop);
	if (a == MAP_RANGE)
		return answer_give(ANSWER_RANGE, false, saved, errnop);
	return answer_none(saved, errnop);
}

enum nss_status
_nss_kanidm_getgrnam_r(const char *name, struct group *gr, char *buf, size_t cap,
    int *errnop)
{
	struct name n;
	struct question q = {
		.name = &n,
		.group = true,
		.from_map = by_name_from_map,
		.from_daemon = by_name_from_daemon,
		.result = gr,
		.buf = buf,
		.cap = cap,
	};
	int saved = errno;

	if (name_from_host(name, &n) < 0)
		return answer_none(saved, errnop);
	return ask(&q, saved, errnop);
}

enum nss_status
_nss_kanidm_getgrgid_r(gid_t gid, struct group *gr, char *buf, size_t cap, int *errnop)
{
	struct question q = {
		.id = gid,
		.group = true,
		.from_map = by_gid_from_map,
		.from_daemon = by_gid_from_daemon,
		.result = gr,
		.buf = buf,
		.cap = cap,
	};
	int saved = errno;

	if (!ids_may_be_group(gid))
		return answer_none(saved, errnop);
	if (gid < IDS_FIRST)
		return ask_map_alone(&q, saved, errnop);
	return ask(&q, saved, errnop);
}

static enum map_answer
next_from_map(uint64_t *cursor, struct enum_target *t)
{
	return map_group_next(&nss_map, cursor, t->result, t->buf, t->cap);
}

static enum answer
next_pack(const uint8_t head[PACK_HEAD_LEN], size_t len, struct enum_target *t)
{
	struct group *gr = t->result;
	enum answer r = give_group(head, t->buf, len, t->cap, gr);

	if (r == ANSWER_FOUND)
		t->id = gr->gr_gid;
	return r;
}

enum nss_status
_nss_kanidm_setgrent(int stayopen)
{
	(void)stayopen;
	enum_reset(&group_enum);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_kanidm_endgrent(void)
{
	enum_reset(&group_enum);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_kanidm_getgrent_r(struct group *gr, char *buf, size_t cap, int *errnop)
{
	struct enum_target t = {
		.op = KU_OP_GROUP_NEXT,
		.max_len = KU_MAX_REPLY,
		.from_map = next_from_map,
		.pack = next_pack,
		.result = gr,
		.buf = buf,
		.cap = cap,
	};
	enum nss_status status;

	do
		status = enum_next(&group_enum, &t, errnop);
	while (status == NSS_STATUS_SUCCESS && !is_granted(gr));
	return status;
}
