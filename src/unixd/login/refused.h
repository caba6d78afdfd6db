/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The server's soft lock, as far as one can know it from outside: after a refusal it
 * refuses that account for a while, the right password too. Kept per account, and for names
 * of nobody as well, who must not be told apart by the time an answer takes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name;

#define REFUSED_GHOSTS    1024u
#define REFUSED_MARGIN_MS 200 /* after a lock should have ended */
#define REFUSED_ANSWER_MS 300 /* what the server needs then */

struct refused {
	unsigned n;    /* refusals that the server counts, this day */
	int64_t day;   /* UTC */
	int64_t at_ns; /* mono: the last of them */
};

/*
 * A refusal of what was asked at asked_ns: when is it worth asking again (mono ns), so that
 * the answer is there by late_ns? 0: it is not; no lock is known that explains it, or it
 * takes too long.
 */
int64_t refused_again_at(const struct refused *r, int64_t wall_s, int64_t asked_ns,
    int64_t late_ns);
/* One more refusal, unless a lock explains it: those the server does not count. */
void refused_note(struct refused *r, int64_t wall_s, int64_t asked_ns, int64_t now_ns);

/* Names that nobody has, by keyed hash: the text may be a password. */
struct refused_ghosts {
	struct {
		uint64_t hash;
		struct refused refused;
	} v[REFUSED_GHOSTS];
};
/* The one of this name; it may have been another's, when there are too many. */
struct refused *refused_ghost(struct refused_ghosts *g, const struct name *name);
