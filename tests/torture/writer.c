/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Says what it is about to do, does it, and says so. Time is what makes the writer hold back
 * (ten seconds between generations, one between versions of a group), and time comes from
 * the clock of its timers: here it passes as fast as there is something to do. Only
 * CLOCK_BOOTTIME is the real one, because readers have no other.
 *
 * Slices of a build end after a few entries instead of two milliseconds, so that changes
 * fall between them.
 */
#include "torture/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/unixd/local/local.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/publish/state.h"
#include "torture/record.h"

#define FRESH_S    600u
#define ROOM       32768u /* more than any record takes */
#define LEASE_EACH 200000000
#define SLICE_STEP (CLOCK_MS / 8)

struct writer {
	struct shared *s;
	struct timers ts;
	struct publish_settings settings;
	struct publish *p;
	struct local *local;
	uint32_t seed;
	int64_t leased_ns;
	bool is_local[N_LOCAL]; /* as the file says */
	bool local_moves;       /* the map does not say so yet */
};

static struct writer writer;

int64_t __real_clock_mono_ns(void);
int64_t __wrap_clock_mono_ns(void);
void __real_publish_withdraw(struct publish *p, struct gen *g);
void __wrap_publish_withdraw(struct publish *p, struct gen *g);

static int64_t slice_ns;

/* Each look at the clock is an eighth of a millisecond after the last one. */
int64_t
__wrap_clock_mono_ns(void)
{
	if (slice_ns == 0)
		return __real_clock_mono_ns();
	slice_ns += SLICE_STEP;
	return slice_ns;
}

static uint32_t
dice(struct writer *w, uint32_t n)
{
	return shared_random(&w->seed) % n;
}

static uint32_t
until(const struct writer *w, uint32_t seconds)
{
	return (uint32_t)clock_boot_s(&w->ts.now) + seconds;
}

/* Somebody may find no place in the file, before it happens. */
static void
watch_room(struct writer *w)
{
	const struct gen *g = &w->p->cur;

	if (g->base != NULL && g->len - g->used < ROOM)
		shared_set(&w->s->tight_at, shared_boot_now());
}

static void
has_no_file(const struct writer *w)
{
	shared_set(&w->s->tight_at, shared_boot_now());
	shared_set(&w->s->lost_at, shared_boot_now());
}

/* The file of the writer before, when there is no space for the first of this one. */
void
__wrap_publish_withdraw(struct publish *p, struct gen *g)
{
	has_no_file(&writer);
	__real_publish_withdraw(p, g);
}

static void
about_to(struct writer *w, uint32_t who, uint32_t state)
{
	watch_room(w);
	shared_set(&w->s->name[who].next, state);
}

static void
has_done(struct writer *w, uint32_t who)
{
	shared_set(&w->s->name[who].done, w->s->name[who].next);
	shared_count(w->s, C_VERSIONS);
}

static uint32_t
next_record(const struct writer *w, uint32_t who)
{
	return (w->s->name[who].next / 4 + 1) * 4;
}

static void
put(struct writer *w, uint32_t who)
{
	static struct person person;
	static struct crew crew;
	uint32_t version = w->s->name[who].next;
	uint32_t fresh = dice(w, 50) == 0 ? 1 : until(w, FRESH_S);

	if (who < N_PEOPLE) {
		record_person(&person, who, version);
		publish_user(w->p, &person.view, person.keys, 2, fresh);
	} else {
		record_crew(&crew, who, version);
		publish_group(w->p, &crew.view, &crew.key, 1, fresh);
	}
}

static void
change(struct writer *w, uint32_t who)
{
	about_to(w, who, next_record(w, who));
	put(w, who);
	has_done(w, who);
}

/* Two versions within a second: the first waits and is overtaken. */
static void
change_group(struct writer *w, uint32_t who)
{
	about_to(w, who, next_record(w, who));
	put(w, who);
	if (dice(w, 4) == 0) {
		about_to(w, who, next_record(w, who));
		put(w, who);
	}
	w->ts.now.mono_ns += 2 * CLOCK_S;
	timers_run(&w->ts);
	has_done(w, who);
}

