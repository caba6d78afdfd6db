/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The reading half of the codec, for bytes that a stranger sent: every length is compared
 * with what is left before it is used, and the first thing that does not hold makes all
 * later reads fail too.
 */
#include <endian.h>
#include <string.h>

#include "src/base/le.h"
#include "src/wire/codec.h"

void
dec_init(struct dec *d, const void *buf, size_t len)
{
	*d = (struct dec){ .buf = buf, .len = len };
}

static const uint8_t *
take(struct dec *d, size_t len)
{
	const uint8_t *at;

	if (d->failed || len > d->len - d->pos) {
		d->failed = true;
		return NULL;
	}
	at = d->buf + d->pos;
	d->pos += len;
	return at;
}

uint8_t
dec_u8(struct dec *d)
{
	const uint8_t *at = take(d, 1);

	return at == NULL ? 0 : *at;
}

uint16_t
dec_u16(struct dec *d)
{
	const uint8_t *at = take(d, 2);

	return at == NULL ? 0 : le16_get(at);
}

uint32_t
dec_u32(struct dec *d)
{
	const uint8_t *at = take(d, 4);

	return at == NULL ? 0 : le32_get(at);
}

uint64_t
dec_u64(struct dec *d)
{
	const uint8_t *at = take(d, 8);
	uint64_t v;

	if (at == NULL)
		return 0;
	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

const void *
dec_bytes(struct dec *d, size_t len)
{
	return take(d, len);
}

const char *
dec_str(struct dec *d, size_t max, size_t *ret_len)
{
	uint32_t len = dec_u32(d);
	const uint8_t *at;

	*ret_len = 0;
	if (len > max)
		d->failed = true;
	at = take(d, len);
	if (at == NULL)
		return NULL;
	if (len > 0 && memchr(at, '\0', len) != NULL) {
		d->failed = true;
		return NULL;
	}
	*ret_len = len;
	return (const char *)at;
}

const char *
dec_strz(struct dec *d)
{
	const uint8_t *end;

	if (d->failed || d->pos == d->len) {
		d->failed = true;
		return NULL;
	}
	end = memchr(d->buf + d->pos, '\0', d->len - d->pos);
	if (end == NULL) {
		d->failed = true;
		return NULL;
	}
	return (const char *)take(d, (size_t)(end - (d->buf + d->pos)) + 1);
}

bool
dec_done(const struct dec *d)
{
	return !d->failed && d->pos == d->len;
}
