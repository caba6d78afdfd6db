/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The hands of link.c: it thinks, this sends the probes, arms the timers, writes the one
 * log line per change, and wakes those who waited for the link.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/config.h"
#include "src/prog/log.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"

#define BEAT          (5 * CLOCK_S)
#define FLOOR_AHEAD_S 15
#define SLEEP_GAP     (2 * CLOCK_S)
#define SAMPLE_TRIES  3

static void start_probe(struct resolver *r);

/* ---- what readers of the map are told ---- */

void
linkctl_lease(struct resolver *r)
{
	uint32_t now = (uint32_t)resolver_boot_s(r);

	if (r->ports.publish != NULL)
		publish_lease(r->ports.publish, now,
		    link_is_online(&r->link) ? 0 : now + FLOOR_AHEAD_S);
}

/* ---- changes ---- */

static void
log_change(const struct resolver *r)
{
	const struct link *l = &r->link;
	int64_t next;

	if (link_is_online(l)) {
		log_info("link: online uri=%s",
		    r->config->uri != NULL ? r->config->uri : "-");
		return;
	}
	next = (l->next_try - r->ts->now.mono_ns + CLOCK_S - 1) / CLOCK_S;
	log_warn("link: offline reason=\"%s\"%s%s%s next_try=%" PRIi64 "s",
	    idp_reason_text(l->reason), l->detail[0] != '\0' ? " detail=\"" : "",
	    l->detail, l->detail[0] != '\0' ? "\"" : "", next > 0 ? next : 0);
}

void
linkctl_fetch_overridden(struct resolver *r)
{
	size_t i;

	for (i = 0; i < r->filter.n_override; i++) {
		struct name name = r->filter.override[i];

		if (cache_user_find(&r->cache, &name) != NULL ||
		    cache_group_find(&r->cache, &name) != NULL)
			continue;
		if (name.kind != NAME_UUID)
			name_strip_domain(&name, r->cache.own_domain);
		fetch_id_behind(r, KIND_USER, name.text);
		fetch_id_behind(r, KIND_GROUP, name.text);
	}
}

static void
came_online(struct resolver *r)
{
	negative_clear(&r->negative);
	if (r->ports.publish != NULL)
		publish_negatives_clear(r->ports.publish);
	linkctl_fetch_overridden(r);
	prefetch_link_is_up(r);
}

static void
went_offline(struct resolver *r)
{
	/* Who was "not found" while we lost our rights may be there all the same. */
	if (r->link.refused)
		leftout_clear(&r->leftouts);
	fetch_flush(r);
}

static void
arm(struct resolver *r)
{
	int64_t delay = r->link.next_try - r->ts->now.mono_ns;

	if (r->link.state != LINK_OFFLINE || r->link.probing)
		return;
	timers_set(r->ts, &r->probe_timer, delay > 0 ? delay : 0);
}

void
linkctl_do(struct resolver *r, unsigned what)
{
	bool online = link_is_online(&r->link);

	if ((what & LINK_DO_PROBE) != 0)
		start_probe(r);
	arm(r);
	if ((what & LINK_DO_TELL) != 0) {
		log_change(r);
		linkctl_lease(r);
		resolver_tell(r);
		if (online)
			came_online(r);
		else
			went_offline(r);
	}
	fetch_pump(r);
}

void
linkctl_heard(struct resolver *r)
{
	linkctl_do(r, link_heard(&r->link, r->ts->now.mono_ns));
}

/* ---- probes ---- */

static bool
is_doubted(const struct resolver *r, const struct uuid *uuid)
{
	char text[UUID_TEXT_LEN + 1];
	const struct flight *f;

	uuid_format(uuid, text);
	f = flight_find(&r->flights, KIND_USER, text);
	return f != NULL && f->state == FLIGHT_JUDGED;
}

/* Somebody the server has told us about, other than those it now says are gone. */
static bool
choose_sample(struct resolver *r, char text[UUID_TEXT_LEN + 1])
{
	struct cache_user *cu;
	size_t pos, looked = 0;

	if (r->has_sample && !is_doubted(r, &r->sample) && r->sample_tries == 0) {
		uuid_format(&r->sample, text);
		return true;
	}
	for (cu = cache_user_any(&r->cache, &pos); cu != NULL && looked < 1024;
	     cu = cache_user_any_next(&r->cache, cu, &pos), looked++) {
		if (is_doubted(r, &cu->u->uuid) ||
		    (r->sample_tries > 0 && uuid_equal(&cu->u->uuid, &r->sample)))
			continue;
		r->sample = cu->u->uuid;
		r->has_sample = true;
		uuid_format(&cu->u->uuid, text);
		return true;
	}
	return false;
}

