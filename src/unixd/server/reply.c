/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Replies differ from 16 bytes to megabytes (a group with 100,000 members), and the parts
 * come from callbacks, so the buffer grows as it is written. The cap of the protocol holds
 * here once, for every operation.
 */
#include "src/unixd/server/reply.h"

#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/le.h"
#include "src/prog/xalloc.h"
#include "src/wire/codec.h"

static uint8_t *
grow(struct reply *r, size_t n)
{
	size_t max = KU_WIRE_HEADER_LEN + KU_MAX_REPLY;
	uint8_t *at;

	if (r->failed || n > max - r->len) {
		r->failed = true;
		return NULL;
	}
	if (n > r->cap - r->len) {
		size_t cap = r->cap * 2;

		if (cap < r->len + n)
			cap = r->len + n;
		r->buf = xreallocarray(r->buf, cap, 1);
		r->cap = cap;
	}
	at = r->buf + r->len;
	r->len += n;
	return at;
}

void
reply_init(struct reply *r)
{
	*r = (struct reply){ .cap = 256, .len = KU_WIRE_HEADER_LEN };
	r->buf = xmalloc(r->cap);
}

void
reply_clear(struct reply *r)
{
	free(r->buf);
	*r = (struct reply){ 0 };
}

void
reply_u32(struct reply *r, uint32_t v)
{
	uint8_t *at = grow(r, sizeof(v));

	if (at != NULL)
		le32_put(at, v);
}

size_t
reply_strs_open(struct reply *r)
{
	size_t at = r->len;

	reply_u32(r, 0);
	return at;
}

void
reply_strz(struct reply *r, const char *s)
{
	size_t n = strlen(s) + 1;
	uint8_t *at = grow(r, n);

	if (at != NULL)
		memcpy(at, s, n);
}

void
reply_patch_u32(struct reply *r, size_t at, uint32_t v)
{
	if (!r->failed)
		le32_put(r->buf + at, v);
}

void
reply_strs_close(struct reply *r, size_t at)
{
	reply_patch_u32(r, at, (uint32_t)(r->len - at - sizeof(uint32_t)));
}

void
reply_drop_body(struct reply *r)
{
	r->len = KU_WIRE_HEADER_LEN;
	r->failed = false;
}

void
reply_seal(struct reply *r, uint16_t op, uint16_t status, uint32_t serial)
{
	struct frame_header h = {
		.version = KU_WIRE_VERSION,
		.op = op,
		.status = status,
		.serial = serial,
		.length = (uint32_t)(r->len - KU_WIRE_HEADER_LEN),
	};

	frame_put(r->buf, &h);
}
