/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes of one peer on their way to being a request. Pure: no descriptor, no clock, so that
 * the fuzzer and the tests feed it any bytes in any pieces.
 *
 * It takes one request at a time and asks for no byte behind it: first the header, then as
 * much as the header says. So what is secret is known before it arrives, and the body of a
 * request that holds a password (or of one this version does not know, which may) is
 * received straight into memory that is kept out of dumps and wiped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/base/secret.h"
#include "src/wire/codec.h"

struct reader {
	size_t len; /* bytes of the request in hand, its header included */
	size_t want;
	uint8_t header[KU_WIRE_HEADER_LEN];
	uint8_t body[KU_MAX_PAM_REQ];
	struct secret *secret; /* instead of `body` */
	bool no_memory;
};

enum reader_result {
	READER_MORE,      /* not complete yet */
	READER_REQUEST,   /* a whole request of a known operation */
	READER_UNKNOWN,   /* whole, but of an operation this version does not have */
	READER_TOO_LONG,  /* body longer than the operation allows: answer, then close */
	READER_VERSION,   /* another protocol version: answer, then close */
	READER_NO_MEMORY, /* no place for a secret: answer, then close */
	READER_GARBAGE,   /* not our protocol: close without a word */
};

/* Wiped memory goes back; a reader of all zeros is a new one. */
void reader_clear(struct reader *r);

/* Where the next bytes go, and how many fit (never 0 after reader_next said MORE). */
uint8_t *reader_room(struct reader *r, size_t *ret_room);
void reader_filled(struct reader *r, size_t n);

/*
 * Looks at the request in hand. *ret_h is set on everything but MORE and GARBAGE;
 * *ret_body (borrowed until reader_consume) on REQUEST and UNKNOWN.
 */
enum reader_result reader_next(const struct reader *r, struct frame_header *ret_h,
    const uint8_t **ret_body);

/* Drops the request that reader_next returned. */
void reader_consume(struct reader *r);

/* True when a request has begun. */
static inline bool
reader_has_bytes(const struct reader *r)
{
	return r->len != 0;
}
