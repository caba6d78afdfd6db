/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reading the clocks, in one place, so that nothing else of the daemon asks the kernel what
 * time it is: what takes the time as a value can be replayed.
 */
#include "src/unixd/core/clock.h"

#include <time.h>

static int64_t
read_one(clockid_t id)
{
	struct timespec ts = { 0 };

	/* These three clocks exist on every kernel we run on. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * CLOCK_S + (int64_t)ts.tv_nsec;
}

void
clock_read(struct clock *c)
{
	c->mono_ns = read_one(CLOCK_MONOTONIC);
	c->boot_ns = read_one(CLOCK_BOOTTIME);
	c->wall_ns = read_one(CLOCK_REALTIME);
}
