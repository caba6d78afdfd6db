/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The time as a value. The loop reads the clocks once per turn and everything that runs in
 * that turn sees the same moment; replay tests set it by hand.
 *
 * mono	CLOCK_MONOTONIC: timers, budgets
 * boot	CLOCK_BOOTTIME: freshness (suspend counts, wall-clock steps do not)
 * wall	CLOCK_REALTIME: only for what is kept across a reboot
 */
#pragma once

#include <stdint.h>

struct clock {
	int64_t mono_ns;
	int64_t boot_ns;
	int64_t wall_ns;
};

#define CLOCK_MS INT64_C(1000000)
#define CLOCK_S  INT64_C(1000000000)

void clock_read(struct clock *c);

static inline int64_t
clock_boot_s(const struct clock *c)
{
	return c->boot_ns / CLOCK_S;
}
