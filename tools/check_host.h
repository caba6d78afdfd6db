/* SPDX-License-Identifier: MPL-2.0 */
/* Running a program that only prints, with a deadline: what check_host.run is on a host. */
#pragma once

#include <stddef.h>

#include "src/base/attr.h"

/* argv[0] is its path. What it printed on both streams is in buf, cut at cap - 1. Its exit
 * status; -ETIMEDOUT (it was ended) or another -errno. */
int must_use_ check_run_program(const char *const argv[], char *buf, size_t cap);
/* The same, for a program that may take longer. */
int must_use_ check_run_within(const char *const argv[], char *buf, size_t cap,
    int timeout_ms);
