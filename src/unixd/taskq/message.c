/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What goes over the task socket, as bytes. One fixed buffer holds the longest reply there
 * may be, so a length field can ask for nothing.
 */
#include "src/unixd/taskq/message.h"

#include <errno.h>
#include <string.h>

#include "src/unixd/taskq/taskq.h"

uint8_t *
message_room(struct message_reader *r, size_t *ret_room)
{
	*ret_room = sizeof(r->buf) - r->len;
	return r->buf + r->len;
}

void
message_filled(struct message_reader *r, size_t n)
{
	if (n <= sizeof(r->buf) - r->len)
		r->len += n;
}

enum message_result
message_next(const struct message_reader *r, struct frame_header *ret_h,
    const uint8_t **ret_body)
{
	if (r->len < KU_WIRE_HEADER_LEN)
		return MESSAGE_MORE;
	if (frame_get(r->buf, ret_h) < 0)
		return MESSAGE_GARBAGE;
	if (ret_h->version != KU_WIRE_VERSION)
		return MESSAGE_VERSION;
	if (ret_h->length > KU_TASK_MAX_REPLY)
		return MESSAGE_GARBAGE;
	if (r->len - KU_WIRE_HEADER_LEN < ret_h->length)
		return MESSAGE_MORE;
	*ret_body = r->buf + KU_WIRE_HEADER_LEN;
	return MESSAGE_WHOLE;
}

void
message_consume(struct message_reader *r, const struct frame_header *h)
{
	size_t n = KU_WIRE_HEADER_LEN + h->length;

	r->len -= n;
	memmove(r->buf, r->buf + n, r->len);
}

int
message_text(const uint8_t *body, size_t len, char out[MESSAGE_TEXT_MAX])
{
	const char *text;
	struct dec d;
	size_t i;

	out[0] = '\0';
	if (len == 0)
		return 0;
	dec_init(&d, body, len);
	if (dec_u32(&d) != len - sizeof(uint32_t))
		d.failed = true;
	text = dec_strz(&d);
	if (!dec_done(&d) || text == NULL)
		return -EBADMSG;
	/* File names are in there, and terminals obey control characters. */
	for (i = 0; text[i] != '\0' && i < MESSAGE_TEXT_MAX - 1; i++)
		out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
	/* Not in the middle of a character. */
	if (text[i] != '\0') {
		while (i > 0 && ((unsigned char)text[i] & 0xc0u) == 0x80u)
			i--;
	}
	out[i] = '\0';
	return 0;
}

int
message_home(const struct taskq_home *home, uint32_t serial,
    uint8_t out[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ])
{
	size_t names = strlen(home->name) + strlen(home->spn) + strlen(home->shown) + 3;
	struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = KU_OP_TASK_HOME,
		.serial = serial };
	struct enc e;

	enc_init(&e, out + KU_WIRE_HEADER_LEN, KU_TASK_MAX_REQ);
	enc_bytes(&e, home->uuid.b, sizeof(home->uuid.b));
	enc_u32(&e, home->uid);
	enc_u32(&e, home->gid);
	enc_u32(&e, (uint32_t)names);
	enc_strz(&e, home->name);
	enc_strz(&e, home->spn);
	enc_strz(&e, home->shown);
	if (e.failed)
		return -E2BIG;
	h.length = (uint32_t)e.len;
	frame_put(out, &h);
	return (int)(KU_WIRE_HEADER_LEN + e.len);
}
