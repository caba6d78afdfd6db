/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fifty programs that ask for the same person at once are one question to the server, and
 * neither a thousand refreshes nor a thousand names of somebody else stand in front of the
 * one person who is logging in. Turns are numbers: each asker's flights in line have
 * consecutive ones, beginning where the line is when the first of them comes.
 */
#include "src/unixd/resolver/flight.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static uint64_t
hash_of(enum kind kind, const char *id)
{
	return hmap_hash(id, strlen(id)) ^ (uint64_t)kind;
}

void
flights_init(struct flights *fs)
{
	memset(fs, 0, sizeof(*fs));
	hmap_init(&fs->table);
	list_init(&fs->front);
	list_init(&fs->back);
	list_init(&fs->running);
	list_init(&fs->judged);
}

void
flights_deinit(struct flights *fs)
{
	hmap_deinit(&fs->table);
}

struct flight *
flight_find(const struct flights *fs, enum kind kind, const char *id)
{
	struct hmap_node *n = hmap_first(&fs->table, hash_of(kind, id));

	for (; n != NULL; n = hmap_same(n)) {
		struct flight *f = container_of(n, struct flight, node);

		if (f->kind == kind && streq(f->id, id))
			return f;
	}
	return NULL;
}

/* After what the asker has in line, else as if the line were empty of others. */
static uint64_t
next_turn(const struct flights *fs)
{
	for (struct list *it = fs->front.prev; it != &fs->front; it = it->prev) {
		const struct flight *f = container_of(it, struct flight, place);

		if (f->asker == fs->asker)
			return f->turn + 1;
	}
	return fs->turn + 1;
}

/* Behind all of the same turn. */
static void
line_up(struct flights *fs, struct flight *f, uint64_t turn)
{
	struct list *it = fs->front.prev;

	f->asker = fs->asker;
	f->turn = turn;
	while (it != &fs->front && container_of(it, struct flight, place)->turn > turn)
		it = it->prev;
	list_append(it->next, &f->place);
}

struct flight *
flight_new(struct flights *fs, enum kind kind, const char *id, bool foreground)
{
	size_t len = strlen(id) + 1;
	struct flight *f;

	if (fs->n >= (foreground ? FLIGHT_MAX : FLIGHT_UNASKED))
		return NULL;
	f = xcalloc(1, sizeof(*f) + len);
	memcpy(f->id, id, len);
	f->kind = kind;
	f->foreground = foreground;
	f->wanted = !foreground;
	f->quiet = true;
	list_init(&f->place);
	list_init(&f->waiters);
	if (foreground)
		line_up(fs, f, next_turn(fs));
	else
		list_append(&fs->back, &f->place);
	hmap_insert(&fs->table, &f->node, hash_of(kind, id));
	fs->n++;
	return f;
}

void
flight_promote(struct flights *fs, struct flight *f)
{
	uint64_t turn;

	if (f->state != FLIGHT_QUEUED) {
		f->foreground = true;
		return;
	}
	turn = next_turn(fs);
	if (f->foreground && (f->asker == fs->asker || f->turn <= turn))
		return;
	f->foreground = true;
	list_remove(&f->place);
	line_up(fs, f, turn);
}

static bool
is_slow(const struct flight *f, int64_t now)
{
	return now - f->begun >= FLIGHT_SLOW_NS;
}

static size_t
places(const struct flights *fs, int64_t now)
{
	size_t n = FLIGHT_QUICK;
	struct list *it;

	list_for_each(it, &fs->running) {
		if (n == FLIGHT_RUNNING ||
		    !is_slow(container_of(it, struct flight, place), now))
			break;
		n++;
	}
	return n;
}

static bool
has_enough(const struct flights *fs, uid_t asker)
{
	struct list *it;
	size_t n = 0;

	list_for_each(it, &fs->running) {
		const struct flight *f = container_of(it, struct flight, place);

		n += f->foreground && f->asker == asker;
	}
	return n >= FLIGHT_ASKER;
}

/* The first in line, unless its asker has enough; only one can. */
static struct flight *
first_of_front(const struct flights *fs)
{
	struct list *it = fs->front.next;
	struct flight *f = container_of(it, struct flight, place);
	uid_t asker = f->asker;

	if (fs->n_running < FLIGHT_ASKER || !has_enough(fs, asker))
		return f;
	for (; it != &fs->front; it = it->next) {
		f = container_of(it, struct flight, place);
		if (f->asker != asker)
			return f;
	}
	return NULL;
}

static struct flight *
next_to_launch(struct flights *fs, int64_t now)
{
	struct flight *f = NULL;

	if (!list_is_empty(&fs->front)) {
		if (fs->n_running < places(fs, now))
			f = first_of_front(fs);
		if (f != NULL)
			fs->turn = f->turn;
	} else if (!list_is_empty(&fs->back) && fs->n_running < FLIGHT_BEHIND) {
		f = container_of(fs->back.next, struct flight, place);
	}
	return f;
}

struct flight *
flight_launch(struct flights *fs, int64_t now)
{
	struct flight *f = next_to_launch(fs, now);

	if (f == NULL)
		return NULL;
	list_remove(&f->place);
	list_append(&fs->running, &f->place);
	f->state = FLIGHT_ASKED;
	f->begun = now;
	fs->n_running += !f->ahead;
	return f;
}

int64_t
flight_room_in(const struct flights *fs, int64_t now)
{
	struct list *it;

	if (list_is_empty(&fs->front) || fs->n_running >= FLIGHT_RUNNING)
		return -1;
	list_for_each(it, &fs->running) {
		const struct flight *f = container_of(it, struct flight, place);

		if (!is_slow(f, now))
			return f->begun + FLIGHT_SLOW_NS - now;
	}
	return -1;
}

static void
leave_running(struct flights *fs, struct flight *f)
{
	if (f->state == FLIGHT_ASKED)
		fs->n_running -= !f->ahead;
	list_remove(&f->place);
}

void
flight_judge(struct flights *fs, struct flight *f)
{
	leave_running(fs, f);
	list_append(&fs->judged, &f->place);
	f->state = FLIGHT_JUDGED;
}

void
flight_land(struct flights *fs, struct flight *f)
{
	leave_running(fs, f);
	hmap_remove(&fs->table, &f->node);
	f->state = FLIGHT_QUEUED;
	fs->n--;
}

struct flight *
flight_free(struct flight *f)
{
	free(f);
	return NULL;
}
