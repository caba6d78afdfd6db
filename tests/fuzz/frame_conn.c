/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A peer's bytes in any pieces through the server's reader. The first byte of the input
 * seeds the sizes of the pieces; the rest is what the peer sends. Whatever the split, the
 * same requests must come out: the run is done twice, in pieces and byte by byte, and
 * compared.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/unixd/server/reader.h"

struct outcome {
	size_t n_requests;
	uint64_t sum;
	enum reader_result last;
};

static void
note(struct outcome *o, const struct frame_header *h, const uint8_t *body)
{
	o->n_requests++;
	o->sum = o->sum * 31 + h->op + h->serial;
	for (uint32_t i = 0; i < h->length; i++)
		o->sum = o->sum * 31 + body[i];
}

/* Takes every whole request; false when the connection would be closed. */
static bool
drain(struct reader *r, struct outcome *o)
{
	for (;;) {
		const uint8_t *body = NULL;
		struct frame_header h;

		o->last = reader_next(r, &h, &body);
		switch (o->last) {
		case READER_MORE:
			return true;
		case READER_REQUEST:
		case READER_UNKNOWN:
			if (h.length > KU_MAX_PAM_REQ || body == NULL)
				abort();
			note(o, &h, body);
			reader_consume(r);
			break;
		case READER_TOO_LONG:
		case READER_VERSION:
		case READER_NO_MEMORY:
		case READER_GARBAGE:
			return false;
		}
	}
}

static struct outcome
feed(const uint8_t *data, size_t size, unsigned seed)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct outcome o = { .last = READER_MORE };

	if (r == NULL)
		abort();
	while (size > 0) {
		size_t room, n;
		uint8_t *at = reader_room(r, &room);

		if (room == 0)
			abort(); /* MORE was said, and there is no place for more */
		seed = seed * 1103515245u + 12345u;
		n = seed == 0 ? 1 : (seed >> 16) % 97 + 1;
		n = n < room ? n : room;
		n = n < size ? n : size;
		memcpy(at, data, n);
		reader_filled(r, n);
		data += n;
		size -= n;
		if (!drain(r, &o))
			break;
	}
	reader_clear(r);
	free(r);
	return o;
}

static struct outcome
feed_bytes(const uint8_t *data, size_t size)
{
	struct reader r = { .len = 0 };
	struct outcome o = { .last = READER_MORE };

	for (size_t i = 0; i < size; i++) {
		size_t room;
		uint8_t *at = reader_room(&r, &room);

		if (room == 0)
			abort();
		*at = data[i];
		reader_filled(&r, 1);
		if (!drain(&r, &o))
			break;
	}
	reader_clear(&r);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome a, b;

	if (size == 0)
		return 0;
	a = feed(data + 1, size - 1, data[0]);
	b = feed_bytes(data + 1, size - 1);
	if (a.n_requests != b.n_requests || a.sum != b.sum || a.last != b.last)
		abort();
	return 0;
}
