/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One rule is above all others here: what the server says is final, in both directions.
 * The cached credential is looked at only when the server has not judged the password, and
 * a soft-locked account stays denied however well the cache knows the password.
 */
#include "src/unixd/login/judge.h"

#include "ku/wire.h"

enum cached
judge_cached(const struct cached_facts *f)
{
	if (!f->valid)
		return CACHED_INVALID;
	if (!f->has_key || !f->has_verifier)
		return CACHED_NONE;
	if (f->suspended)
		return CACHED_SUSPENDED;
	if (f->too_old)
		return CACHED_TOO_OLD;
	return f->wait_s > 0 ? CACHED_WAIT : CACHED_CHECKING;
}

static struct ruling
say(enum ku_auth_verdict verdict)
{
	return (struct ruling){ .status = KU_ST_OK, .verdict = verdict };
}

static struct ruling
fail(uint16_t status)
{
	return (struct ruling){ .status = status };
}

static struct ruling
hold(void)
{
	return (struct ruling){ .wait = true };
}

static struct ruling
by_cache(enum cached c, enum moment m)
{
	struct ruling r;

	switch (c) {
	case CACHED_NOT_ASKED:
		r = m == MOMENT_END ? fail(KU_ST_UNAVAIL) : hold();
		break;
	case CACHED_CHECKING:
		r = m == MOMENT_END ? fail(KU_ST_BUSY) : hold();
		break;
	case CACHED_ACCEPTS:
		r = say(KU_AUTH_OK_CACHED);
		break;
	case CACHED_REJECTS:
		r = say(KU_AUTH_WRONG);
		break;
	case CACHED_NONE:
		r = say(KU_AUTH_NO_CREDENTIAL);
		break;
	case CACHED_SUSPENDED:
		r = say(KU_AUTH_SUSPENDED);
		break;
	case CACHED_TOO_OLD:
		r = say(KU_AUTH_TOO_OLD);
		break;
	case CACHED_INVALID:
		r = say(KU_AUTH_INVALID);
		break;
	case CACHED_WAIT:
		r = say(KU_AUTH_WAIT);
		break;
	case CACHED_BUSY:
	case CACHED_N:
	default:
		r = fail(KU_ST_BUSY);
		break;
	}
	r.by_cache = true;
	return r;
}

struct ruling
judge_login(enum heard h, enum cached c, enum moment m)
{
	switch (h) {
	case HEARD_ACCEPTED:
		return say(KU_AUTH_OK);
	case HEARD_DENIED:
		return say(KU_AUTH_DENIED);
	case HEARD_LOCKED:
		return m == MOMENT_EARLY ? hold() : say(KU_AUTH_DENIED);
	case HEARD_GONE:
		return fail(KU_ST_NOTFOUND);
	case HEARD_SILENT:
		return m == MOMENT_EARLY ? hold() : by_cache(c, m);
	case HEARD_NOT_ASKED:
	case HEARD_TROUBLE:
		return by_cache(c, m);
	case HEARD_N:
	default:
		return fail(KU_ST_UNAVAIL);
	}
}
