/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bodies of every operation in both directions through the decoder. Input: one byte that
 * picks a shape, then the body. Whatever decodes completely must encode to the same bytes:
 * there is one spelling for each message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/wire/codec.h"

enum shape {
	SHAPE_NAME,    /* str: requests by name */
	SHAPE_U32,     /* u32: requests by number */
	SHAPE_TWO_U32, /* u32, u32: *_NEXT requests, ACCEPT_ID replies */
	SHAPE_EMPTY,
	SHAPE_PASSWD, /* u32, u32, strs of five */
	SHAPE_GROUP,  /* u32, u32 n, strs of 2 + n */
	SHAPE_GIDS,   /* u32, u32 n, n * u32 */
	SHAPE_STRS,   /* u32 n, strs of n */
	N_SHAPES,
};

static void
pass_u32(struct dec *d, struct enc *e, uint32_t *ret_v)
{
	*ret_v = dec_u32(d);
	enc_u32(e, *ret_v);
}

static void
pass_name(struct dec *d, struct enc *e)
{
	size_t len = 0;
	const char *s = dec_str(d, KU_MAX_NAME_REQ, &len);

	if (s == NULL)
		return;
	if (memchr(s, '\0', len) != NULL)
		abort();
	enc_u32(e, (uint32_t)len);
	enc_bytes(e, s, len);
}

static void
pass_strs(struct dec *d, struct enc *e, uint64_t n)
{
	uint32_t len = 0;
	size_t end;

	pass_u32(d, e, &len);
	end = d->pos + len;
	for (uint64_t i = 0; i < n && !d->failed; i++) {
		const char *s = dec_strz(d);

		if (s != NULL)
			enc_strz(e, s);
	}
	if (!d->failed && d->pos != end)
		d->failed = true;
}

static void
pass(enum shape shape, struct dec *d, struct enc *e)
{
	uint32_t a, n = 0;

	switch (shape) {
	case SHAPE_NAME:
		pass_name(d, e);
		break;
	case SHAPE_U32:
		pass_u32(d, e, &a);
		break;
	case SHAPE_TWO_U32:
		pass_u32(d, e, &a);
		pass_u32(d, e, &a);
		break;
	case SHAPE_PASSWD:
		pass_u32(d, e, &a);
		pass_u32(d, e, &a);
		pass_strs(d, e, 5);
		break;
	case SHAPE_GROUP:
		pass_u32(d, e, &a);
		pass_u32(d, e, &n);
		pass_strs(d, e, 2 + (uint64_t)n);
		break;
	case SHAPE_GIDS:
		pass_u32(d, e, &a);
		pass_u32(d, e, &n);
		for (uint32_t i = 0; i < n && !d->failed; i++)
			pass_u32(d, e, &a);
		break;
	case SHAPE_STRS:
		pass_u32(d, e, &n);
		pass_strs(d, e, n);
		break;
	case SHAPE_EMPTY:
	case N_SHAPES:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *out = malloc(size + 1);
	struct dec d;
	struct enc e;

	if (size == 0 || out == NULL) {
		free(out);
		return 0;
	}
	dec_init(&d, data + 1, size - 1);
	enc_init(&e, out, size);
	pass((enum shape)(data[0] % N_SHAPES), &d, &e);
	if (dec_done(&d) &&
	    (e.failed || e.len != size - 1 || memcmp(out, data + 1, e.len) != 0))
		abort();
	free(out);
	return 0;
}
