/* SPDX-License-Identifier: MPL-2.0 */
/* From an operation's number to its handler, and whether the peer may call it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ku/wire_ops.h"

struct conn;
struct dec;

/* Works on c->req with this body, which is valid during the call. Answers in any case. */
void dispatch(struct conn *c, const uint8_t *body, size_t len);

/* One handler per line of KU_OPS. `d` holds the request's body. */
#define DISPATCH_DECLARE(name, code, who, max_req) \
	void op_##name(struct conn *c, struct dec *d);
KU_OPS(DISPATCH_DECLARE)
#undef DISPATCH_DECLARE
