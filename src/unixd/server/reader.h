/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes of one peer on their way to being a request. Pure: no descriptor, no clock, so that
 * the fuzzer and the tests feed it any bytes in any pieces.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/wire/codec.h"

struct reader {
	size_t len;
	uint8_t buf[KU_WIRE_HEADER_LEN + KU_MAX_NAME_REQ];
};

enum reader_result {
	READER_MORE,     /* not complete yet */
	READER_REQUEST,  /* a whole request of a known operation */
	READER_UNKNOWN,  /* whole, but of an operation this version does not have */
	READER_TOO_LONG, /* body longer than the operation allows: answer, then close */
	READER_VERSION,  /* another protocol version: answer, then close */
	READER_GARBAGE,  /* not our protocol: close without a word */
};

/* Where the next bytes go, and how many fit (never 0 after reader_next said MORE). */
uint8_t *reader_room(struct reader *r, size_t *ret_room);
void reader_filled(struct reader *r, size_t n);

/*
 * Looks at the front of the buffer. *ret_h is set on everything but MORE and GARBAGE;
 * *ret_body (borrowed until reader_consume) on REQUEST and UNKNOWN.
 */
enum reader_result reader_next(const struct reader *r, struct frame_header *ret_h,
    const uint8_t **ret_body);

/* Drops the request that reader_next returned; the following bytes move up. */
void reader_consume(struct reader *r, const struct frame_header *h);

/* True when bytes of a further request are waiting. */
static inline int
reader_has_bytes(const struct reader *r)
{
	return r->len != 0;
}
