/* SPDX-License-Identifier: MPL-2.0 */
/* The subcommands. Each returns its exit code. */
#pragma once

#include <stdbool.h>

#include "tools/tool.h"

int cmd_status(const struct tool *t, bool verbose);
int cmd_explain(const struct tool *t, const char *name);
/* 0: nothing is an error, 1: something is, 2: the result could not be printed. */
int cmd_check(const struct tool *t, bool verbose);
int cmd_cache_invalidate(const struct tool *t);
int cmd_cache_clear(const struct tool *t, bool really);
int cmd_accept_id(const struct tool *t, const char *name);
/* Both phases are run whatever the first one says. 0 only when both succeeded. */
int cmd_auth_test(const struct tool *t, const char *name);

/* One key per line on t->out. 0, or -errno when the daemon did not answer; KU_ST_* other
 * than OK is written to *ret_status. */
int cmd_ssh_keys(const struct tool *t, const char *name, uint16_t *ret_status);
