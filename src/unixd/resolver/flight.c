/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Fifty programs that ask for the same person at once are one question to the server, and
 * a thousand refreshes do not stand in front of the one person who is logging in.
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

struct flight *
flight_new(struct flights *fs, enum kind kind, const char *id, bool foreground)
{
	size_t len = strlen(id) + 1;
	struct flight *f;

	if (fs->n >= FLIGHT_MAX)
		return NULL;
	f = xcalloc(1, sizeof(*f) + len);
	memcpy(f->id, id, len);
	f->kind = kind;
	f->foreground = foreground;
	f->wanted = !foreground;
	f->quiet = true;
	list_init(&f->place);
	list_init(&f->waiters);
	list_append(foreground ? &fs->front : &fs->back, &f->place);
	hmap_insert(&fs->table, &f->node, hash_of(kind, id));
	fs->n++;
	return f;
}

void
flight_promote(struct flights *fs, struct flight *f)
{
	if (f->foreground)
		return;
	f->foreground = true;
	if (f->state != FLIGHT_QUEUED)
		return;
	list_remove(&f->place);
	list_append(&fs->front, &f->place);
}

struct flight *
flight_launch(struct flights *fs, int64_t now)
{
	bool behind = list_is_empty(&fs->front);
	struct list *from = behind ? &fs->back : &fs->front;
	struct flight *f;

	if (fs->n_running >= (behind ? FLIGHT_BEHIND : FLIGHT_RUNNING) ||
	    list_is_empty(from))
		return NULL;
	f = container_of(from->next, struct flight, place);
	list_remove(&f->place);
	list_append(&fs->running, &f->place);
	f->state = FLIGHT_ASKED;
	f->begun = now;
	fs->n_running += !f->ahead;
	return f;
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
