/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The control socket. A request is words, each ended by a zero byte, ended by shutdown;
 * the answer is "ok\n" or "error\n" and text. kanidm_devidmctl speaks it.
 */
#pragma once

#include "tests/devidm/server.h"

/* Starts the thread that serves the socket. Dies when it cannot be made. */
void control_start(struct server *srv, const char *path);
void control_stop(void);
/* One command; false when it failed. Text goes to out either way. */
bool control_run(struct server *srv, char *const *words, size_t n, struct text *out);
