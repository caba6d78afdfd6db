/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Deadlines. The only place of the host-safe code that reads a clock for waiting, so that
 * "how long is left" has one rounding rule: up, because a wait that ends a fraction of a
 * millisecond early would be followed by another one of zero.
 */
#include "src/base/deadline.h"

#include <limits.h>
#include <time.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static int64_t
clock_read(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
clock_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t
clock_boot_ns(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

struct deadline
deadline_in_ms(int64_t ms)
{
	struct deadline d = { .at_ns = INT64_MAX };
	int64_t now = clock_mono_ns();

	if (ms < (INT64_MAX - now) / NS_PER_MS)
		d.at_ns = now + (ms > 0 ? ms : 0) * NS_PER_MS;
	return d;
}

int
deadline_left_ms(struct deadline d)
{
	int64_t now = clock_mono_ns();
	int64_t ms;

	if (d.at_ns <= now)
		return 0;
	ms = (d.at_ns - now - 1) / NS_PER_MS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}
