/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes as what a server says to the real client, libcurl and all. connect() is ours: it
 * puts one end of a pair of sockets in the place of the one that libcurl made; the first bytes
 * of a request bring the answer, and the end of the connection. Input: what is asked, a seed
 * for how it comes in pieces and what of libc fails, then the answers, parted by "\n~~~\n".
 * Every question is answered once, and what is found is what was asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <curl/curl.h>

#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/model/model.h"
#include "tests/fuzz/require.h"

#define MAX_CONNECTIONS 16
#define PART            "\n~~~\n"
/* Seen by libcurl, where libc's would be. */
#define OURS __attribute__((visibility("default")))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const char *data;
	size_t size;
	unsigned seed; /* 0: in one piece, and nothing fails */
	struct {
		int fd;  /* libcurl's */
		int far; /* the server's end */
		bool silent;
	} peer[MAX_CONNECTIONS];
	unsigned n_peers;
	unsigned answers;
} w;

static unsigned
roll(unsigned n)
{
	w.seed = w.seed * 1103515245u + 12345u;
	return (w.seed >> 16) % n;
}

static bool
fails(void)
{
	return w.seed != 0 && roll(32) == 0;
}

/* ---- what libcurl calls ---- */

/* The next answer, whole, and the end; what does not fit is never said. */
static void
speak(int fd)
{
	const char *end = memmem(w.data, w.size, PART, strlen(PART));
	size_t n = end != NULL ? (size_t)(end - w.data) : w.size;

	(void)!write(fd, w.data, n);
	(void)shutdown(fd, SHUT_WR);
	n += end != NULL ? strlen(PART) : 0;
	w.data += n;
	w.size -= n;
}

OURS int
connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	int pair[2], flags = fcntl(fd, F_GETFL);

	if (addr->sa_family != AF_INET)
		return (int)syscall(SYS_connect, fd, addr, len);
	errno = ECONNREFUSED;
	if (w.size == 0 || w.n_peers == MAX_CONNECTIONS || fails())
		return -1;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		    pair) == 0);
	require(dup3(pair[0], fd, O_CLOEXEC) == fd && fcntl(fd, F_SETFL, flags) == 0);
	(void)close(pair[0]);
	w.peer[w.n_peers].fd = fd;
	w.peer[w.n_peers].silent = true;
	w.peer[w.n_peers++].far = pair[1];
	return 0;
}

OURS ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
	static const int errors[] = { ECONNRESET, EINTR, EAGAIN, ENOMEM, ETIMEDOUT };

	if (fails()) {
		errno = errors[roll(ARRAY_SIZE(errors))];
		return -1;
	}
	if (w.seed != 0 && len > 1)
		len = 1 + roll(len < 200 ? (unsigned)len : 200);
	return (ssize_t)syscall(SYS_recvfrom, fd, buf, len, flags, NULL, NULL);
}

OURS ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	static const int errors[] = { ECONNRESET, EPIPE, EAGAIN, ENOBUFS };

	if (fails()) {
		errno = errors[roll(ARRAY_SIZE(errors))];
		return -1;
	}
	for (unsigned i = 0; i < w.n_peers; i++) {
		if (w.peer[i].fd != fd || !w.peer[i].silent)
			continue;
		w.peer[i].silent = false;
		speak(w.peer[i].far);
	}
	if (w.seed != 0 && len > 1)
		len = 1 + roll((unsigned)len);
	return (ssize_t)syscall(SYS_sendto, fd, buf, len, flags | MSG_NOSIGNAL, NULL, 0);
}

/* ---- what is asked ---- */

static void
require_printable(const char *s, size_t cap)
{
	require(memchr(s, '\0', cap) != NULL);
	for (; *s != '\0'; s++)
		require((unsigned char)*s >= ' ' && *s != '\177');
}

static void
answered(const struct idp_result *res, bool has_record, bool may_lack)
{
	w.answers++;
	require(has_record == (res->class == IDP_FOUND) || (may_lack && !has_record));
	require(res->class != IDP_FOUND || res->reason == IDP_OK || may_lack);
	require_printable(res->detail, sizeof(res->detail));
}

static void
require_alice(const struct user *u)
{
	require(streq(u->name, "alice") && u->id >= 1000);
	require(u->n_groups >= 1 && u->groups[0]->gid == u->id);
}

static void
on_user(void *arg, const struct idp_result *res, struct user *u)
{
	(void)arg;
	answered(res, u != NULL, false);
	if (u != NULL)
		require_alice(u);
	(void)user_unref(u);
}

static void
on_auth(void *arg, const struct idp_result *res, struct user *u)
{
	(void)arg;
	answered(res, u != NULL, true);
	if (u != NULL)
		require_alice(u);
	(void)user_unref(u);
}

static void
on_group(void *arg, const struct idp_result *res, struct groupid *g, struct members *m)
{
	(void)arg;
	answered(res, g != NULL, false);
	if (g != NULL)
		require(streq(g->name, "crew") && g->gid >= 1000);
	require(g != NULL || m == NULL);
	(void)groupid_unref(g);
	(void)members_unref(m);
}

static void
on_probe(void *arg, const struct idp_result *res)
{
	(void)arg;
	answered(res, false, true);
}

static void
ask(struct idp *p, unsigned what, struct secret *password)
{
	switch (what % 4) {
	case 0:
		idp_get_user(p, "alice", on_user, NULL);
		break;
	case 1:
		idp_get_group(p, "crew", on_group, NULL);
		break;
	case 2:
		idp_auth(p, "alice", password, 2000, on_auth, NULL);
		break;
	default:
		idp_probe(p, "alice", on_probe, NULL);
		break;
	}
}

static void
converse(unsigned what)
{
	static const struct idp_settings settings = { .uri = "http://192.0.2.1:80",
		.conn_timeout_s = 1,
		.request_timeout_s = 2 };
	struct secret *password = secret_copy("pass word", 9);
	const struct idp_identity *id;
	struct loop *loop = NULL;
	struct idp *p = NULL;

	require(password != NULL && loop_new(&loop) == 0 && loop_turn(loop, 0) == 0);
	require(idp_new(loop, &settings, &p) == 0);
	ask(p, what, password);
	while (w.answers == 0)
		require(loop_turn(loop, 5000) >= 0);
	id = idp_identity(p);
	require_printable(id->server_version, sizeof(id->server_version));
	require_printable(id->spn, sizeof(id->spn));
	require_printable(id->domain, sizeof(id->domain));
	(void)idp_free(p);
	(void)loop_free(loop);
	(void)secret_free(password);
	require(w.answers == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready) {
		log_set_level(LOG_LEVEL_ERR);
		(void)curl_global_init(CURL_GLOBAL_ALL);
		ready = true;
	}
	if (size < 2)
		return 0;
	memset(&w, 0, sizeof(w));
	w.seed = data[1] == '0' ? 0 : data[1];
	w.data = (const char *)data + 2;
	w.size = size - 2;
	converse(data[0]);
	for (unsigned i = 0; i < w.n_peers; i++)
		(void)close(w.peer[i].far);
	return 0;
}
