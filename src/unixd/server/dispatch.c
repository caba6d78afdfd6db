/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table is made from KU_OPS, so an operation cannot be added without saying who may
 * call it. Rights are judged on the credentials the kernel noted at connect(), before a
 * byte of the body is decoded.
 */
#include "src/unixd/server/dispatch.h"

#include <stdbool.h>

#include "ku/wire.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/server_internal.h"
#include "src/wire/codec.h"

struct op_entry {
	uint16_t op;
	uint8_t who;
	void (*handle)(struct conn *c, struct dec *d);
};

static const struct op_entry ops[] = {
#define DISPATCH_ENTRY(name, code, who, max_req) { (code), (who), op_##name },
	KU_OPS(DISPATCH_ENTRY)
#undef DISPATCH_ENTRY
};

static const struct op_entry *
find(uint16_t op)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (ops[i].op == op)
			return &ops[i];
	}
	return NULL;
}

static bool
may_call(const struct conn *c, uint8_t who)
{
	uid_t uid = c->peer.uid;

	switch (who) {
	case KU_WHO_ANYONE:
		return true;
	case KU_WHO_OWNER:
		return uid == 0 || uid == c->server->settings.own_uid;
	default:
		return uid == 0;
	}
}

void
dispatch(struct conn *c, const uint8_t *body, size_t len)
{
	const struct op_entry *e = find(c->req.op);
	struct dec d;

	if (e == NULL) {
		conn_reply_status(c, KU_ST_VERSION);
		return;
	}
	if (!may_call(c, e->who)) {
		if (server_may_log(c->server))
			log_info("request: refused op=%s uid=%u pid=%d",
			    op_name(c->req.op), (unsigned)c->peer.uid, (int)c->peer.pid);
		conn_reply_text(c, KU_ST_DENIED, "only root may do this");
		return;
	}
	log_debug("request: op=%s uid=%u pid=%d", op_name(c->req.op),
	    (unsigned)c->peer.uid, (int)c->peer.pid);
	dec_init(&d, body, len);
	/* What the daemon asks for later, of its own accord, stands in nobody's line. */
	resolver_asked_by(c->server->resolver, c->peer.uid);
	e->handle(c, &d);
	resolver_asked_by(c->server->resolver, 0);
}
