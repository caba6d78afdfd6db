/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What any process of the host may send, at the real server: reader, table of operations and
 * their decoders, over a pair of sockets, with the fake resolver and login engine of the unit
 * tests. Input: who asks, a seed for the pieces and for what recv() and send() do, then the
 * bytes. It is done twice, in one piece and as the seed says; the replies may not differ.
 *
 * What must hold: each reply is one of the protocol's and to the request that was sent; nobody
 * but root clears, and nobody but root or the daemon invalidates; what reaches the login engine
 * is a name, a password within its bound and words for one line of the journal; the connection
 * ends with the peer.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/server.h"
#include "src/wire/codec.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/roll.h"
#include "tests/unit/src/unixd/server/fake_login.h"
#include "tests/unit/src/unixd/server/fake_resolver.h"

#define OWN_UID   990u
#define MAX_TURNS 20000u
#define MAX_SAID  (64u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
ssize_t __real_recv(int fd, void *buf, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t n, int flags);
ssize_t __real_send(int fd, const void *buf, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *buf, size_t n, int flags);

static struct {
	struct loop *loop;
	struct server *server;
	struct resolver resolver;
	struct login login;
	int near;      /* the server's end */
	unsigned seed; /* 0: in one piece, and nothing fails */
} w;

struct said {
	uint8_t bytes[MAX_SAID];
	size_t len;
	bool closed;
};

/* ---- libc, as the server's end meets it ---- */

static bool
fails(int fd)
{
	if (fd != w.near || w.seed == 0 || roll(&w.seed, 8) != 0)
		return false;
	errno = roll(&w.seed, 2) == 0 ? EINTR : EAGAIN;
	return true;
}

ssize_t
__wrap_recv(int fd, void *buf, size_t n, int flags)
{
	if (fails(fd))
		return -1;
	if (fd == w.near && w.seed != 0 && n > 1)
		n = 1 + roll(&w.seed, (unsigned)n);
	return __real_recv(fd, buf, n, flags);
}

ssize_t
__wrap_send(int fd, const void *buf, size_t n, int flags)
{
	if (fails(fd))
		return -1;
	if (fd == w.near && w.seed != 0 && n > 1)
		n = 1 + roll(&w.seed, (unsigned)n);
	return __real_send(fd, buf, n, flags | MSG_NOSIGNAL);
}

/* ---- the peer ---- */

static void
turn(struct said *s, int fd)
{
	require(loop_turn(w.loop, 0) >= 0);
	for (;;) {
		ssize_t n = __real_recv(fd, s->bytes + s->len, sizeof(s->bytes) - s->len,
		    MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		s->closed = n <= 0;
		if (n <= 0)
			return;
		s->len += (size_t)n;
		require(s->len < sizeof(s->bytes));
	}
}

/* Says it, hangs up, and listens until the server has ended it, too. */
static void
talk(struct said *s, uid_t uid, const uint8_t *data, size_t size)
{
	const struct peer peer = { .uid = uid, .gid = uid, .pid = 1 };
	int pair[2];

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		    pair) == 0);
	w.near = pair[0];
	s->len = 0;
	s->closed = false;
	conn_start(w.server, pair[0], &peer, false);
	while (size > 0 && !s->closed) {
		size_t n = w.seed == 0 || size == 1 ? size
						    : 1 + roll(&w.seed, (unsigned)size);
		ssize_t sent = __real_send(pair[1], data, n, MSG_NOSIGNAL);

		if (sent < 0)
			break; /* it has heard enough */
		data += sent;
		size -= (size_t)sent;
		turn(s, pair[1]);
	}
	(void)shutdown(pair[1], SHUT_WR);
	for (unsigned i = 0; !s->closed; i++) {
		require(i < MAX_TURNS);
		turn(s, pair[1]);
		fake_release(&w.resolver);
		fake_login_release(&w.login);
	}
	(void)close(pair[1]);
	w.near = -1;
	require(server_n_conns(w.server) == 0);
	require(w.resolver.n_waiting == 0 && w.login.n_waiting == 0);
}

/* ---- what came of it ---- */

static bool
may_have_text(uint16_t op, uint16_t status)
{
	return (op >> 8) == 7 && (status == KU_ST_DENIED || status == KU_ST_UNAVAIL);
}

/* Replies of the protocol, one after another. */
static void
judge_replies(const struct said *s, const uint8_t *data, size_t size)
{
	struct frame_header h, q;

	for (size_t at = 0, sent = 0; at < s->len; at += 16 + h.length) {
		require(s->len - at >= 16 && frame_get(s->bytes + at, &h) == 0);
		require(h.length <= s->len - at - 16 && h.status <= KU_ST_LOCAL);
		require(h.status == KU_ST_OK || h.length == 0 ||
		    may_have_text(h.op, h.status));
		/* To the next request. */
		require(size - sent >= 16 && frame_get(data + sent, &q) == 0);
		require(h.op == q.op && h.serial == q.serial);
		sent += q.length > size - sent - 16 ? size - sent : 16 + q.length;
	}
}

static bool
is_word(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '"' || *s == '=')
			return false;
	return true;
}

static void
judge_engines(uid_t uid)
{
	require(w.resolver.cleared == 0 || uid == 0);
	require(w.login.n_cleared == 0 || uid == 0);
	require(w.resolver.invalidated == 0 || uid == 0 || uid == OWN_UID);
	require(w.resolver.asked_by == 0);
	require(strlen(w.login.password) <= KU_MAX_PASSWORD);
	/* The fake keeps the last one that it did not refuse. */
	if (w.login.last.name.len == 0)
		return;
	require(w.login.last.caller == uid);
	require(strlen(w.login.last.name.text) == w.login.last.name.len);
	require(
	    is_word(w.login.service) && is_word(w.login.tty) && is_word(w.login.rhost));
	require(strlen(w.login.service) < 128 && strlen(w.login.tty) < 128 &&
	    strlen(w.login.rhost) < 128);
}

static void
begin(void)
{
	static const struct server_settings settings = { .own_uid = OWN_UID };

	log_set_level(LOG_LEVEL_ERR);
	require(loop_new(&w.loop) == 0 && loop_turn(w.loop, 0) == 0);
	w.server = server_new(w.loop, &w.resolver, &settings);
	server_set_login(w.server, &w.login);
	w.near = -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uid_t who[] = { 0, OWN_UID, 70001, 65534 };
	static struct said whole, pieces;
	uid_t uid;

	if (w.loop == NULL)
		begin();
	if (size < 2)
		return 0;
	uid = who[data[0] % ARRAY_SIZE(who)];
	for (unsigned i = 0; i < 2; i++) {
		fake_init(&w.resolver);
		fake_login_init(&w.login);
		w.resolver.is_stored = (data[0] & 4) != 0;
		w.resolver.probe_waits = (data[0] & 8) != 0;
		w.seed = i == 0 ? 0 : data[1] | 256u;
		talk(i == 0 ? &whole : &pieces, uid, data + 2, size - 2);
		judge_engines(uid);
	}
	judge_replies(&whole, data + 2, size - 2);
	require(
	    whole.len == pieces.len && memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
	return 0;
}
