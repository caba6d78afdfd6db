/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Password to key, slowly on purpose. Internal to this folder; both functions of libcrypto
 * take the running library as it is, so that a program built against an old one uses what
 * a new one can do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/secret.h"

#define KDF_SALT_LEN 16u
#define KDF_OUT_LEN  32u

enum kdf_kind {
	KDF_SCRYPT = 1,
	KDF_ARGON2ID = 2,
};

struct kdf {
	uint8_t kind;  /* enum kdf_kind; any number may come from a disk */
	uint32_t cost; /* scrypt: log2 of N; Argon2id: KiB of memory */
	uint32_t b;    /* r; passes */
	uint32_t p;    /* p; lanes */
};

/* The best that this libcrypto has. */
struct kdf kdf_best(void);
bool kdf_have_argon2id(void);

/* Are these parameters that may be run, whoever wrote them? */
bool kdf_is_bounded(const struct kdf *k);

/* `ret_key` has room for KDF_OUT_LEN. 0; -EOPNOTSUPP: not in this libcrypto; -EBADMSG: out of
 * bounds; -ENOMEM: all else. */
int must_use_ kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key) ON_WORKER;
