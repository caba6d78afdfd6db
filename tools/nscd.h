/* SPDX-License-Identifier: MPL-2.0 */
/* What nscd keeps of people and groups is dropped together with what the daemon keeps. */
#pragma once

#include <stddef.h>

#include "tools/tool.h"

/* Has an nscd that runs on this host forget both, and says on `err` what came of it, a line
 * that begins with `cmd`. Nothing happens, and nothing is said, where none runs. */
void nscd_forget(const struct tool *t, const char *cmd);

/* The same below `root`, with `run` in the place of check_run_program(). */
void nscd_forget_on(const struct tool *t, const char *cmd, const char *root,
    int (*run)(const char *const argv[], char *buf, size_t cap));