static void
clear_negatives(struct writer *w)
{
	for (uint32_t who = N_ALWAYS; who < N_ALWAYS + N_GOING; who++)
		if (w->s->name[who].next % 4 == 2)
			about_to(w, who, w->s->name[who].next + 1);
	publish_negatives_clear(w->p);
	for (uint32_t who = N_ALWAYS; who < N_ALWAYS + N_GOING; who++)
		if (w->s->name[who].next % 4 == 3)
			has_done(w, who);
}

static void
come_or_go(struct writer *w, uint32_t who)
{
	uint32_t state = w->s->name[who].next;
	char name[48];

	switch (state % 4) {
	case 0:
		about_to(w, who, state + 1);
		publish_remove(w->p, PUBLISH_USER, FIRST_UID + who);
		has_done(w, who);
		break;
	case 1:
		about_to(w, who, state + 1);
		record_name(name, sizeof(name), who);
		publish_negative(w->p, PUBLISH_USER, name, 0, until(w, 60));
		record_alias(name, sizeof(name), who);
		publish_negative(w->p, PUBLISH_USER, name, 0, until(w, 60));
		publish_negative(w->p, PUBLISH_USER, NULL, FIRST_UID + who, until(w, 60));
		has_done(w, who);
		break;
	case 2:
		if (dice(w, 3) == 0)
			clear_negatives(w);
		else
			change(w, who);
		break;
	default:
		change(w, who);
		break;
	}
}

static void
write_local(const struct writer *w)
{
	FILE *f = fopen(WRITER_PASSWD, "we");

	if (f == NULL)
		abort();
	(void)fputs("root:x:0:0::/:/bin/sh\n", f);
	for (uint32_t i = 0; i < N_LOCAL; i++) {
		uint32_t who = N_ALWAYS + N_GOING + i, id = FIRST_UID + who;

		if (w->is_local[i])
			(void)fprintf(f, "p%03u:x:%u:%u::/:/bin/sh\n", who, id, id);
	}
	(void)fclose(f);
}

static void
publish_locals(struct writer *w)
{
	write_local(w);
	w->local = local_free(w->local);
	w->local = local_new(WRITER_PASSWD, WRITER_GROUP);
	publish_local(w->p, w->local, NULL);
}

/* Somebody becomes a local account, or is none any more. */
static void
change_local(struct writer *w, uint32_t i)
{
	uint32_t who = N_ALWAYS + N_GOING + i;

	if (w->local_moves)
		return;
	about_to(w, who, w->s->name[who].next + 2);
	w->is_local[i] = !w->is_local[i];
	w->local_moves = true;
	publish_locals(w);
}

/* The map of these local accounts has been renamed into place. */
static void
locals_have_moved(struct writer *w)
{
	if (!w->local_moves || w->p->local_is_newer)
		return;
	w->local_moves = false;
	for (uint32_t i = 0; i < N_LOCAL; i++) {
		uint32_t who = N_ALWAYS + N_GOING + i;

		if (w->s->name[who].next == w->s->name[who].done)
			continue;
		if (!w->is_local[i])
			put(w, who);
		has_done(w, who);
	}
}

static void
anything(struct writer *w)
{
	uint32_t how = dice(w, 100), who;

	if (how < 60) {
		change(w, dice(w, N_ALWAYS));
	} else if (how < 75) {
		come_or_go(w, N_ALWAYS + dice(w, N_GOING));
	} else if (how < 85) {
		change_group(w, N_PEOPLE + dice(w, N_GROUPS));
	} else if (how < 86) {
		change_local(w, dice(w, N_LOCAL));
	} else {
		who = dice(w, N_ALWAYS);
		publish_touch(w->p, PUBLISH_USER, FIRST_UID + who,
		    dice(w, 8) == 0 ? 1 : until(w, FRESH_S));
	}
}

