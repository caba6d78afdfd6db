/* SPDX-License-Identifier: MPL-2.0 */
/* One listening socket of a server. */
#pragma once

#include "src/base/attr.h"
#include "src/unixd/core/list.h"

struct listener;
struct server;

/* See server_listen and server_adopt. */
int must_use_ listener_bind(struct server *s, const char *path);
int must_use_ listener_adopt(struct server *s, int fd, char ret_path[108]);
/* All of them; removes the socket files that we made and that are still ours. */
void listener_close_all(struct list *listeners);
