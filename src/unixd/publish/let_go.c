/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whoever unmaps a file last that has no name any more gives its pages back, in one piece: at
 * a hundred thousand accounts ten milliseconds, in which the loop would answer nobody. Large
 * files, and the spill of a first generation that size, are therefore let go on a thread of
 * their own, which begins with the first of them; a host of ordinary size never has it.
 */
#include "src/unixd/publish/let_go.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/lane.h"

#define LARGE (4u << 20)
/* The address space is locked while pages leave it: a part at a time. */
#define PIECE (1u << 20)

struct job {
	struct lane_job lane;
	uint8_t *base;
	size_t len;
};

static void
run(struct lane_job *lane)
{
	struct job *job = container_of(lane, struct job, lane);

	for (; job->len > PIECE; job->base += PIECE, job->len -= PIECE)
		(void)munmap(job->base, PIECE);
	(void)munmap(job->base, job->len);
}

static void
done(struct lane_job *lane)
{
	free(container_of(lane, struct job, lane));
}

void
let_go_memory(struct let_go *l, uint8_t *base, size_t len, size_t held)
{
	struct job *job;

	if (base == NULL)
		return;
	if (held < LARGE || l->loop == NULL ||
	    (l->lane == NULL && lane_new(l->loop, "map", 1, 0, &l->lane) != 0)) {
		(void)munmap(base, len);
		return;
	}
	job = xcalloc(1, sizeof(*job));
	job->lane = (struct lane_job){ .run = run, .done = done };
	job->base = base;
	job->len = len;
	if (lane_post(l->lane, &job->lane) == 0)
		return;
	(void)munmap(base, len);
	free(job);
}

void
let_go(struct let_go *l, struct gen *g)
{
	let_go_memory(l, g->base, g->len, g->file_len);
	*g = (struct gen){ 0 };
}

void
let_go_deinit(struct let_go *l)
{
	if (l->lane != NULL)
		l->lane = lane_free(l->lane, true);
}
