/* SPDX-License-Identifier: MPL-2.0 */
/* What the files of this folder share. */
#pragma once

#include "src/unixd/core/list.h"
#include "src/unixd/server/peer.h"
#include "src/unixd/server/server.h"

struct server {
	struct loop *loop;
	struct resolver *resolver;
	struct server_settings settings; /* defaults filled in */
	struct peers peers;
	struct list listeners;
	struct list conns;
	size_t n_conns;
	size_t output; /* bytes of replies that peers have not taken yet */
	int64_t refused_logged_ns;
};
