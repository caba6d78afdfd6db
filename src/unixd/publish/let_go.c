/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whoever unmaps a file last that has no name any more gives its pages back, in one piece: at
 * a hundred thousand accounts ten milliseconds, in which the loop would answer nobody. Large
 * files are therefore let go on a thread of their own, which begins with the first of them; a
 * host of ordinary size never has it.
 */
#include "src/unixd/publish/let_go.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/lane.h"
#include "src/unixd/publish/gen_file.h"

#define LARGE (4u << 20)
/* The address space is locked while pages leave it: a part at a time. */
#define PIECE (1u << 20)

struct job {
	struct lane_job lane;
	struct gen gen;
};

static void
run(struct lane_job *lane)
{
	struct gen *g = &container_of(lane, struct job, lane)->gen;

	for (; g->len > PIECE; g->base += PIECE, g->len -= PIECE)
		(void)munmap(g->base, PIECE);
	gen_file_unmap(g);
}

static void
done(struct lane_job *lane)
{
	free(container_of(lane, struct job, lane));
}

void
let_go(struct let_go *l, struct gen *g)
{
	struct job *job;

	if (g->file_len < LARGE || l->loop == NULL ||
	    (l->lane == NULL && lane_new(l->loop, "map", 1, 0, &l->lane) != 0)) {
		gen_file_unmap(g);
		return;
	}
	job = xcalloc(1, sizeof(*job));
	job->lane = (struct lane_job){ .run = run, .done = done };
	job->gen = *g;
	*g = (struct gen){ 0 };
	if (lane_post(l->lane, &job->lane) == 0)
		return;
	gen_file_unmap(&job->gen);
	free(job);
}

void
let_go_deinit(struct let_go *l)
{
	if (l->lane != NULL)
		l->lane = lane_free(l->lane, true);
}
