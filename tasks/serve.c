/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One connection, one request at a time, nothing in between: a home that takes long (NFS)
 * keeps other homes waiting, and nobody else, because the resolver answers its callers by
 * their deadlines without us.
 */
#include "tasks/serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/sdnotify.h"
#include "tasks/at.h"
#include "tasks/frameio.h"
#include "tasks/link.h"

#define FRAME_MS 2000
#define REPLY_MS 5000

struct serve {
	struct work *work;
	struct link link;
	int signals;
	bool ended;
	struct why said; /* why there is no connection, as last logged */
};

int
serve_answer(struct work *w, int fd, const struct frame_header *h, const void *body)
{
	struct frame_header reply = { .op = h->op, .serial = h->serial };
	struct deadline d;
	struct request r;
	struct why why = { "" };
	int rc;

	if (h->version != KU_WIRE_VERSION || h->op != KU_OP_TASK_HOME) {
		reply.status = KU_ST_VERSION;
		return frameio_send_text(fd, deadline_in_ms(REPLY_MS), reply,
		    "not known to this version of kanidm_unixd_tasks");
	}
	rc = request_decode(body, h->length, &r, &why);
	if (rc < 0)
		log_err("request: refused: %s", why.text);
	else
		rc = work_home(w, &r, &why);
	reply.status = rc == 0 ? KU_ST_OK : rc == -EPROTO ? KU_ST_BAD : KU_ST_UNAVAIL;
	d = deadline_in_ms(REPLY_MS);
	return frameio_send_text(fd, d, reply, rc == 0 ? "" : why.text);
}

static void
lost(struct serve *s, const char *text)
{
	log_warn("link: %s path=%s", text, s->link.path);
	(void)sdnotify("STATUS=waiting for the resolver");
	link_drop(&s->link);
	s->said.text[0] = '\0';
}

static int
take_hello(struct serve *s, const struct frame_header *h)
{
	if (h->status != KU_ST_OK)
		return -EPROTO;
	if (!s->link.greeted) {
		log_info("link: connected path=%s", s->link.path);
		(void)sdnotify("STATUS=connected to the resolver");
	}
	link_greeted(&s->link);
	return 0;
}

static void
read_frame(struct serve *s)
{
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h;
	int rc = frameio_recv(s->link.fd, deadline_in_ms(FRAME_MS), &h, body,
	    sizeof(body));

	if (rc == 0)
		rc = h.op == KU_OP_TASK_HELLO
		    ? take_hello(s, &h)
		    : serve_answer(s->work, s->link.fd, &h, body);
	if (rc < 0)
		lost(s, rc == -ECONNRESET ? "the resolver has gone" : strerror(-rc));
}

static void
reload(struct serve *s, bool force)
{
	const char *path;

	work_refresh(s->work, force);
	path = s->work->conf.config->task_sock_path;
	if (!streq(path, s->link.path))
		link_set_path(&s->link, path);
}

static void
take_signal(struct serve *s)
{
	struct signalfd_siginfo si;

	while (read(s->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			reload(s, true);
		else
			s->ended = true;
	}
}

static int
open_signals(struct serve *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? -errno : 0;
}

static void
connect_now(struct serve *s)
{
	struct why why = { "" };

	if (s->link.fd >= 0)
		return;
	reload(s, false);
	if (link_try(&s->link, &why) || why.text[0] == '\0' ||
	    streq(why.text, s->said.text))
		return;
	log_info("link: waiting for the resolver: %s", why.text);
	s->said = why;
}

static int
turn(struct serve *s)
{
	struct pollfd p[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};

	connect_now(s);
	if (link_is_overdue(&s->link))
		lost(s, "the resolver does not answer");
	p[1].fd = s->link.fd < 0 ? s->link.notify : -1;
	p[2].fd = s->link.fd;
	if (poll(p, ARRAY_SIZE(p), link_wait_ms(&s->link)) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents != 0)
		take_signal(s);
	if (p[1].revents != 0 && s->link.notify >= 0)
		link_noticed(&s->link);
	if (p[2].revents != 0 && s->link.fd >= 0 && !s->ended)
		read_frame(s);
	return 0;
}

int
serve_run(struct work *w)
{
	struct serve s = { .work = w, .signals = -1 };
	int rc = open_signals(&s);

	if (rc < 0)
		return rc;
	link_init(&s.link, w->conf.config->task_sock_path);
	(void)sdnotify("READY=1\nSTATUS=waiting for the resolver");
	work_clean(w);
	while (rc == 0 && !s.ended)
		rc = turn(&s);
	(void)sdnotify("STOPPING=1");
	link_clear(&s.link);
	fd_closep(&s.signals);
	return rc;
}
