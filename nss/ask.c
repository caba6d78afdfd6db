/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who answers a lookup, and what glibc is told when nobody can.
 *
 * The map answers what it knows without a system call. The daemon is asked, under a deadline
 * of ours, when the map has nothing or only something old; an old record beats no answer.
 * "There is none" is said only when the map or the daemon said so: a host that is told
 * "no such user" in an outage acts on it (mail bounces, files change hands).
 */
#include "nss/ask.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/le.h"
#include "src/client/client.h"

int
cancel_off(void)
{
	int state = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

void
cancel_restore(int state)
{
	(void)pthread_setcancelstate(state, NULL);
}

int
name_from_host(const char *s, struct name *ret_name)
{
	return name_parse(s, s == NULL ? 0 : strnlen(s, NAME_MAX_TEXT + 1), ret_name);
}

enum answer
daemon_ask(const struct question *q, uint16_t op, void *head, size_t head_len, void *tail,
    size_t tail_cap, size_t *ret_tail_len, int ms)
{
	uint8_t req[4 + NAME_MAX_TEXT];
	struct client_call call = {
		.path = KU_PATH_SOCK,
		.op = op,
		.req = req,
		.head = head,
		.head_len = head_len,
		.tail = tail,
		.tail_cap = tail_cap,
	};
	int r;

	if (q->name != NULL) {
		le32_put(req, (uint32_t)q->name->len);
		memcpy(req + 4, q->name->text, q->name->len);
		call.req_len = 4 + q->name->len;
	} else {
		le32_put(req, q->id);
		call.req_len = 4;
	}
	r = client_call(&call, deadline_in_ms(ms));
	*ret_tail_len = call.tail_len;
	if (r == -ERANGE)
		return ANSWER_RANGE;
	if (r < 0)
		return ANSWER_TROUBLE;
	switch (call.status) {
	case KU_ST_OK:
		return ANSWER_FOUND;
	case KU_ST_NOTFOUND:
	case KU_ST_LOCAL:
		return ANSWER_NONE;
	default:
		return ANSWER_TROUBLE;
	}
}

/* The map's own words, where they end the matter. */
static enum answer
from_map_answer(enum map_answer a)
{
	switch (a) {
	case MAP_HIT:
		return ANSWER_FOUND;
	case MAP_RANGE:
		return ANSWER_RANGE;
	case MAP_NEGATIVE:
	case MAP_LOCAL:
		return ANSWER_NONE;
	default:
		return ANSWER_TROUBLE;
	}
}

/* Who starts the daemon looks up whom it is to run as: the daemon cannot answer that one,
 * and its socket may be there already. It is a local account by what it is for. */
static bool
is_daemons_own(const struct name *n)
{
	static const char own[] = "kanidm-unixd";

	return n != NULL && n->len == sizeof(own) - 1 &&
	    memcmp(n->text, own, n->len) == 0;
}

static enum answer
ask_both(struct question *q)
{
	enum map_answer a = q->from_map(q, 0);
	enum answer r;

	if (a != MAP_HIT && is_daemons_own(q->name))
		return ANSWER_NONE;
	switch (a) {
	case MAP_STALE:
		r = q->from_daemon(q, ASK_SHORT_MS);
		if (r != ANSWER_TROUBLE)
			return r;
		return from_map_answer(q->from_map(q, MAP_ANY_AGE));
	case MAP_ABSENT_NO_DAEMON:
		return q->from_daemon(q, ASK_SHORT_MS);
	case MAP_ABSENT:
	case MAP_NONE:
		return q->from_daemon(q, ASK_LONG_MS);
	default:
		return from_map_answer(a);
	}
}

enum nss_status
answer_give(enum answer answer, bool not_local, int saved, int *errnop)
{
	/* before *errnop is written: it may be errno itself */
	errno = saved;
	switch (answer) {
	case ANSWER_FOUND:
		return NSS_STATUS_SUCCESS;
	case ANSWER_NONE:
		*errnop = ENOENT;
		return NSS_STATUS_NOTFOUND;
	case ANSWER_RANGE:
		*errnop = ERANGE;
		return NSS_STATUS_TRYAGAIN;
	case ANSWER_NO_MEMORY:
		*errnop = ENOMEM;
		return NSS_STATUS_TRYAGAIN;
	default:
		break;
	}
	/* "[TRYAGAIN=return]" ends the search: only for a name that no local file has */
	*errnop = not_local ? EAGAIN : ENOENT;
	return not_local ? NSS_STATUS_TRYAGAIN : NSS_STATUS_UNAVAIL;
}

enum nss_status
answer_none(int saved, int *errnop)
{
	return answer_give(ANSWER_NONE, false, saved, errnop);
}

enum nss_status
ask(struct question *q, int saved, int *errnop)
{
	int state = cancel_off();
	enum answer answer = ask_both(q);
	bool not_local = false;

	if (answer == ANSWER_TROUBLE)
		not_local = map_proves_not_local(&nss_map, q->group, q->name, q->id);
	cancel_restore(state);
	return answer_give(answer, not_local, saved, errnop);
}
