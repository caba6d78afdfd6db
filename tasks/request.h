/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is asked for: a person, by ids and names, never a path. Everything is judged here
 * once more, whatever the resolver has judged already.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/base/uuid.h"
#include "src/prog/config.h"
#include "tasks/why.h"

struct request {
	struct uuid uuid;
	char uuid_text[UUID_TEXT_LEN + 1];
	uint32_t uid;
	uint32_t gid;
	struct name name;
	struct name spn;
	struct name shown; /* one of the two above */
};

/* The body of TASK_HOME (ku/wire_task.h). 0; -EPROTO when it cannot be decoded; -EINVAL
 * when it says what no account may have. */
int must_use_ request_decode(const void *body, size_t len, struct request *ret_r,
    struct why *why);

/* The text of an attribute; NULL for NAME_ATTR_NONE. */
const char *request_attr(const struct request *r, enum name_attr attr);

/* The name of the real directory, and of the alias; NULL: no alias, or it is the same. */
const char *request_home(const struct request *r, const struct config *c);
const char *request_alias(const struct request *r, const struct config *c);
