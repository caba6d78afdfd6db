/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A moment on CLOCK_MONOTONIC by which something must have happened. Waits take a
 * deadline, never a timeout, so a loop over EINTR cannot wait longer than promised.
 */
#pragma once

#include <stdint.h>

struct deadline {
	int64_t at_ns;
};

/* CLOCK_MONOTONIC and CLOCK_BOOTTIME now, in nanoseconds. */
int64_t clock_mono_ns(void);
int64_t clock_boot_ns(void);

struct deadline deadline_in_ms(int64_t ms);

/* Milliseconds left, rounded up, never negative: what poll(2) takes. */
int deadline_left_ms(struct deadline d);
