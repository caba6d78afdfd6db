/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Ties listeners, quotas and connections together. Nothing here knows what is asked; see
 * dispatch.c for that.
 */
#include "src/unixd/server/server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/listener.h"
#include "src/unixd/server/server_internal.h"

#define DEFAULT_REQUEST_MS  2000
#define DEFAULT_IDLE_MS     60000
#define DEFAULT_MAX_PER_UID 64
#define DEFAULT_MAX_CONNS   2048
/* Database, libcurl, watches, and some of root's connections. */
#define OWN_FILES 64u
/* Lines a minute that peers can cause. */
#define LOG_LINES          20
#define DEFAULT_MAX_OUTPUT ((size_t)64 * 1024 * 1024)

/* Without a unit file there may be 1,024 descriptors: peers must not have all of them. */
static size_t
default_max_conns(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur == RLIM_INFINITY ||
	    lim.rlim_cur >= DEFAULT_MAX_CONNS + OWN_FILES)
		return DEFAULT_MAX_CONNS;
	return lim.rlim_cur > 2 * OWN_FILES ? (size_t)lim.rlim_cur - OWN_FILES
					    : (size_t)lim.rlim_cur / 4 + 1;
}

static void
fill_defaults(struct server_settings *s)
{
	if (s->request_ms == 0)
		s->request_ms = DEFAULT_REQUEST_MS;
	if (s->idle_ms == 0)
		s->idle_ms = DEFAULT_IDLE_MS;
	if (s->max_per_uid == 0)
		s->max_per_uid = DEFAULT_MAX_PER_UID;
	if (s->max_conns == 0)
		s->max_conns = default_max_conns();
	if (s->max_output == 0)
		s->max_output = DEFAULT_MAX_OUTPUT;
}

struct server *
server_new(struct loop *l, struct resolver *r, const struct server_settings *settings)
{
	struct server *s = xcalloc(1, sizeof(*s));
	struct peer_limits limits;

	s->loop = l;
	s->resolver = r;
	s->settings = *settings;
	fill_defaults(&s->settings);
	limits = (struct peer_limits){
		.per_uid = s->settings.max_per_uid,
		.per_hidden = s->settings.max_conns / 2,
		.waiting = s->settings.max_conns / 2,
		.total = s->settings.max_conns,
	};
	peers_init(&s->peers, &limits);
	list_init(&s->listeners);
	list_init(&s->conns);
	return s;
}

void
server_set_resolver(struct server *s, struct resolver *r)
{
	s->resolver = r;
}

void
server_set_login(struct server *s, struct login *l)
{
	s->login = l;
}

struct server *
server_free(struct server *s)
{
	struct list *it, *tmp;

	if (s == NULL)
		return NULL;
	listener_close_all(&s->listeners);
	list_for_each_safe(it, tmp, &s->conns)
		conn_drop(container_of(it, struct conn, link));
	peers_deinit(&s->peers);
	free(s);
	return NULL;
}

int
server_listen(struct server *s, const char *path)
{
	return listener_bind(s, path);
}

int
server_adopt(struct server *s, int fd, char ret_path[108])
{
	return listener_adopt(s, fd, ret_path);
}

bool
server_may_log(struct server *s)
{
	int64_t now = loop_now(s->loop)->mono_ns;

	if (s->log_since_ns == 0 || now - s->log_since_ns > 60 * CLOCK_S) {
		s->log_since_ns = now;
		s->log_lines = 0;
	}
	if (s->log_lines > LOG_LINES)
		return false;
	if (s->log_lines++ < LOG_LINES)
		return true;
	log_warn("request: more of these, not logged for a minute");
	return false;
}

void
server_accepted(struct server *s, int fd)
{
	enum peer_verdict verdict;
	struct peer peer;

	if (peer_get(fd, &peer) < 0) {
		(void)close(fd);
		return;
	}
	verdict = peers_admit(&s->peers, peer.uid);
	if (verdict == PEER_REFUSE && peers_may_push(&s->peers, peer.uid) &&
	    conn_drop_idlest(s))
		verdict = peers_admit(&s->peers, peer.uid);
	if (verdict != PEER_REFUSE) {
		conn_start(s, fd, &peer, verdict == PEER_WAIT);
		return;
	}
	(void)close(fd);
	if (server_may_log(s))
		log_warn("listener: too many connections uid=%u of=%zu all=%zu",
		    (unsigned)peer.uid, peers_count(&s->peers, peer.uid), s->n_conns);
}

size_t
server_n_conns(const struct server *s)
{
	return s->n_conns;
}

size_t
server_take_peak(struct server *s)
{
	size_t peak = s->peak_conns;

	s->peak_conns = s->n_conns;
	return peak;
}
