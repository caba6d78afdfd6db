/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The writing half of the codec. A value that does not fit marks the encoder failed and
 * nothing is written from then on, so a caller encodes a whole message and looks once.
 */
#include <endian.h>
#include <string.h>

#include "src/base/le.h"
#include "src/wire/codec.h"

void
enc_init(struct enc *e, void *buf, size_t cap)
{
	*e = (struct enc){ .buf = buf, .cap = cap };
}

static uint8_t *
reserve(struct enc *e, size_t len)
{
	uint8_t *at;

	if (e->failed || len > e->cap - e->len) {
		e->failed = true;
		return NULL;
	}
	at = e->buf + e->len;
	e->len += len;
	return at;
}

void
enc_u8(struct enc *e, uint8_t v)
{
	uint8_t *at = reserve(e, 1);

	if (at != NULL)
		*at = v;
}

void
enc_u16(struct enc *e, uint16_t v)
{
	uint8_t *at = reserve(e, 2);

	if (at != NULL)
		le16_put(at, v);
}

void
enc_u32(struct enc *e, uint32_t v)
{
	uint8_t *at = reserve(e, 4);

	if (at != NULL)
		le32_put(at, v);
}

void
enc_u64(struct enc *e, uint64_t v)
{
	uint8_t *at = reserve(e, 8);

	if (at != NULL) {
		v = htole64(v);
		memcpy(at, &v, sizeof(v));
	}
}

void
enc_bytes(struct enc *e, const void *data, size_t len)
{
	uint8_t *at = reserve(e, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void
enc_str(struct enc *e, const char *s)
{
	size_t len = strlen(s);

	if (len > UINT32_MAX) {
		e->failed = true;
		return;
	}
	enc_u32(e, (uint32_t)len);
	enc_bytes(e, s, len);
}

void
enc_strz(struct enc *e, const char *s)
{
	enc_bytes(e, s, strlen(s) + 1);
}
