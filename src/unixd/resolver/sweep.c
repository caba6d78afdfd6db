/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Everything is looked at again, because the rules have changed: somebody edited
 * /etc/passwd, or the configuration. A hundred thousand records take a good part of a
 * second, and whoever asks meanwhile does not wait for that: they are shown in slices, a
 * number (people.h) being the place to go on at. What is new or changes meanwhile is shown
 * by whoever brings it.
 *
 * What must not be seen for another moment does not wait for its slice: entries whose name
 * or number this host has itself are judged first, all at once; and of whom such a group's
 * number was given to, the records go out of the map until their turn comes.
 *
 * The first time is the same on a host that knows many: their lookups are answered as soon
 * as their records are loaded, and the map, which holds everybody or is not there, follows.
 */
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/resolver/internal.h"

/* Time is looked at each STEP entries; the number keeps a slice short under any clock. */
#define SLICE_NS   (1 * CLOCK_MS)
#define SLICE_MOST 512u
#define STEP       64u
#define BETWEEN_NS (1 * CLOCK_MS)
/* Who starts with no more people than this has them in the map when the first lookup comes:
 * 20 ms. */
#define AT_ONCE 2048u
/* A group that is a slice by itself, or more. */
#define LARGE 4096u

static void
hide_carriers(struct resolver *r, struct cache_group *cg)
{
	struct cache_user *cu;
	size_t pos = 0;

	cg->given = false;
	while ((cu = cache_carrier(&r->cache, cg, &pos)) != NULL)
		show_hide_user(r, cu);
}

static void
judge_group_now(struct resolver *r, struct cache_group *cg)
{
	if (cg == NULL || view_judge_group(r, cg) == VERDICT_SHOWN)
		return;
	if (cg->given)
		hide_carriers(r, cg);
	show_hide_group(r, cg);
}

/* One line of /etc/passwd or /etc/group: here name and number of either kind count. */
static void
judge_line(void *arg, const char *name, uint32_t id)
{
	struct resolver *r = arg;
	struct cache_user *cu = cache_user_by_key(&r->cache, name);

	if (cu != NULL)
		show_user(r, cu);
	cu = cache_user_by_uid(&r->cache, id);
	if (cu != NULL)
		show_user(r, cu);
	judge_group_now(r, cache_group_by_key(&r->cache, name));
	judge_group_now(r, cache_group_by_gid(&r->cache, id));
}

/* True: to be continued. */
static bool
slice(struct resolver *r)
{
	int64_t until = clock_mono_ns() + SLICE_NS;
	struct cache_user *cu;
	size_t n = 0;

	while (r->sweep.at < r->cache.people.n) {
		cu = people_user(&r->cache.people, r->sweep.at++);
		if (cu == NULL)
			continue;
		show_user(r, cu);
		n++;
		if (n == SLICE_MOST || (n % STEP == 0 && clock_mono_ns() >= until))
			return true;
	}
	return false;
}

static void
go_on(struct resolver *r)
{
	if (slice(r)) {
		timers_set(r->ts, &r->sweep.timer, BETWEEN_NS);
		return;
	}
	/* Rules that changed twice: the slice that was due is done as well. */
	timers_unset(r->ts, &r->sweep.timer);
	r->sweep.at = 0;
	if (r->sweep.as_first)
		show_flush_groups(r);
	else
		show_all_groups(r);
}

static void
on_timer(struct timer *t)
{
	go_on(container_of(t, struct resolver, sweep.timer));
}

void
sweep_init(struct resolver *r)
{
	r->sweep.at = 0;
	r->sweep.first = r->sweep.as_first = false;
	timer_init(&r->sweep.timer, on_timer);
}

void
sweep_begin(struct resolver *r, bool loaded)
{
	if (r->ports.publish == NULL || cache_n_users(&r->cache) <= AT_ONCE) {
		show_all(r);
		if (r->ports.publish != NULL && publish_commit(r->ports.publish) < 0)
			log_warn("map: not written: %s",
			    publish_trouble(r->ports.publish));
		return;
	}
	r->sweep.first = true;
	r->sweep.as_first = loaded;
	/* One group is one piece: nobody is waiting for an answer so far. */
	show_large_groups(r, LARGE);
	r->sweep.at = 1;
	timers_set(r->ts, &r->sweep.timer, BETWEEN_NS);
	publish_put_off(r->ports.publish);
}

void
sweep_shown(struct resolver *r)
{
	if (!r->sweep.first || r->sweep.at != 0)
		return;
	r->sweep.first = r->sweep.as_first = false;
	if (r->ports.publish != NULL)
		publish_begin(r->ports.publish);
}

void
sweep_deinit(struct resolver *r)
{
	timers_unset(r->ts, &r->sweep.timer);
}

void
sweep_rules_changed(struct resolver *r)
{
	if (r->ports.publish == NULL)
		return;
	local_each_user(r->ports.local, judge_line, r);
	local_each_group(r->ports.local, judge_line, r);
	r->sweep.as_first = false;
	r->sweep.at = 1;
	go_on(r);
}

static void
hide_now_show_later(struct resolver *r, struct cache_group *cg)
{
	if (r->ports.publish == NULL || r->loading)
		return;
	hide_carriers(r, cg);
	r->sweep.at = 1;
	timers_set(r->ts, &r->sweep.timer, BETWEEN_NS);
}

void
sweep_group_has_another_gid(struct resolver *r, struct cache_group *cg)
{
	struct cache_user *cu;
	size_t pos = 0;

	if (cg->cast.n > SLICE_MOST) {
		hide_now_show_later(r, cg);
		return;
	}
	while ((cu = cache_carrier(&r->cache, cg, &pos)) != NULL)
		show_user(r, cu);
}

void
sweep_group_loses_its_gid(struct resolver *r, struct cache_group *cg)
{
	if (cg->given)
		hide_now_show_later(r, cg);
}
