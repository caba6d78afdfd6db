/* SPDX-License-Identifier: MPL-2.0 */
/*
 * When do we believe in the server? The expensive mistakes are to believe too long (every
 * lookup waits) and to disbelieve too long (three minutes blind after one lost packet). So
 * a failed or late request never decides: it makes the link suspect, which costs lookups
 * nothing, and a probe that starts in the same moment decides.
 *
 * Being refused (token, rights) is not a failure of the network, but what the server then
 * says about names is worth nothing either: it is OFFLINE with `refused` and its reason.
 */
#include "src/unixd/resolver/link.h"

#include <stdio.h>
#include <string.h>

#include "src/unixd/core/clock.h"

#define FIRST_TRY   (1 * CLOCK_S)
#define LAST_TRY    (60 * CLOCK_S)
#define DEMAND_REST (5 * CLOCK_S)

static void
set_reason(struct link *l, enum idp_reason reason, const char *detail)
{
	l->reason = reason;
	(void)snprintf(l->detail, sizeof(l->detail), "%s", detail != NULL ? detail : "");
}

static void
enter(struct link *l, int64_t now, enum link_state state)
{
	if (l->state != state)
		l->since = now;
	l->state = state;
}

static unsigned
want_probe(const struct link *l)
{
	return l->probing ? 0 : LINK_DO_PROBE;
}

unsigned
link_init(struct link *l, int64_t now)
{
	memset(l, 0, sizeof(*l));
	l->state = LINK_STARTING;
	l->since = now;
	return LINK_DO_PROBE;
}

unsigned
link_heard(struct link *l, int64_t now)
{
	bool was_online = link_is_online(l);

	enter(l, now, LINK_ONLINE);
	l->failures = 0;
	l->next_try = 0;
	l->refused = false;
	set_reason(l, IDP_OK, NULL);
	return was_online ? 0 : LINK_DO_TELL;
}

unsigned
link_trouble(struct link *l, int64_t now, const struct idp_result *res)
{
	if (l->state != LINK_ONLINE)
		return 0;
	enter(l, now, LINK_SUSPECT);
	if (res != NULL)
		set_reason(l, res->reason, res->detail);
	else
		set_reason(l, IDP_TIMED_OUT, NULL);
	return want_probe(l);
}

void
link_probe_begun(struct link *l, int64_t now)
{
	l->probing = true;
	l->probe_since = now;
}

/* 1, 2, 4 ... 60 s, minus up to a quarter so that a fleet does not come back in step. */
static int64_t
next_delay(unsigned failures, uint32_t spread)
{
	int64_t delay = FIRST_TRY;

	while (failures-- > 0 && delay < LAST_TRY)
		delay *= 2;
	if (delay > LAST_TRY)
		delay = LAST_TRY;
	return delay - delay / 4 * (int64_t)(spread % 1024) / 1024;
}

static unsigned
fail(struct link *l, int64_t now, enum idp_reason reason, const char *detail,
    bool refused, uint32_t spread)
{
	bool tell = l->state != LINK_OFFLINE || l->reason != reason;

	enter(l, now, LINK_OFFLINE);
	l->refused = refused;
	set_reason(l, reason, detail);
	l->next_try = now + next_delay(l->failures, spread);
	if (l->failures < 16)
		l->failures++;
	return tell ? LINK_DO_TELL : 0;
}

unsigned
link_probe_done(struct link *l, int64_t now, const struct idp_result *res,
    uint32_t spread)
{
	l->probing = false;
	if (res->class == IDP_FOUND)
		return link_heard(l, now);
	return fail(l, now, res->reason, res->detail, res->class == IDP_REFUSED, spread);
}

unsigned
link_network_changed(struct link *l, int64_t now)
{
	if (l->state == LINK_ONLINE)
		return 0;
	l->failures = 0;
	/* Interfaces come and go in bursts. */
	if (now - l->probe_since < FIRST_TRY && l->state == LINK_OFFLINE) {
		l->next_try = l->probe_since + FIRST_TRY;
		return 0;
	}
	l->next_try = now;
	return want_probe(l);
}

unsigned
link_resumed(struct link *l, int64_t now)
{
	if (l->state == LINK_ONLINE) {
		enter(l, now, LINK_SUSPECT);
		return want_probe(l);
	}
	return link_network_changed(l, now);
}

unsigned
link_demand(struct link *l, int64_t now)
{
	if (l->state != LINK_OFFLINE || l->probing || now - l->probe_since < DEMAND_REST)
		return 0;
	return LINK_DO_PROBE;
}

unsigned
link_tick(struct link *l, int64_t now)
{
	if (l->state != LINK_OFFLINE || l->probing || now < l->next_try)
		return 0;
	return LINK_DO_PROBE;
}

enum link_mode
link_mode(const struct link *l)
{
	switch (l->state) {
	case LINK_ONLINE:
		return MODE_ONLINE;
	case LINK_SUSPECT:
		return MODE_SUSPECT;
	case LINK_STARTING:
		return MODE_STARTING;
	case LINK_OFFLINE:
		break;
	}
	return MODE_OFFLINE;
}

bool
link_is_online(const struct link *l)
{
	return l->state == LINK_ONLINE || l->state == LINK_SUSPECT;
}
