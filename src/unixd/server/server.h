/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The public socket: listeners, the connections they accepted, and what the operations
 * need. Runs on the loop; tells nothing about accounts itself but what the resolver says.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "src/unixd/resolver/resolver.h"

struct login;
struct loop;
struct server;

struct server_settings {
	uid_t own_uid; /* KU_WHO_OWNER: this uid or root */

	/* Zero: the default. */
	int request_ms;     /* from the first byte of a request to its last: 2000 */
	int idle_ms;        /* without a request, or without taking the reply: 60000 */
	size_t max_per_uid; /* served at once: 64; up to half of max_conns wait */
	int watch_ms;       /* between looks whether our sockets still have names: 5000 */
	size_t max_conns;   /* 2048, root not counted */
	size_t max_output;  /* bytes of replies not taken yet, all peers: 64 MiB */

	/* Further pairs for STATUS after the resolver's (configuration, version); may be
	 * NULL. */
	void (*status)(void *arg, resolver_pair_fn fn, void *fn_arg);
	void *arg;
};

/* `r` may be NULL until server_set_resolver(); no connection is accepted before the loop
 * turns, so sockets can be bound first. */
struct server *server_new(struct loop *l, struct resolver *r,
    const struct server_settings *settings);
void server_set_resolver(struct server *s, struct resolver *r);
/* Answers the PAM operations; NULL (as before this call): UNAVAIL. */
void server_set_login(struct server *s, struct login *l);
/* Closes listeners and connections; waiters are cancelled. Sockets this server bound are
 * removed unless somebody replaced them. */
struct server *server_free(struct server *s);

/*
 * Binds and listens at `path`, mode 0666; its directory is made (0755) when it is missing.
 * A socket file that nobody answers on is replaced. -EADDRINUSE: somebody does answer;
 * -EEXIST: it is not a socket; -EINVAL: the path is too long; else -errno.
 */
int must_use_ server_listen(struct server *s, const char *path);

/* A listening stream socket from the service manager; the server owns it from now on. Its
 * path, when it has one, is written to ret_path. -EINVAL when it is something else (then
 * the caller keeps it). */
int must_use_ server_adopt(struct server *s, int fd, char ret_path[108]);

/* A connected peer (tests, and the listeners). Takes the descriptor. */
void server_accepted(struct server *s, int fd);

size_t server_n_conns(const struct server *s);
/* The most there were at once since the last call. */
size_t server_take_peak(struct server *s);
