/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The life of one connection, as three states and one pump that moves between them. Peers
 * are any program of the host: slow, dead, hostile, or a thousand at once. So every state
 * has a timer, input has a fixed buffer, output has a total over all peers, and whatever a
 * handler does to the connection (answer at once, answer later, fail to send) takes effect
 * in the pump, never by freeing it under the handler's feet.
 */
#include "src/unixd/server/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/login/login.h"
#include "src/unixd/server/dispatch.h"
#include "src/unixd/server/server_internal.h"

/* Goes out whatever others do not take: they must not keep anybody from logging in. */
#define SMALL_REPLY 4096u

static void conn_pump(struct conn *c);

static void
arm(struct conn *c, int ms)
{
	timers_set(loop_timers(c->server->loop), &c->timer, ms * CLOCK_MS);
}

/* The events each state listens to; a peer that is gone (HUP, ERR) is always heard. */
static void
listen_for(struct conn *c, uint32_t events)
{
	if (c->io.events != events && loop_mod(c->server->loop, &c->io, events) < 0)
		c->dead = true;
}

/* The oldest waiting connection of this uid gets its turn. */
static void
serve_next(struct server *s, uid_t uid)
{
	struct list *it;

	list_for_each(it, &s->conns) {
		struct conn *c = container_of(it, struct conn, link);

		if (c->state != CONN_WAITING || c->peer.uid != uid)
			continue;
		if (loop_mod(s->loop, &c->io, EPOLLIN) < 0)
			return;
		c->state = CONN_READING;
		arm(c, s->settings.idle_ms);
		peers_serve(&s->peers, uid);
		return;
	}
}

void
conn_drop(struct conn *c)
{
	struct server *s = c->server;
	uid_t uid = c->peer.uid;
	bool next = peers_leave(&s->peers, uid, c->state == CONN_WAITING);

	if (c->waiter != NULL)
		resolver_cancel(c->waiter);
	if (c->login != NULL)
		login_cancel(c->login);
	if (c->state == CONN_WRITING)
		s->output -= c->out.len - c->sent;
	timers_unset(loop_timers(s->loop), &c->timer);
	loop_close(s->loop, &c->io);
	list_remove(&c->link);
	s->n_conns--;
	reply_clear(&c->out);
	reader_clear(&c->in);
	free(c);
	if (next)
		serve_next(s, uid);
}

/* One send; what does not fit waits for EPOLLOUT. */
static void
write_some(struct conn *c)
{
	while (c->sent < c->out.len) {
		ssize_t n = send(c->io.fd, c->out.buf + c->sent, c->out.len - c->sent,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			c->dead = true;
			return;
		}
		c->sent += (size_t)n;
		if (c->state == CONN_WRITING) {
			c->server->output -= (size_t)n;
			arm(c, c->server->settings.idle_ms);
		}
	}
}

static void
reply_is_out(struct conn *c)
{
	reply_clear(&c->out);
	c->sent = 0;
	c->state = CONN_READING;
	c->timing_request = false;
	if (c->last)
		c->dead = true;
}

/* The sealed reply goes out, or into the queue of bytes to be taken. */
static void
finish(struct conn *c, uint16_t status)
{
	struct server *s = c->server;

	c->waiter = NULL;
	c->login = NULL;
	if (c->out.failed) {
		if (server_may_log(s))
			log_warn("request: the answer is larger than the protocol allows"
				 " op=%s",
			    op_name(c->req.op));
		reply_drop_body(&c->out);
		status = KU_ST_UNAVAIL;
	}
	if (s->output > s->settings.max_output && c->out.len > SMALL_REPLY) {
		reply_drop_body(&c->out);
		status = KU_ST_BUSY;
	}
	reply_seal(&c->out, c->req.op, status, c->req.serial);
	c->sent = 0;
	write_some(c);
	if (c->sent == c->out.len) {
		reply_is_out(c);
	} else if (!c->dead) {
		c->state = CONN_WRITING;
		s->output += c->out.len - c->sent;
		arm(c, s->settings.idle_ms);
	}
	conn_pump(c);
}

struct reply *
conn_reply_begin(struct conn *c)
{
	reply_clear(&c->out);
	reply_init(&c->out);
	return &c->out;
}

void
conn_reply_end(struct conn *c)
{
	finish(c, KU_ST_OK);
}

void
conn_reply_status(struct conn *c, uint16_t status)
{
	(void)conn_reply_begin(c);
	finish(c, status);
}

void
conn_reply_text(struct conn *c, uint16_t status, const char *text)
{
	struct reply *r = conn_reply_begin(c);
	size_t at;

	reply_u32(r, 1);
	at = reply_strs_open(r);
	reply_strz(r, text);
	reply_strs_close(r, at);
	finish(c, status);
}

/* The status for what is not worked on, and then the connection ends. */
static uint16_t
parting_status(enum reader_result what)
{
	switch (what) {
	case READER_VERSION:
		return KU_ST_VERSION;
	case READER_NO_MEMORY:
		return KU_ST_BUSY;
	default:
		return KU_ST_BAD;
	}
}

