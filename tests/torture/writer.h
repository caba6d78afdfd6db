/* SPDX-License-Identifier: MPL-2.0 */
/* The process that publishes, with the daemon's own writer, as fast as it can. */
#pragma once

#include "torture/shared.h"

/* The local accounts of this run; bound over /etc/passwd and /etc/group. */
#define WRITER_PASSWD "/run/torture-passwd"
#define WRITER_GROUP  "/run/torture-group"

/* Until it is killed, or shared->stop. Begins where the one before it ended. */
int writer_run(struct shared *s, uint32_t seed);
