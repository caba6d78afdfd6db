/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bounded encoder and decoder for the wire (include/ku/wire.h) and for blobs in the cache.
 * Both have a sticky error: check once at the end. No allocation; host-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"

/* Writer into a caller's buffer. */
struct enc {
	uint8_t *buf;
	size_t cap;
	size_t len;
	bool failed; /* something did not fit */
};

void enc_init(struct enc *e, void *buf, size_t cap);
void enc_u8(struct enc *e, uint8_t v);
void enc_u16(struct enc *e, uint16_t v);
void enc_u32(struct enc *e, uint32_t v);
void enc_u64(struct enc *e, uint64_t v);
void enc_bytes(struct enc *e, const void *data, size_t len);
/* u32 length and the bytes of a NUL-terminated string, without its NUL */
void enc_str(struct enc *e, const char *s);
/* the bytes and the NUL: an element of "strs" */
void enc_strz(struct enc *e, const char *s);

/* Reader over a caller's buffer. After a failure every get returns 0, NULL or false. */
struct dec {
	const uint8_t *buf;
	size_t len;
	size_t pos;
	bool failed;
};

void dec_init(struct dec *d, const void *buf, size_t len);
uint8_t dec_u8(struct dec *d);
uint16_t dec_u16(struct dec *d);
uint32_t dec_u32(struct dec *d);
uint64_t dec_u64(struct dec *d);
/* Borrowed pointer into the buffer, or NULL and failed. */
const void *dec_bytes(struct dec *d, size_t len);
/* A "str": borrowed, NOT NUL-terminated; a NUL inside is a failure. */
const char *dec_str(struct dec *d, size_t max, size_t *ret_len);
/* An element of "strs": borrowed, NUL-terminated. */
const char *dec_strz(struct dec *d);
/* True when nothing failed and nothing is left over. */
bool must_use_ dec_done(const struct dec *d);

struct frame_header {
	uint8_t version;
	uint8_t flags;
	uint16_t op;
	uint16_t status;
	uint32_t serial;
	uint32_t length;
};

void frame_put(uint8_t out[16], const struct frame_header *h);
/* 0; -EPROTO when the magic is wrong. The version is not judged here. */
int must_use_ frame_get(const uint8_t in[16], struct frame_header *ret_h);

/* "PASSWD_BY_NAME" for logs, or "?" */
const char *op_name(uint16_t op);