static void
tell_probe_waiters(struct resolver *r)
{
	struct list waiting;

	list_init(&waiting);
	list_move_all(&waiting, &r->probes);
	ask_landed(r, &waiting, LANDED_NOT);
}

static void
on_probe(void *arg, const struct idp_result *res)
{
	struct resolver *r;
	struct flight *none;

	if (!request_end(arg, &r, &none))
		return;
	r->probe = NULL;
	if (res->reason == IDP_CANCELLED) {
		r->link.probing = false;
		timers_set(r->ts, &r->probe_timer, 1 * CLOCK_S);
		return;
	}
	/* The sample itself may be what is gone: ask about another one before believing. */
	if (res->reason == IDP_NO_RIGHTS && r->has_sample &&
	    ++r->sample_tries < SAMPLE_TRIES && cache_n_users(&r->cache) > 1) {
		start_probe(r);
		return;
	}
	r->sample_tries = 0;
	if (res->class == IDP_FOUND) {
		r->rights_at = r->ts->now.mono_ns;
		resolver_check_domain(r);
	}
	linkctl_do(r,
	    link_probe_done(&r->link, r->ts->now.mono_ns, res, resolver_random(r)));
	/* Nothing changed but the time of the next try, which systemctl shows. */
	if (res->class != IDP_FOUND)
		resolver_tell(r);
	forget_verdict(r, res->class == IDP_FOUND);
	tell_probe_waiters(r);
}

static void
start_probe(struct resolver *r)
{
	char sample[UUID_TEXT_LEN + 1];
	bool has = choose_sample(r, sample);

	timers_unset(r->ts, &r->probe_timer);
	link_probe_begun(&r->link, r->ts->now.mono_ns);
	r->n_probes++;
	r->probe = request_new(r, NULL);
	idp_probe(r->ports.idp, has ? sample : NULL, on_probe, r->probe);
}

unsigned
linkctl_proof(struct resolver *r)
{
	if (r->probe != NULL)
		return r->n_probes + 1;
	start_probe(r);
	return r->n_probes;
}

/* ---- time ---- */

static void
on_probe_timer(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, probe_timer);

	if (r->link.state == LINK_OFFLINE)
		linkctl_do(r, link_tick(&r->link, r->ts->now.mono_ns));
	else if (r->link.state != LINK_ONLINE && r->probe == NULL)
		linkctl_do(r, LINK_DO_PROBE);
}

void
linkctl_look_at_clock(struct resolver *r)
{
	int64_t gap = r->ts->now.boot_ns - r->ts->now.mono_ns;

	if (gap - r->clock_gap > SLEEP_GAP) {
		r->clock_gap = gap;
		linkctl_do(r, link_resumed(&r->link, r->ts->now.mono_ns));
		linkctl_lease(r);
	}
}

static void
on_beat(struct timer *t)
{
	struct resolver *r = container_of(t, struct resolver, beat_timer);

	linkctl_look_at_clock(r);
	linkctl_lease(r);
	enumerate_rest(r);
	timers_set(r->ts, &r->beat_timer, BEAT);
}

static void
on_pump(struct timer *t)
{
	fetch_pump(container_of(t, struct resolver, pump_timer));
}

void
linkctl_start(struct resolver *r)
{
	timer_init(&r->probe_timer, on_probe_timer);
	timer_init(&r->beat_timer, on_beat);
	timer_init(&r->pump_timer, on_pump);
	r->clock_gap = r->ts->now.boot_ns - r->ts->now.mono_ns;
	linkctl_do(r, link_init(&r->link, r->ts->now.mono_ns));
	linkctl_lease(r);
	timers_set(r->ts, &r->beat_timer, BEAT);
}

void
linkctl_stop(struct resolver *r)
{
	timers_unset(r->ts, &r->probe_timer);
	timers_unset(r->ts, &r->beat_timer);
	timers_unset(r->ts, &r->pump_timer);
}
