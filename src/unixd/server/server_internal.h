/* SPDX-License-Identifier: MPL-2.0 */
/* What the files of this folder share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/unixd/core/list.h"
#include "src/unixd/server/peer.h"
#include "src/unixd/server/server.h"

struct server {
	struct loop *loop;
	struct resolver *resolver;
	struct login *login;             /* may be NULL */
	struct server_settings settings; /* defaults filled in */
	struct peers peers;
	struct list listeners;
	struct list conns;
	size_t n_conns;
	size_t peak_conns;
	size_t output;        /* bytes of replies that peers have not taken yet */
	int64_t log_since_ns; /* the minute whose lines are counted; 0: none yet */
	unsigned log_lines;
	int64_t probed_ns; /* when STATUS last had the link looked at; 0: never */
};

/* False when peers have made us log enough in this minute: any user can ask for what is
 * denied a hundred thousand times a second, and the journal is everybody's. */
bool must_use_ server_may_log(struct server *s);
