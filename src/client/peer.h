/* SPDX-License-Identifier: MPL-2.0 */
/* Is the daemon at the other end? Internal to src/client. */
#pragma once

#include "src/base/attr.h"

/*
 * `fd` is connected to the socket at `path`. 0: the peer is root or the owner of the
 * socket's directory, and nobody else could have put a socket there. -EPERM: it is not, or
 * it cannot be told. errno is not kept.
 */
int must_use_ peer_verify(int fd, const char *path);
