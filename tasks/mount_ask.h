/* SPDX-License-Identifier: MPL-2.0 */
/*
 * home_strategy = bind_mount: asking kanidm-unixd-mount, which alone may mount. The request
 * is TASK_HOME once more, from this process to that one, with the same reply.
 */
#pragma once

#include "src/base/attr.h"
#include "tasks/request.h"

/* 0, or -errno and *why: also when nobody listens at the socket, or not root. */
int must_use_ mount_ask(const char *sock_path, const struct request *r, struct why *why);

/* The body of the request; the inverse of request_decode(). Returns its length. */
size_t mount_ask_encode(const struct request *r, void *buf, size_t cap);
