/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the unit of the tasks daemon must be granted for homes outside of /home, as a
 * drop-in. Only text: who writes it where is generator.c.
 */
#pragma once

#include "src/prog/config.h"

typedef void dropin_refused_fn(void *arg, const char *prefix, const char *why);

/*
 * The drop-in for home_prefix and home_mount_prefix, newly allocated; NULL when the unit as
 * it is will do. A prefix that nobody's homes can be in (the root, /etc, what systemd could
 * not read) is left out, and refused() is told.
 */
char *dropin_text(const struct config *c, dropin_refused_fn *refused, void *arg);
