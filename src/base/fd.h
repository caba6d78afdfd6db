/* SPDX-License-Identifier: MPL-2.0 */
/* The loops around descriptors that everybody would write again. For blocking ones. */
#pragma once

#include <stddef.h>

#include "src/base/attr.h"

/* For cleanup_(fd_closep): closes unless it is negative, and makes it -1. errno stays. */
void fd_closep(int *fd);

/* Until the end, or until `cap` bytes are there: *ret_len. 0 or -errno (nothing is set). */
int must_use_ fd_read_full(int fd, void *buf, size_t cap, size_t *ret_len);
/* All of it. 0 or -errno. */
int must_use_ fd_write_all(int fd, const void *data, size_t len);

/* At the start of a program: what is missing of 0, 1 and 2 becomes /dev/null, or the log
 * would go into whatever is opened next: a database, a connection. 0 or -errno. */
int must_use_ fd_open_missing_stdio(void);
