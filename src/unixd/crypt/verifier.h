/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Verifiers: made and checked, one at a time. Internal to this folder; crypt.c decides when
 * and where. `key` is the one that is sealed under the pin, HSM_KEY_LEN bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/secret.h"
#include "src/unixd/crypt/kdf.h"

#define VERIFIER_LEN 80u

/* 0 or -errno. */
int must_use_ verifier_make(const struct secret *key, const struct kdf *kdf,
    const struct secret *password, uint8_t ret_verifier[VERIFIER_LEN]) ON_WORKER;

/* 1: the same password; 0: another; -EBADMSG: damaged, or made with another key; -EOPNOTSUPP:
 * with a function that this libcrypto does not have; -ENOMEM. */
int must_use_ verifier_check(const struct secret *key, const struct secret *password,
    const void *verifier, size_t len) ON_WORKER;
