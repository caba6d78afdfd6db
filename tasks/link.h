/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The connection to the resolver: found in whatever order the two start, and only made to
 * the one who owns the directory of the socket.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "tasks/why.h"

struct link {
	char *path;
	int fd;     /* -1: not connected */
	int notify; /* inotify while waiting, else -1 */
	int watch;
	bool greeted; /* the resolver has answered our HELLO */
	int64_t next_try_ns;
	int64_t last_try_ns;
	int delay_ms;
};

void link_init(struct link *l, const char *path);
void link_clear(struct link *l);
/* Another path: whatever there is is dropped. */
void link_set_path(struct link *l, const char *path);

/* Tries when it is time. True when connected (HELLO is on its way); otherwise *why. */
bool link_try(struct link *l, struct why *why);
/* How long poll may wait, in ms: until the next try, or the end of the HELLO's time; -1. */
int link_wait_ms(const struct link *l);
/* Something happened where the socket will be. */
void link_noticed(struct link *l);
/* The resolver has answered. */
void link_greeted(struct link *l);
/* True when it should have answered by now. */
bool link_is_overdue(const struct link *l);
void link_drop(struct link *l);
