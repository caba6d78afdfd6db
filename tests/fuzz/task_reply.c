/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What tasks sends, in any pieces. Input: a seed for the pieces, then the bytes. What comes
 * out may not depend on the pieces, and every text must be one line that a terminal can be
 * given.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/unixd/taskq/message.h"

/* FNV, over everything that was taken out. */
static void
note(uint64_t *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ p[i]) * UINT64_C(1099511628211);
}

static void
look_at(const uint8_t *body, size_t len, uint64_t *sum)
{
	/* exactly as large as said, so that a byte too many is seen */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	char text[MESSAGE_TEXT_MAX];
	int rc;

	if (copy == NULL)
		abort();
	memcpy(copy, body, len);
	rc = message_text(copy, len, text);
	free(copy);
	note(sum, &rc, sizeof(rc));
	if (rc < 0)
		return;
	if (strlen(text) >= MESSAGE_TEXT_MAX)
		abort();
	for (size_t i = 0; text[i] != '\0'; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			abort();
	}
	note(sum, text, strlen(text));
}

static enum message_result
take_all(struct message_reader *r, uint64_t *sum)
{
	const uint8_t *body = NULL;
	enum message_result res;
	struct frame_header h;

	while ((res = message_next(r, &h, &body)) == MESSAGE_WHOLE) {
		note(sum, &h.op, sizeof(h.op));
		note(sum, &h.serial, sizeof(h.serial));
		note(sum, &h.status, sizeof(h.status));
		look_at(body, h.length, sum);
		message_consume(r, &h);
	}
	return res;
}

static uint64_t
run(const uint8_t *data, size_t size, unsigned seed)
{
	struct message_reader r = { 0 };
	enum message_result res = MESSAGE_MORE;
	uint64_t sum = UINT64_C(14695981039346656037);
	size_t at = 0;

	while (at < size && res == MESSAGE_MORE) {
		size_t room, n = size - at;
		uint8_t *to = message_room(&r, &room);

		if (room == 0)
			abort();
		n = n < room ? n : room;
		if (seed != 0) {
			seed = seed * 1103515245u + 12345u;
			n = 1 + (seed >> 16) % n;
		}
		memcpy(to, data + at, n);
		message_filled(&r, n);
		at += n;
		res = take_all(&r, &sum);
	}
	note(&sum, &res, sizeof(res));
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (run(data + 2, size - 2, 0) !=
	    run(data + 2, size - 2, 1u + data[0] + 256u * data[1]))
		abort();
	return 0;
}
