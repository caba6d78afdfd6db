/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A second try within the lock of an account that exists is answered when the lock has
 * ended and the server was asked again, a second later. If names of nobody were answered at
 * once then, two quick tries would tell who exists. So they get a lock, too, which locks
 * nothing.
 */
#include "src/unixd/login/refused.h"

#include <string.h>

#include "src/base/name.h"
#include "src/unixd/core/clock.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/login/guess.h"

#define DAY_S 86400

static unsigned
today(const struct refused *r, int64_t wall_s)
{
	return r->day == wall_s / DAY_S ? r->n : 0;
}

/* Until when the lock lasts that was on when the question came; 0: there was none. */
static int64_t
locked_until(const struct refused *r, int64_t wall_s, int64_t asked_ns)
{
	unsigned n = today(r, wall_s);
	int64_t until = r->at_ns + guess_soft_lock_s(n) * CLOCK_S;

	return n > 0 && asked_ns < until ? until : 0;
}

int64_t
refused_again_at(const struct refused *r, int64_t wall_s, int64_t asked_ns,
    int64_t late_ns)
{
	int64_t until = locked_until(r, wall_s, asked_ns);

	if (until == 0)
		return 0;
	until += REFUSED_MARGIN_MS * CLOCK_MS;
	return until + REFUSED_ANSWER_MS * CLOCK_MS <= late_ns ? until : 0;
}

void
refused_note(struct refused *r, int64_t wall_s, int64_t asked_ns, int64_t now_ns)
{
	if (locked_until(r, wall_s, asked_ns) != 0)
		return;
	r->n = today(r, wall_s) + 1;
	r->day = wall_s / DAY_S;
	r->at_ns = now_ns;
}

struct refused *
refused_ghost(struct refused_ghosts *g, const struct name *name)
{
	uint64_t hash = hmap_hash(name->text, name->len);
	size_t i = hash % REFUSED_GHOSTS;

	if (g->v[i].hash != hash) {
		memset(&g->v[i], 0, sizeof(g->v[i]));
		g->v[i].hash = hash;
	}
	return &g->v[i].refused;
}
