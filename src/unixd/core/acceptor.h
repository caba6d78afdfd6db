/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One listening UNIX stream socket on the loop: at a path that is made and kept there, or
 * handed over by the service manager.
 */
#pragma once

#include "src/base/attr.h"

struct acceptor;
struct loop;

/* A new peer; non-blocking, close-on-exec, the callee's from now on. Must not close the
 * acceptor. */
typedef void (*acceptor_fn)(void *arg, int fd);

#define ACCEPTOR_WATCH_MS 5000 /* between looks whether the socket still has its name */

/*
 * Binds and listens at `path`, mode 0666; its directory is made (0755) when it is missing.
 * A socket file that nobody answers on is replaced. watch_ms 0: the default. -EADDRINUSE:
 * somebody does answer; -EEXIST: it is not a socket; -EINVAL: the path is too long; else
 * -errno.
 */
int must_use_ acceptor_bind(struct loop *l, const char *path, int watch_ms,
    acceptor_fn fn, void *arg, struct acceptor **ret_a);

/* A listening stream socket; owned from now on. Its path, when it has one, is written to
 * ret_path. -EINVAL when it is something else (then the caller keeps it). */
int must_use_ acceptor_adopt(struct loop *l, int fd, acceptor_fn fn, void *arg,
    char ret_path[108], struct acceptor **ret_a);

/* Removes the file, when it is ours still. */
struct acceptor *acceptor_close(struct acceptor *a);
