/* SPDX-License-Identifier: MPL-2.0 */
/* The daemon as a whole: built bottom up, run, taken down top first. */
#pragma once

#include "src/base/attr.h"
#include "src/unixd/options.h"

/* Runs until SIGTERM or SIGINT. The exit code. Before the first call the process has one
 * thread. */
int must_use_ daemon_run(const struct options *o);
