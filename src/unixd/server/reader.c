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

/* What to do with a request once its header is there; REQUEST and UNKNOWN: read on. */
static enum reader_result
judge(const struct frame_header *h)
{
	uint32_t cap = max_request(h->op);

	if (h->version != KU_WIRE_VERSION)
		return READER_VERSION;
	if (cap == unknown_op)
		return h->length > KU_MAX_PAM_REQ ? READER_VERSION : READER_UNKNOWN;
	return h->length > cap ? READER_TOO_LONG : READER_REQUEST;
}

static bool
may_be_secret(const struct frame_header *h)
{
	return h->op == KU_OP_PAM_AUTH || max_request(h->op) == unknown_op;
}

/* The header is complete: how much follows, and where to? */
static void
expect_body(struct reader *r)
{
	struct frame_header h;
	enum reader_result what;

	if (frame_get(r->header, &h) < 0)
		return;
	what = judge(&h);
	if (what != READER_REQUEST && what != READER_UNKNOWN)
		return;
	r->want = h.length;
	if (h.length == 0 || !may_be_secret(&h))
		return;
	r->secret = secret_new(h.length);
	r->no_memory = r->secret == NULL;
}

static uint8_t *
body_of(struct reader *r)
{
	return r->secret != NULL ? r->secret->data : r->body;
}

void
reader_clear(struct reader *r)
{
	r->secret = secret_free(r->secret);
	r->len = 0;
	r->want = 0;
	r->no_memory = false;
}

uint8_t *
reader_room(struct reader *r, size_t *ret_room)
{
	size_t got;

	if (r->len < KU_WIRE_HEADER_LEN) {
		*ret_room = KU_WIRE_HEADER_LEN - r->len;
		return r->header + r->len;
	}
	got = r->len - KU_WIRE_HEADER_LEN;
	*ret_room = r->no_memory ? 0 : r->want - got;
	return body_of(r) + got;
}

void
reader_filled(struct reader *r, size_t n)
{
	size_t room;

	(void)reader_room(r, &room);
	if (n == 0 || n > room)
		return;
	r->len += n;
	if (r->len == KU_WIRE_HEADER_LEN)
		expect_body(r);
}

enum reader_result
reader_next(const struct reader *r, struct frame_header *ret_h, const uint8_t **ret_body)
{
	enum reader_result what;

	if (r->len < KU_WIRE_HEADER_LEN)
		return READER_MORE;
	if (frame_get(r->header, ret_h) < 0)
		return READER_GARBAGE;
	what = judge(ret_h);
	if (what != READER_REQUEST && what != READER_UNKNOWN)
		return what;
	if (r->no_memory)
		return READER_NO_MEMORY;
	if (r->len - KU_WIRE_HEADER_LEN < ret_h->length)
		return READER_MORE;
	*ret_body = r->secret != NULL ? r->secret->data : r->body;
	return what;
}

void
reader_consume(struct reader *r)
{
	reader_clear(r);
}