static void
tick(struct writer *w)
{
	struct publish_stats stats;
	size_t was;

	publish_stats(w->p, &stats);
	was = stats.generations;
	w->ts.now.boot_ns = clock_boot_ns();
	w->ts.now.mono_ns += CLOCK_MS * 2;
	watch_room(w);
	if (w->p->cur.base == NULL)
		has_no_file(w);
	timers_run(&w->ts);
	locals_have_moved(w);
	publish_stats(w->p, &stats);
	for (; was < stats.generations; was++)
		shared_count(w->s, C_GENERATIONS);
	if (w->ts.now.boot_ns - w->leased_ns < LEASE_EACH)
		return;
	w->leased_ns = w->ts.now.boot_ns;
	publish_lease(w->p, until(w, 0) + LEASE_AHEAD - KU_MAP_LEASE,
	    dice(w, 4) == 0 ? until(w, 30) : 0);
}

/* In one piece, or in slices with changes between them. */
static void
new_generation(struct writer *w)
{
	w->settings.offline_limit_s ^= 1;
	publish_reconfigure(w->p, &w->settings);
	w->ts.now.mono_ns += 11 * CLOCK_S;
	if (dice(w, 3) == 0) {
		(void)publish_commit(w->p);
		locals_have_moved(w);
		shared_count(w->s, C_GENERATIONS);
		return;
	}
	for (int i = 0; i < 2000 && w->p->wanted && w->p->failed == 0; i++) {
		anything(w);
		tick(w);
	}
}

/* cache-clear: the file is withdrawn, everything is published again. */
static void
clear_all(struct writer *w)
{
	has_no_file(w);
	publish_clear(w->p);
	for (uint32_t who = 0; who < N_NAMES; who++) {
		if (who >= N_ALWAYS && who < N_PEOPLE)
			continue;
		about_to(w, who, next_record(w, who));
		put(w, who);
		has_done(w, who);
	}
	w->ts.now.mono_ns += 11 * CLOCK_S;
	(void)publish_commit(w->p);
	has_no_file(w);
}

/* Everybody again, as a daemon that is started has it from its database. */
static void
begin(struct writer *w)
{
	w->settings = (struct publish_settings){ .path = KU_PATH_MAP,
		.own_domain = OWN_DOMAIN,
		.offline_limit_s = 3600,
		.max_ttl_s = 900 };
	timers_init(&w->ts);
	w->ts.now.boot_ns = clock_boot_ns();
	w->ts.now.mono_ns = clock_mono_ns();
	w->p = publish_new(&w->ts, &w->settings);
	publish_locals(w);
	for (uint32_t who = 0; who < N_NAMES; who++) {
		about_to(w, who, next_record(w, who));
		put(w, who);
	}
	publish_lease(w->p, until(w, 0) + LEASE_AHEAD - KU_MAP_LEASE, 0);
	while (publish_commit(w->p) != 0 && shared_get(&w->s->stop) == 0) {
		has_no_file(w);
		w->ts.now.mono_ns += 11 * CLOCK_S;
	}
	for (uint32_t who = 0; who < N_NAMES; who++)
		has_done(w, who);
	shared_count(w->s, C_GENERATIONS);
	shared_set(&w->s->begun, 1);
	slice_ns = 1;
}

int
writer_run(struct shared *s, uint32_t seed)
{
	struct writer *w = &writer;

	w->s = s;
	w->seed = seed | 1;
	begin(w);
	while (shared_get(&s->stop) == 0) {
		anything(w);
		tick(w);
		if (dice(w, 300) == 0)
			new_generation(w);
		if (dice(w, 20000) == 0)
			clear_all(w);
	}
	w->p = publish_free(w->p);
	w->local = local_free(w->local);
	timers_deinit(&w->ts);
	return 0;
}
