/* SPDX-License-Identifier: MPL-2.0 */
/* The loop of the daemon that makes homes. */
#pragma once

#include "src/base/attr.h"
#include "tasks/work.h"

/* Until SIGTERM or SIGINT. 0 or -errno. */
int must_use_ serve_run(struct work *w);

/* Answers one frame that was received on `fd`. 0, or -errno: the connection is of no use
 * any more. */
struct frame_header;
int must_use_ serve_answer(struct work *w, int fd, const struct frame_header *h,
    const void *body);
