/* SPDX-License-Identifier: MPL-2.0 */
/* The other program: bind mounts instead of links, by a process that may do only that. */
#pragma once

#include "src/base/attr.h"
#include "tasks/alias.h"
#include "tasks/prefix.h"
#include "tasks/work.h"

/* Serves the socket that systemd passes, until nobody has asked for a while. 0 or -errno. */
int must_use_ mount_serve(struct work *w);
