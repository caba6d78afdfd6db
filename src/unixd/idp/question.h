/* SPDX-License-Identifier: MPL-2.0 */
/* An entry asked for by some id, and whether an answer is about that entry. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct uuid;

/* "/v1/KIND/ID/_unix/WHAT", malloc'ed, with what is not plainly harmless in the id
 * percent-encoded. */
char *question_path(const char *kind, const char *id, const char *what);

/* Is this entry the one that was asked for? */
bool question_is_answered_by(const char *id, const char *name, const char *spn,
    const struct uuid *uuid, uint32_t number);
