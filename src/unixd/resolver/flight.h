/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One fetch per kind and id, however many wait for it. A flight is queued, then running,
 * then perhaps held back until a 404 has been confirmed, then gone.
 *
 * How many run: 16 keep a server busy that answers at once, and more would only wait there.
 * One that has been out for 20 ms waits for something else (distance, another server), so it
 * makes room for a further one, up to 64: fifty people at once take as long as one.
 *
 * Who comes first: what somebody waits for before what is refreshed behind, which never takes
 * more than eight places; and those who wait take turns by uid, so that a user who asks for
 * thousands of names delays nobody else by more than one of them. Nor does one uid take the
 * last eight places. What nobody waits for any more, or never did, fills no more than half
 * of the room, so that thousands of old records never turn away a name that is not known yet.
 *
 * Nothing is asked here; fetch.c does that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/uuid.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"
#include "src/unixd/resolver/negative.h"

#define FLIGHT_MAX     1024
#define FLIGHT_UNASKED (FLIGHT_MAX / 2)
#define FLIGHT_WAITERS 4096
#define FLIGHT_RUNNING 64
#define FLIGHT_QUICK   16
#define FLIGHT_SLOW_NS 20000000
#define FLIGHT_BEHIND  8
#define FLIGHT_ASKER   (FLIGHT_RUNNING - 8)

enum flight_state {
	FLIGHT_QUEUED,
	FLIGHT_ASKED,
	FLIGHT_JUDGED, /* answered 404; waiting for proof that we may know */
};

struct flight {
	struct hmap_node node;
	struct list place;   /* in one of the lists below */
	struct list waiters; /* struct waiter.link */
	enum flight_state state;
	enum kind kind;
	bool foreground; /* somebody waited when it was queued, or since */
	bool quiet;      /* only logins asked: a 404 is not published */
	bool wanted;     /* begun for its own sake, not for somebody who waits */
	bool ahead;      /* prefetch.c's: takes nobody's place, and it is told the end */
	bool of_record;  /* id is the UUID of a record that is in the cache */
	struct uuid uuid;
	unsigned proof; /* number of the probe that may prove the 404, when JUDGED */
	int64_t begun;  /* mono ns, when RUNNING */
	uid_t asker;    /* of the foreground: in whose name it stands in line */
	uint64_t turn;
	char id[];
};

struct flights {
	struct hmap table;
	struct list front; /* by turn */
	struct list back;
	struct list running; /* oldest first */
	struct list judged;
	size_t n;
	size_t n_running;
	size_t n_waiters;
	uid_t asker;   /* who asks for what is made or promoted next */
	uint64_t turn; /* of the last one of the front that was launched */
};

void flights_init(struct flights *fs);
/* All flights must have been landed. */
void flights_deinit(struct flights *fs);

struct flight *flight_find(const struct flights *fs, enum kind kind, const char *id);
/* A new one, queued, or NULL when there are too many. */
struct flight *flight_new(struct flights *fs, enum kind kind, const char *id,
    bool foreground);
/* Somebody waits now: before the refreshes, and no later than the asker's next turn. */
void flight_promote(struct flights *fs, struct flight *f);
/* The next to be asked when there is room, now running; NULL otherwise. */
struct flight *flight_launch(struct flights *fs, int64_t now);
/* In how many ns there is room because one that is out has become slow; -1: nobody waits
 * for that. */
int64_t flight_room_in(const struct flights *fs, int64_t now);
/* Running, then held back. */
void flight_judge(struct flights *fs, struct flight *f);
/* Takes it out of everything (its waiters stay linked to it). */
void flight_land(struct flights *fs, struct flight *f);
struct flight *flight_free(struct flight *f);
