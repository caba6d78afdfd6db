/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Mounting on the host needs CAP_SYS_ADMIN and a process that sees the host's mounts: a
 * second unit, off by default. Off is the likely state, so the text for it names the
 * command that turns it on.
 */
#include "tasks/mount_ask.h"

#include <errno.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/fd.h"
#include "tasks/at.h"
#include "tasks/frameio.h"

#define ANSWER_MS 10000
#define SERIAL    1u

size_t
mount_ask_encode(const struct request *r, void *buf, size_t cap)
{
	struct enc e;

	enc_init(&e, buf, cap);
	enc_bytes(&e, r->uuid.b, sizeof(r->uuid.b));
	enc_u32(&e, r->uid);
	enc_u32(&e, r->gid);
	enc_u32(&e, (uint32_t)(r->name.len + r->spn.len + r->shown.len + 3));
	enc_strz(&e, r->name.text);
	enc_strz(&e, r->spn.text);
	enc_strz(&e, r->shown.text);
	return e.failed ? 0 : e.len;
}

static int
ask(int fd, const struct request *r, struct why *why)
{
	struct deadline d = deadline_in_ms(ANSWER_MS);
	uint8_t body[KU_TASK_MAX_REQ];
	size_t len = mount_ask_encode(r, body, sizeof(body));
	struct frame_header h = { .op = KU_OP_TASK_HOME,
		.serial = SERIAL,
		.length = (uint32_t)len };
	int rc = len == 0 ? -EMSGSIZE : frameio_send(fd, d, h, body);

	if (rc == 0)
		rc = frameio_recv(fd, d, &h, body, sizeof(body));
	if (rc == 0 && (h.op != KU_OP_TASK_HOME || h.serial != SERIAL))
		rc = -EPROTO;
	if (rc < 0)
		return why_set(why, rc, "kanidm-unixd-mount does not answer: %s",
		    strerror(-rc));
	if (h.status == KU_ST_OK)
		return 0;
	return why_set(why, -EIO, "%s", frameio_text(body, h.length));
}

int
mount_ask(const char *sock_path, const struct request *r, struct why *why)
{
	uint32_t uid;
	cleanup_(fd_closep) int fd = frameio_connect(sock_path, &uid);

	if (fd < 0)
		return why_set(why, fd,
		    "home_strategy is bind_mount, but nobody mounts (%s): systemctl "
		    "enable --now kanidm-unixd-mount.socket",
		    strerror(-fd));
	if (uid != 0)
		return why_set(why, -EPERM, "%s is not served by root", sock_path);
	return ask(fd, r, why);
}
