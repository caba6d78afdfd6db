/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A reply body, already in the caller's buffer, as struct passwd or struct group. The bytes
 * are the daemon's and are not trusted: nothing outside [buf, buf + cap) is touched, and no
 * user below uid or gid 1000 comes out.
 */
#pragma once

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/name.h"

/* uid, gid (or gid, member count) and the length of the strings */
#define PACK_HEAD_LEN 12u

/* `buf` begins with the `len` bytes of the tail. 0, or -EPROTO. */
int must_use_ pack_passwd(const uint8_t head[PACK_HEAD_LEN], char *buf, size_t len,
    struct passwd *pw);

/* As above; the member array goes behind the strings. -ERANGE when it does not fit. */
int must_use_ pack_group(const uint8_t head[PACK_HEAD_LEN], char *buf, size_t len,
    size_t cap, struct group *gr);

/* Is `got` an answer to a question about `asked`? Short part equal, in any letter case; any
 * name answers a UUID. */
bool pack_name_answers(const char *got, const struct name *asked);
