/* SPDX-License-Identifier: MPL-2.0 */
/* Whole frames (ku/wire.h) on a socket, each by a deadline. The socket is nonblocking. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/deadline.h"
#include "src/wire/codec.h"

/*
 * Connects to a socket nonblockingly and asks who serves it. The descriptor, or -errno.
 */
int must_use_ frameio_connect(const char *path, uint32_t *ret_uid);

/*
 * 0; -ECONNRESET when the peer has gone; -ETIMEDOUT; -EMSGSIZE for a body larger than
 * `cap`; -EPROTO.
 */
int must_use_ frameio_recv(int fd, struct deadline d, struct frame_header *ret_h,
    void *body, size_t cap);
int must_use_ frameio_send(int fd, struct deadline d, struct frame_header h,
    const void *body);

/* A body of "strs" with one text in it. */
int must_use_ frameio_send_text(int fd, struct deadline d, struct frame_header h,
    const char *text);
/* The text of such a body, or "". */
const char *frameio_text(const void *body, size_t len);
