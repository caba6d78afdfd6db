/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The first code that a hostile peer's bytes meet. One fixed buffer holds the largest
 * request there is, so a length field can ask for nothing: what the operation table does
 * not allow is refused as soon as its header is there.
 */
#include "src/unixd/server/reader.h"

#include <string.h>

static const uint32_t unknown_op = UINT32_MAX;

static uint32_t
max_request(uint16_t op)
{
	switch (op) {
#define READER_CAP(name, code, who, max_req) \
	case (code):                         \
		return (max_req);
		KU_OPS(READER_CAP)
#undef READER_CAP
	default:
		return unknown_op;
	}
}

uint8_t *
reader_room(struct reader *r, size_t *ret_room)
{
	*ret_room = sizeof(r->buf) - r->len;
	return r->buf + r->len;
}

void
reader_filled(struct reader *r, size_t n)
{
	if (n <= sizeof(r->buf) - r->len)
		r->len += n;
}

enum reader_result
reader_next(const struct reader *r, struct frame_header *ret_h, const uint8_t **ret_body)
{
	uint32_t cap;

	if (r->len < KU_WIRE_HEADER_LEN)
		return READER_MORE;
	if (frame_get(r->buf, ret_h) < 0)
		return READER_GARBAGE;
	if (ret_h->version != KU_WIRE_VERSION)
		return READER_VERSION;
	cap = max_request(ret_h->op);
	if (cap == unknown_op && ret_h->length > KU_MAX_NAME_REQ)
		return READER_VERSION;
	if (ret_h->length > cap)
		return READER_TOO_LONG;
	if (r->len - KU_WIRE_HEADER_LEN < ret_h->length)
		return READER_MORE;
	*ret_body = r->buf + KU_WIRE_HEADER_LEN;
	return cap == unknown_op ? READER_UNKNOWN : READER_REQUEST;
}

void
reader_consume(struct reader *r, const struct frame_header *h)
{
	size_t n = KU_WIRE_HEADER_LEN + h->length;

	r->len -= n;
	memmove(r->buf, r->buf + n, r->len);
}
