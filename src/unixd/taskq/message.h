/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bytes from tasks on their way to being a message. Pure, so that the fuzzer feeds it any
 * bytes in any pieces: tasks is root's, but what it says comes from file systems and skel
 * directories.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ku/wire.h"
#include "ku/wire_task.h"
#include "src/base/attr.h"
#include "src/wire/codec.h"

struct taskq_home;

#define MESSAGE_TEXT_MAX 400u /* of what a person is shown, NUL included */

struct message_reader {
	size_t len;
	uint8_t buf[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REPLY];
};

enum message_result {
	MESSAGE_MORE,
	MESSAGE_WHOLE,
	MESSAGE_VERSION, /* of another protocol version */
	MESSAGE_GARBAGE, /* not our protocol, or too long */
};

uint8_t *message_room(struct message_reader *r, size_t *ret_room);
void message_filled(struct message_reader *r, size_t n);
/* *ret_h is set on WHOLE and VERSION, *ret_body (borrowed until message_consume) on WHOLE. */
enum message_result message_next(const struct message_reader *r,
    struct frame_header *ret_h, const uint8_t **ret_body);
void message_consume(struct message_reader *r, const struct frame_header *h);

/* The one string of a HELLO or a reply as a line that can be printed, "" of an empty body;
 * -EBADMSG when there is something else. */
int must_use_ message_text(const uint8_t *body, size_t len, char out[MESSAGE_TEXT_MAX]);

/* A TASK_HOME request. Its length, or -E2BIG. */
int must_use_ message_home(const struct taskq_home *home, uint32_t serial,
    uint8_t out[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REQ]);
