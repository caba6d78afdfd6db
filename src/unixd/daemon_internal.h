/* SPDX-License-Identifier: MPL-2.0 */
/* The daemon's object graph, shared by the files that build it and that react for it. */
#pragma once

#include "src/unixd/core/loop.h"
#include "src/unixd/hsm/pin.h"
#include "src/unixd/publish/publish.h"
#include "src/unixd/settings.h"

struct idp;
struct local;
struct login;
struct netwatch;
struct resolver;
struct server;
struct store;
struct taskq;

struct daemon {
	struct settings settings;
	struct publish_settings publish_settings;
	struct pin pin;

	struct loop *loop;
	struct server *server;
	struct store *store;
	struct local *local;
	struct idp *idp;
	struct publish *publish;
	struct resolver *resolver;
	struct taskq *taskq;
	struct login *login;
	struct netwatch *netwatch;

	struct loop_fd signals;
	struct loop_fd local_watch;
	struct timer local_poll;
	struct timer watchdog;
	struct timer nag;
	int64_t watchdog_ns;
	size_t shown_offline_logins;
	bool watching;
	bool was_crowded;
	bool flushed;
};

/* STATUS= for systemctl; the resolver calls it at every change. */
void daemon_show_status(void *arg);

/* events.c: what the world outside does. */
void daemon_reload(struct daemon *d);
void daemon_start_watches(struct daemon *d);
void daemon_new_publish(struct daemon *d);
void daemon_stop_watches(struct daemon *d);
