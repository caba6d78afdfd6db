/* SPDX-License-Identifier: MPL-2.0 */
/* Inside json*.c only: parsing with limits, and looking at the tree. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/base/uuid.h"

#define JSON_DEPTH_MAX    32u
#define JSON_VALUES_TOKEN 65536u /* a token of 4096 groups has some 20,000 */
#define JSON_VALUES_LIST  4000000u

void json_tree_free(cJSON **tree); /* for cleanup_ */

/* NULL when the text is not JSON within the limits. */
cJSON *json_tree_parse(const char *text, size_t len, size_t max_values);

/* The member `key` when it is there exactly once; *ret_twice (may be NULL) otherwise set
 * when it is there more often. */
const cJSON *json_tree_get(const cJSON *object, const char *key, bool *ret_twice);

/* Strings of at most `max` bytes; NULL when it is none. */
const char *json_tree_text(const cJSON *value, size_t max);
int must_use_ json_tree_u32(const cJSON *value, uint32_t *ret_number);
int must_use_ json_tree_uuid(const cJSON *value, struct uuid *ret_uuid);

/* Copies what is printable ASCII of `text`, cut to the room there is. */
void json_tree_printable(char *out, size_t size, const char *text);

/* name and spn of one entry: canonical, and the name is the SPN's first part. */
int must_use_ json_tree_names(const cJSON *name, const cJSON *spn, struct name *ret_name,
    struct name *ret_spn);

/* No control characters, valid UTF-8. */
bool json_tree_is_line(const char *text);