/* One request from the buffer, if there is a whole one. False: nothing to do. */
static bool
take_request(struct conn *c)
{
	const uint8_t *body = NULL;
	enum reader_result what = reader_next(&c->in, &c->req, &body);

	switch (what) {
	case READER_MORE:
		return false;
	case READER_GARBAGE:
		c->dead = true;
		return false;
	case READER_VERSION:
	case READER_TOO_LONG:
	case READER_NO_MEMORY:
		c->last = true;
		c->state = CONN_WORKING;
		conn_reply_status(c, parting_status(what));
		return true;
	case READER_UNKNOWN:
	case READER_REQUEST:
		break;
	}
	c->state = CONN_WORKING;
	timers_unset(loop_timers(c->server->loop), &c->timer);
	dispatch(c, body, c->req.length);
	/* Handlers keep nothing of the body; a password in it is wiped now. */
	reader_consume(&c->in);
	return true;
}

/* Timers of the reading state: a request's bytes must all come within the limit that began
 * with its first one, whatever trickles in; without any byte the peer is idle. */
static void
arm_reading(struct conn *c)
{
	const struct server_settings *s = &c->server->settings;

	if (reader_has_bytes(&c->in)) {
		if (!c->timing_request)
			arm(c, s->request_ms);
		c->timing_request = true;
	} else {
		arm(c, s->idle_ms);
		c->timing_request = false;
	}
}

static void
conn_pump(struct conn *c)
{
	if (c->pumping)
		return;
	c->pumping = true;
	while (!c->dead && c->state == CONN_READING && take_request(c))
		;
	c->pumping = false;
	if (c->dead) {
		conn_drop(c);
		return;
	}
	switch (c->state) {
	case CONN_READING:
		arm_reading(c);
		listen_for(c, EPOLLIN);
		break;
	case CONN_WAITING:
		listen_for(c, 0);
		break;
	case CONN_WORKING:
		/* Nothing more is read, but nobody sends more either: on_io() stops listening
		 * to the one who does, and all others save two system calls. */
		break;
	case CONN_WRITING:
		listen_for(c, EPOLLOUT);
		break;
	}
	if (c->dead)
		conn_drop(c);
}

/* No further than to the end of the request in hand: what follows stays in the socket until
 * its header has said where it may be put. */
static void
read_some(struct conn *c)
{
	for (;;) {
		size_t room;
		uint8_t *at = reader_room(&c->in, &room);
		ssize_t n;

		if (room == 0)
			return;
		n = recv(c->io.fd, at, room, MSG_DONTWAIT);
		if (n > 0)
			reader_filled(&c->in, (size_t)n);
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && errno == EAGAIN)
			return;
		else
			c->dead = true;
		if (c->dead)
			return;
	}
}

static void
on_io(struct loop_fd *f, uint32_t events)
{
	struct conn *c = container_of(f, struct conn, io);

	switch (c->state) {
	case CONN_READING:
		/* HUP too: a peer may have sent its request and closed its end of sending;
		 * recv() says which it is. */
		read_some(c);
		break;
	case CONN_WAITING:
	case CONN_WORKING:
		if ((events & (EPOLLHUP | EPOLLERR)) != 0)
			c->dead = true;
		else
			listen_for(c, 0);
		break;
	case CONN_WRITING:
		write_some(c);
		if (c->sent == c->out.len)
			reply_is_out(c);
		break;
	}
	conn_pump(c);
}

static void
on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->timing_request)
		log_debug("request: incomplete, dropped uid=%u pid=%d",
		    (unsigned)c->peer.uid, (int)c->peer.pid);
	conn_drop(c);
}

/*
 * Most peers have sent their request by the time they are accepted, and one that is gone
 * already (a process that only connects and closes, in a loop) must cost as little as can
 * be: everybody else stands behind it in the queue.
 */
void
conn_start(struct server *s, int fd, const struct peer *peer, bool waiting)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->peer = *peer;
	c->state = waiting ? CONN_WAITING : CONN_READING;
	timer_init(&c->timer, on_timer);
	c->io =
	    (struct loop_fd){ .fd = fd, .events = waiting ? 0 : EPOLLIN, .fn = on_io };
	if (!waiting)
		read_some(c);
	if (c->dead || loop_add(s->loop, &c->io) < 0) {
		(void)!peers_leave(&s->peers, peer->uid, waiting);
		(void)close(fd);
		reader_clear(&c->in);
		free(c);
		return;
	}
	list_append(&s->conns, &c->link);
	s->n_conns++;
	if (s->n_conns > s->peak_conns)
		s->peak_conns = s->n_conns;
	arm(c, s->settings.idle_ms);
	if (reader_has_bytes(&c->in))
		conn_pump(c);
}

bool
conn_drop_idlest(struct server *s)
{
	struct conn *waiting = NULL, *partial = NULL;
	struct list *it;

	list_for_each(it, &s->conns) {
		struct conn *c = container_of(it, struct conn, link);

		if (c->peer.uid == 0)
			continue;
		if (c->state == CONN_READING && !reader_has_bytes(&c->in)) {
			conn_drop(c);
			return true;
		}
		if (c->state == CONN_WAITING)
			waiting = c;
		else if (c->state == CONN_READING && partial == NULL)
			partial = c;
	}
	if (waiting == NULL)
		waiting = partial;
	if (waiting != NULL)
		conn_drop(waiting);
	return waiting != NULL;
}
