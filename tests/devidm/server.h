/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The HTTPS side: one listening socket and, over it, generations of libmicrohttpd
 * daemons. A new certificate starts a new generation; connections of the old one go on
 * until they end, as behind a server that reloads its certificate.
 */
#pragma once

#include "tests/devidm/api.h"
#include "tests/devidm/fault.h"

enum listen_state {
	LISTEN_ON,
	LISTEN_HOLD, /* the kernel still accepts, nobody answers */
	LISTEN_OFF,  /* connection refused, open connections closed */
};

struct exchange;
struct conn;
struct MHD_Daemon;

struct server {
	struct api api;
	struct faults faults;
	char *host;
	unsigned port;
	char *cert_dir;
	char *cert_names;
	char *cert, *key; /* PEM, what new connections see */
	unsigned idle_seconds;
	int listen_fd;
	enum listen_state state;
	struct MHD_Daemon *current;
	struct MHD_Daemon **old;
	size_t old_count;
	/* Requests that wait: delayed or frozen. */
	pthread_mutex_t wait_mu;
	pthread_cond_t wait_cond;
	struct exchange *waiting;
	bool draining, ending;
	pthread_t waker;
	pthread_mutex_t conn_mu;
	struct conn *conns;
};

/* "127.0.0.1:0"; the port is in srv->port afterwards. Dies when it cannot listen. */
void server_start(struct server *srv, const char *listen_on);
void server_stop(struct server *srv);
/* NULL or what is wrong. */
const char *server_set_cert(struct server *srv, const char *cert, const char *key);
const char *server_listen(struct server *srv, enum listen_state state);
/* Ends every connection that has no request running; how many. */
unsigned server_close_idle(struct server *srv);
/* Frozen requests go on. */
void server_thaw(struct server *srv);

/* exchange.c: libmicrohttpd's callbacks. */
struct MHD_Daemon *exchange_daemon(struct server *srv, int fd);
void *exchange_waker(void *arg);
/* Lets every waiting request go: to its end, or to a closed connection. */
void exchange_release(struct server *srv, bool drop);
