/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A server on a real loop with the fake resolver, and a peer's end of a socket pair. The
 * test turns the loop itself, so nothing happens that it did not ask for.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/server/server.h"
#include "src/wire/codec.h"
#include "unit/src/unixd/server/fake_login.h"
#include "unit/src/unixd/server/fake_resolver.h"

struct harness {
	struct loop *loop;
	struct server *server;
	struct resolver resolver;
	struct login login;
};

struct answer_frame {
	struct frame_header h;
	uint8_t body[4096];
};

void harness_start(struct harness *h, const struct server_settings *s);
void harness_stop(struct harness *h);

/* The peer's end of a new connection, as if a process of this uid had connected (another
 * uid than our own needs root; the test is skipped without). */
int harness_connect(struct harness *h, uid_t uid);

void harness_send(int fd, const void *bytes, size_t len);
void harness_request(int fd, uint16_t op, uint32_t serial, const void *body, size_t len);
/* PAM_AUTH with this password, PAM_ACCT or PAM_SESSION (password NULL) about `name`. */
void harness_ask_pam(int fd, uint16_t op, uint32_t serial, const char *name,
    const char *password);
void harness_ask_name(int fd, uint16_t op, uint32_t serial, const char *name);

/* Turns the loop until n bytes are there; returns how many came before EOF. */
size_t harness_read(struct harness *h, int fd, void *buf, size_t n);
/* One whole reply, with a body that fits. */
void harness_reply(struct harness *h, int fd, struct answer_frame *ret);
/* True when the server closes the connection without another byte. */
bool harness_is_closed(struct harness *h, int fd);
/* A few turns without waiting: whatever was sent has been seen. */
void harness_settle(struct harness *h);
