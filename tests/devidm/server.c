/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Listening, certificates and generations. The listening socket is ours and outlives
 * every daemon: quiescing one and starting the next on the same socket loses no
 * connection that the kernel has already taken.
 */
#include "tests/devidm/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

#define BACKLOG 1024

static const char *
open_socket(struct server *srv)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addrinfo *ai = NULL;
	char port[12];
	int one = 1, fd;

	(void)snprintf(port, sizeof(port), "%u", srv->port);
	if (getaddrinfo(srv->host, port, &hints, &ai) != 0)
		return "not an address to listen on";
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) != 0) {
		freeaddrinfo(ai);
		if (fd >= 0)
			(void)close(fd);
		return strerror(errno);
	}
	freeaddrinfo(ai);
	srv->listen_fd = fd;
	srv->port = ntohs(ss.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&ss)->sin6_port
		: ((struct sockaddr_in *)&ss)->sin_port);
	return NULL;
}

/* Old generations without connections have nothing left to do. */
static void
sweep_old(struct server *srv)
{
	size_t kept = 0;

	for (size_t i = 0; i < srv->old_count; i++) {
		const union MHD_DaemonInfo *info = MHD_get_daemon_info(srv->old[i],
		    MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

		if (info && info->num_connections == 0)
			MHD_stop_daemon(srv->old[i]);
		else
			srv->old[kept++] = srv->old[i];
	}
	srv->old_count = kept;
}

static void
retire(struct server *srv)
{
	int fd;

	sweep_old(srv);
	if (!srv->current)
		return;
	fd = MHD_quiesce_daemon(srv->current);
	if (fd >= 0)
		(void)close(fd);
	srv->old = x_realloc(srv->old, srv->old_count + 1, sizeof(struct MHD_Daemon *));
	srv->old[srv->old_count++] = srv->current;
	srv->current = NULL;
}

static const char *
start_current(struct server *srv)
{
	int fd = dup(srv->listen_fd);

	if (fd < 0)
		return strerror(errno);
	srv->current = exchange_daemon(srv, fd);
	if (srv->current)
		return NULL;
	(void)close(fd);
	return "cannot start with this certificate and key";
}

const char *
server_set_cert(struct server *srv, const char *cert, const char *key)
{
	char *old_cert = srv->cert, *old_key = srv->key;
	const char *why = NULL;

	srv->cert = read_file(cert, NULL);
	srv->key = read_file(key, NULL);
	if (!srv->cert || !srv->key)
		why = "certificate or key cannot be read";
	if (!why && srv->listen_fd >= 0 && srv->state == LISTEN_ON) {
		retire(srv);
		why = start_current(srv);
	}
	if (!why) {
		free(old_cert);
		free(old_key);
		return NULL;
	}
	free(srv->cert);
	free(srv->key);
	srv->cert = old_cert;
	srv->key = old_key;
	if (!srv->current && srv->listen_fd >= 0 && srv->state == LISTEN_ON && old_cert)
		(void)start_current(srv);
	return why;
}

static void
stop_all(struct server *srv)
{
	retire(srv);
	exchange_release(srv, true);
	for (size_t i = 0; i < srv->old_count; i++)
		MHD_stop_daemon(srv->old[i]);
	srv->old_count = 0;
	(void)pthread_mutex_lock(&srv->wait_mu);
	srv->draining = false;
	(void)pthread_mutex_unlock(&srv->wait_mu);
}

const char *
server_listen(struct server *srv, enum listen_state state)
{
	const char *why = NULL;

	if (state == srv->state)
		return NULL;
	if (state == LISTEN_OFF) {
		/* Closed first, so that nobody new is taken while the others go. */
		retire(srv);
		(void)close(srv->listen_fd);
		srv->listen_fd = -1;
		stop_all(srv);
	} else if (srv->listen_fd < 0) {
		why = open_socket(srv);
	}
	if (!why && state == LISTEN_HOLD)
		retire(srv);
	if (!why && state == LISTEN_ON)
		why = start_current(srv);
	if (!why)
		srv->state = state;
	return why;
}

void
server_start(struct server *srv, const char *listen_on)
{
	const char *colon = strrchr(listen_on, ':'), *why;
	pthread_condattr_t attr;
	uint32_t port;

	if (!colon || !parse_u32(colon + 1, &port) || port > 65535)
		die("--listen wants ADDRESS:PORT");
	srv->host = x_strndup(listen_on, (size_t)(colon - listen_on));
	if (srv->host[0] == '[') {
		memmove(srv->host, srv->host + 1, strlen(srv->host));
		srv->host[strcspn(srv->host, "]")] = '\0';
	}
	srv->port = port;
	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_mutex_init(&srv->wait_mu, NULL) != 0 ||
	    pthread_mutex_init(&srv->conn_mu, NULL) != 0 ||
	    pthread_cond_init(&srv->wait_cond, &attr) != 0 ||
	    pthread_create(&srv->waker, NULL, exchange_waker, srv) != 0)
		die("no thread");
	(void)pthread_condattr_destroy(&attr);
	why = open_socket(srv);
	if (!why)
		why = start_current(srv);
	if (why)
		die("%s: %s", listen_on, why);
}

void
server_stop(struct server *srv)
{
	if (srv->listen_fd >= 0)
		(void)close(srv->listen_fd);
	srv->listen_fd = -1;
	stop_all(srv);
	(void)pthread_mutex_lock(&srv->wait_mu);
	srv->ending = true;
	(void)pthread_cond_signal(&srv->wait_cond);
	(void)pthread_mutex_unlock(&srv->wait_mu);
	(void)pthread_join(srv->waker, NULL);
	(void)pthread_cond_destroy(&srv->wait_cond);
	(void)pthread_mutex_destroy(&srv->wait_mu);
	(void)pthread_mutex_destroy(&srv->conn_mu);
	free(srv->old);
	free(srv->host);
	free(srv->cert);
	free(srv->key);
	free(srv->cert_dir);
	free(srv->cert_names);
}

void
server_thaw(struct server *srv)
{
	exchange_release(srv, false);
}
