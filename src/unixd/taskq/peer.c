/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who is at the other end. Anybody can connect (mode 0666, so that a tasks daemon without
 * CAP_DAC_OVERRIDE can), but only root is listened to, and only one of root's programs at a
 * time: the newest that says HELLO, since an older one may be a corpse that the kernel has
 * not buried yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "src/unixd/taskq/internal.h"

#define HELLO_MS      5000
#define MAX_STRANGERS 8
#define REFUSED_EVERY (60 * CLOCK_S)

/* Anybody can make us say it, and the journal is everybody's. */
static void
log_refused(struct taskq *q, const struct ucred *who)
{
	int64_t now = q->ts->now.mono_ns;

	if (q->refused_at != 0 && now - q->refused_at < REFUSED_EVERY)
		return;
	q->refused_at = now;
	log_warn("tasks: somebody else connects to the task socket uid=%u pid=%d",
	    (unsigned)who->uid, (int)who->pid);
}

struct peer *
peer_close(struct peer *p)
{
	struct taskq *q = p->q;
	bool was_tasks = q->peer == p;

	timers_unset(q->ts, &p->hello);
	loop_del(q->loop, &p->io);
	(void)close(p->io.fd);
	if (was_tasks) {
		q->peer = NULL;
	} else {
		list_remove(&p->link);
		q->n_strangers--;
	}
	free(p);
	if (was_tasks)
		taskq_lost(q);
	return NULL;
}

/* ---- out ---- */

static bool
flush(struct peer *p)
{
	ssize_t n;

	while (p->out_pos < p->out_len) {
		n = send(p->io.fd, p->out + p->out_pos, p->out_len - p->out_pos,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0) {
			p->out_pos += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN &&
		    loop_mod(p->q->loop, &p->io, EPOLLIN | EPOLLOUT) == 0)
			return true;
		(void)peer_close(p);
		return false;
	}
	if (loop_mod(p->q->loop, &p->io, EPOLLIN) == 0)
		return true;
	(void)peer_close(p);
	return false;
}

bool
peer_send(struct peer *p, const uint8_t *frame, size_t len)
{
	/* One request at a time, and the answer to HELLO before the first. */
	if (p->out_pos == p->out_len)
		p->out_pos = p->out_len = 0;
	if (len > sizeof(p->out) - p->out_len) {
		(void)peer_close(p);
		return false;
	}
	memcpy(p->out + p->out_len, frame, len);
	p->out_len += len;
	return flush(p);
}

static bool
answer_hello(struct peer *p, const struct frame_header *to, uint16_t status)
{
	const struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = to->op,
		.status = status,
		.serial = to->serial };
	uint8_t frame[KU_WIRE_HEADER_LEN];

	frame_put(frame, &h);
	return peer_send(p, frame, sizeof(frame));
}

/* ---- in ---- */

static bool
greet(struct peer *p, const struct frame_header *h, const uint8_t *body)
{
	struct taskq *q = p->q;
	char version[MESSAGE_TEXT_MAX];

	if (h->op != KU_OP_TASK_HELLO || message_text(body, h->length, version) < 0) {
		(void)peer_close(p);
		return false;
	}
	message_consume(&p->in, h);
	if (!answer_hello(p, h, KU_ST_OK))
		return false;
	timers_unset(q->ts, &p->hello);
	list_remove(&p->link);
	q->n_strangers--;
	if (q->peer != NULL)
		(void)peer_close(q->peer);
	q->peer = p;
	(void)snprintf(q->version, sizeof(q->version), "%.60s", version);
	taskq_greeted(q);
	return q->peer == p;
}

/* False: the peer is gone. */
static bool
take(struct peer *p, const struct frame_header *h, const uint8_t *body)
{
	struct taskq *q = p->q;
	char text[MESSAGE_TEXT_MAX];

	if (q->peer != p)
		return greet(p, h, body);
	if (h->op != KU_OP_TASK_HOME || message_text(body, h->length, text) < 0) {
		log_warn("tasks: says something that is not an answer, disconnected");
		(void)peer_close(p);
		return false;
	}
	message_consume(&p->in, h);
	if (!taskq_replied(q, h, text)) {
		log_warn("tasks: answers what was not asked, disconnected");
		if (q->peer == p)
			(void)peer_close(p);
		return false;
	}
	return q->peer == p;
}

static void
take_all(struct peer *p)
{
	const uint8_t *body = NULL;
	struct frame_header h;

	for (;;) {
		switch (message_next(&p->in, &h, &body)) {
		case MESSAGE_MORE:
			return;
		case MESSAGE_WHOLE:
			if (!take(p, &h, body))
				return;
			break;
		case MESSAGE_VERSION:
			log_warn("tasks: of another version, restart both services");
			if (answer_hello(p, &h, KU_ST_VERSION))
				(void)peer_close(p);
			return;
		case MESSAGE_GARBAGE:
			(void)peer_close(p);
			return;
		}
	}
}

static void
on_io(struct loop_fd *f, uint32_t events)
{
	struct peer *p = container_of(f, struct peer, io);
	uint8_t *room;
	size_t cap;
	ssize_t n;

	if ((events & EPOLLOUT) != 0 && !flush(p))
		return;
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	room = message_room(&p->in, &cap);
	n = recv(f->fd, room, cap, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		(void)peer_close(p);
		return;
	}
	message_filled(&p->in, (size_t)n);
	take_all(p);
}

/* ---- new ones ---- */

static void
on_no_hello(struct timer *t)
{
	(void)peer_close(container_of(t, struct peer, hello));
}

void
peer_adopt(struct taskq *q, int fd)
{
	struct peer *p;

	if (q->n_strangers >= MAX_STRANGERS) {
		(void)close(fd);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->q = q;
	p->io = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_io };
	timer_init(&p->hello, on_no_hello);
	if (loop_add(q->loop, &p->io) < 0) {
		(void)close(fd);
		free(p);
		return;
	}
	list_append(&q->strangers, &p->link);
	q->n_strangers++;
	timers_set(q->ts, &p->hello, HELLO_MS * CLOCK_MS);
}

void
peer_accepted(void *arg, int fd)
{
	struct taskq *q = arg;
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == 0) {
		peer_adopt(q, fd);
		return;
	}
	log_refused(q, &who);
	(void)close(fd);
}
