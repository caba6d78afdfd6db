/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The passwd database: getpwnam, getpwuid and enumeration. What cannot be a Kanidm user is
 * turned away here, before anything is read or sent.
 */
#include <errno.h>

#include "ku/wire_ops.h"
#include "nss/ask.h"
#include "nss/enum.h"
#include "nss/nss_kanidm.h"
#include "nss/pack.h"
#include "src/base/ids.h"

static struct enum_state passwd_enum;

static enum answer
receive_passwd(struct question *q, uint16_t op, int ms)
{
	struct passwd *pw = q->result;
	uint8_t head[PACK_HEAD_LEN];
	enum answer r;
	size_t len;

	r = daemon_ask(q, op, head, sizeof(head), q->buf, q->cap, &len, ms);
	if (r != ANSWER_FOUND && r != ANSWER_RANGE)
		return r;
	if (len > ASK_MAX_PASSWD)
		return ANSWER_TROUBLE;
	if (r == ANSWER_RANGE)
		return r;
	return pack_passwd(head, q->buf, len, pw) == 0 ? ANSWER_FOUND : ANSWER_TROUBLE;
}

static enum map_answer
by_name_from_map(struct question *q, unsigned flags)
{
	return map_passwd_by_name(&nss_map, q->name, flags, q->result, q->buf, q->cap);
}

static enum answer
by_name_from_daemon(struct question *q, int ms)
{
	enum answer r = receive_passwd(q, KU_OP_PASSWD_BY_NAME, ms);
	const struct passwd *pw = q->result;

	if (r == ANSWER_FOUND && !pack_name_answers(pw->pw_name, q->name))
		return ANSWER_TROUBLE;
	return r;
}

static enum map_answer
by_uid_from_map(struct question *q, unsigned flags)
{
	return map_passwd_by_uid(&nss_map, q->id, flags, q->result, q->buf, q->cap);
}

static enum answer
by_uid_from_daemon(struct question *q, int ms)
{
	enum answer r = receive_passwd(q, KU_OP_PASSWD_BY_UID, ms);
	const struct passwd *pw = q->result;

	if (r == ANSWER_FOUND && pw->pw_uid != q->id)
		return ANSWER_TROUBLE;
	return r;
}

enum nss_status
_nss_kanidm_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t cap,
    int *errnop)
{
	struct name n;
	struct question q = {
		.name = &n,
		.from_map = by_name_from_map,
		.from_daemon = by_name_from_daemon,
		.result = pw,
		.buf = buf,
		.cap = cap,
	};
	int saved = errno;

	if (name_from_host(name, &n) < 0)
		return answer_none(saved, errnop);
	return ask(&q, saved, errnop);
}

enum nss_status
_nss_kanidm_getpwuid_r(uid_t uid, struct passwd *pw, char *buf, size_t cap, int *errnop)
{
	struct question q = {
		.id = uid,
		.from_map = by_uid_from_map,
		.from_daemon = by_uid_from_daemon,
		.result = pw,
		.buf = buf,
		.cap = cap,
	};
	int saved = errno;

	if (!ids_is_allowed(uid))
		return answer_none(saved, errnop);
	return ask(&q, saved, errnop);
}

static enum map_answer
next_from_map(uint64_t *cursor, struct enum_target *t)
{
	return map_passwd_next(&nss_map, cursor, t->result, t->buf, t->cap);
}

static enum answer
next_pack(const uint8_t head[PACK_HEAD_LEN], size_t len, struct enum_target *t)
{
	struct passwd *pw = t->result;

	if (pack_passwd(head, t->buf, len, pw) < 0)
		return ANSWER_TROUBLE;
	t->id = pw->pw_uid;
	return ANSWER_FOUND;
}

enum nss_status
_nss_kanidm_setpwent(int stayopen)
{
	(void)stayopen;
	enum_reset(&passwd_enum);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_kanidm_endpwent(void)
{
	enum_reset(&passwd_enum);
	return NSS_STATUS_SUCCESS;
}

enum nss_status
_nss_kanidm_getpwent_r(struct passwd *pw, char *buf, size_t cap, int *errnop)
{
	struct enum_target t = {
		.op = KU_OP_PASSWD_NEXT,
		.max_len = ASK_MAX_PASSWD,
		.from_map = next_from_map,
		.pack = next_pack,
		.result = pw,
		.buf = buf,
		.cap = cap,
	};

	return enum_next(&passwd_enum, &t, errnop);
}
