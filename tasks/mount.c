/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Serving bind mounts. systemd holds the socket and starts this when somebody asks; it
 * answers, waits a little for more, and ends, so that nothing with CAP_SYS_ADMIN stays
 * around. Only root is answered, and only what the configuration asks for is done.
 */
#include "tasks/mount.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/fd.h"
#include "src/prog/log.h"
#include "src/prog/sdnotify.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"
#include "tasks/frameio.h"
#include "tasks/local_ids.h"
#include "tasks/mount_bind.h"

#define LISTEN_FD 3
#define IDLE_MS   5000
#define FRAME_MS  2000
#define REPLY_MS  5000

static int
bind_home(struct work *w, const struct request *r, struct why *why)
{
	const struct config *c = w->conf.config;
	cleanup_(prefix_close) struct prefix where = { .fd = -1 }, homes = { .fd = -1 };
	struct alias a = { .name = request_alias(r, c),
		.home = request_home(r, c),
		.uuid = r->uuid_text,
		.uid = r->uid };
	int rc;

	if (!w->conf.usable)
		return why_set(why, -EINVAL, "%s", w->conf.why.text);
	if (c->home_strategy != HOME_STRATEGY_BIND_MOUNT)
		return why_set(why, -EPERM, "home_strategy is not bind_mount");
	if (a.name == NULL)
		return 0;
	rc = local_ids_check(w->etc_passwd, w->etc_group, c, r, why);
	if (rc == 0)
		rc = prefix_open(conf_home_dir(c), &homes, why);
	if (rc == 0)
		rc = prefix_open(c->home_prefix, &where, why);
	if (rc == 0)
		rc = mount_bind(&where, &homes, &a, why);
	if (rc == MOUNT_MADE)
		log_info("mount: made path=%s/%s uid=%u", where.path, a.name, a.uid);
	return rc < 0 ? rc : 0;
}

static void
answer(struct work *w, int fd, const struct frame_header *h, const void *body)
{
	struct frame_header reply = { .op = h->op, .serial = h->serial };
	struct why why = { "" };
	struct request r;
	int rc;

	if (h->version != KU_WIRE_VERSION || h->op != KU_OP_TASK_HOME) {
		reply.status = KU_ST_VERSION;
		(void)!frameio_send_text(fd, deadline_in_ms(REPLY_MS), reply,
		    "not known to this version of the mount helper");
		return;
	}
	work_refresh(w, false);
	rc = request_decode(body, h->length, &r, &why);
	if (rc == 0)
		rc = bind_home(w, &r, &why);
	if (rc < 0)
		log_err("mount: not done: %s", why.text);
	reply.status = rc == 0 ? KU_ST_OK : rc == -EPROTO ? KU_ST_BAD : KU_ST_UNAVAIL;
	(void)!frameio_send_text(fd, deadline_in_ms(REPLY_MS), reply,
	    rc == 0 ? "" : why.text);
}

static void
serve_one(struct work *w, int fd)
{
	uint8_t body[KU_TASK_MAX_REQ];
	struct frame_header h;
	struct ucred cred = { 0 };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || cred.uid != 0) {
		log_warn("mount: not root asks uid=%u", cred.uid);
		return;
	}
	if (frameio_recv(fd, deadline_in_ms(FRAME_MS), &h, body, sizeof(body)) == 0)
		answer(w, fd, &h, body);
}

static bool
is_listening(int fd)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

int
mount_serve(struct work *w)
{
	cleanup_(freep) char *names = NULL;
	struct pollfd p = { .fd = LISTEN_FD, .events = POLLIN };

	if (sdnotify_listen_fds(&names) != 1 || !is_listening(LISTEN_FD)) {
		log_err("mount: one socket is expected from systemd "
			"(kanidm-unixd-mount.socket)");
		return -EINVAL;
	}
	(void)sdnotify("READY=1");
	for (;;) {
		int n = poll(&p, 1, IDLE_MS);
		cleanup_(fd_closep) int fd = -1;

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		fd = accept4(LISTEN_FD, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			serve_one(w, fd);
	}
}
