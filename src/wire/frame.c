/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The 16 bytes in front of every message, and the names of the operations. The offsets are
 * those of the table in include/ku/wire.h; nothing else in the tree knows them.
 */
#include <errno.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/le.h"
#include "src/wire/codec.h"

void
frame_put(uint8_t out[16], const struct frame_header *h)
{
	le16_put(out, KU_WIRE_MAGIC);
	out[2] = h->version;
	out[3] = h->flags;
	le16_put(out + 4, h->op);
	le16_put(out + 6, h->status);
	le32_put(out + 8, h->serial);
	le32_put(out + 12, h->length);
}

int
frame_get(const uint8_t in[16], struct frame_header *ret_h)
{
	if (le16_get(in) != KU_WIRE_MAGIC)
		return -EPROTO;
	*ret_h = (struct frame_header){
		.version = in[2],
		.flags = in[3],
		.op = le16_get(in + 4),
		.status = le16_get(in + 6),
		.serial = le32_get(in + 8),
		.length = le32_get(in + 12),
	};
	return 0;
}

const char *
op_name(uint16_t op)
{
	switch (op) {
#define OP_NAME(name, code, who, max_req) \
	case (code):                      \
		return #name;
		KU_OPS(OP_NAME)
#undef OP_NAME
	default:
		return "?";
	}
}
