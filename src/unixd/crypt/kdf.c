/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two functions, their parameters, and how far others' parameters are followed. Memory
 * is what the choice is about: two of these run at once in a daemon that otherwise needs a
 * few MiB, so Argon2id gets 12 MiB and three passes rather than 19 and two, which is held to
 * be as good; scrypt takes 16.
 */
#include "src/unixd/crypt/kdf.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define SCRYPT_LOG_N 14u
#define SCRYPT_R     8u
#define SCRYPT_P     5u

#define ARGON2_KIB    (12u * 1024)
#define ARGON2_PASSES 3u
#define ARGON2_LANES  1u

/* A verifier that a later version made may be four times as dear. */
#define MAX_MEMORY (UINT64_C(64) << 20)
#define MAX_SCRYPT (UINT64_C(4) * (SCRYPT_R * SCRYPT_P << SCRYPT_LOG_N))
#define MAX_ARGON2 (UINT64_C(4) * ARGON2_KIB * ARGON2_PASSES)

static void
kdf_freep(EVP_KDF **kdf)
{
	EVP_KDF_free(*kdf);
}

static void
ctx_freep(EVP_KDF_CTX **ctx)
{
	EVP_KDF_CTX_free(*ctx);
}

bool
kdf_have_argon2id(void)
{
	EVP_KDF *kdf cleanup_(kdf_freep) = NULL;

	(void)ERR_set_mark();
	kdf = EVP_KDF_fetch(NULL, "ARGON2ID", NULL);
	(void)ERR_pop_to_mark();
	return kdf != NULL;
}

struct kdf
kdf_best(void)
{
	if (kdf_have_argon2id())
		return (
		    struct kdf){ KDF_ARGON2ID, ARGON2_KIB, ARGON2_PASSES, ARGON2_LANES };
	return (struct kdf){ KDF_SCRYPT, SCRYPT_LOG_N, SCRYPT_R, SCRYPT_P };
}

static bool
scrypt_is_bounded(const struct kdf *k)
{
	if (k->cost < 10 || k->cost > 20 || k->b < 1 || k->b > 32 || k->p < 1 ||
	    k->p > 64)
		return false;
	return (UINT64_C(128) << k->cost) * k->b <= MAX_MEMORY &&
	    (uint64_t)k->b * k->p << k->cost <= MAX_SCRYPT;
}

static bool
argon2_is_bounded(const struct kdf *k)
{
	if (k->p < 1 || k->p > 4 || k->b < 1 || k->b > 64 || k->cost < 8 * k->p)
		return false;
	return k->cost <= MAX_MEMORY / 1024 && (uint64_t)k->cost * k->b <= MAX_ARGON2;
}

bool
kdf_is_bounded(const struct kdf *k)
{
	switch (k->kind) {
	case KDF_SCRYPT:
		return scrypt_is_bounded(k);
	case KDF_ARGON2ID:
		return argon2_is_bounded(k);
	default:
		return false;
	}
}

static int
run_scrypt(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *key)
{
	if (EVP_PBE_scrypt((const char *)password->data, password->len, salt,
		KDF_SALT_LEN, UINT64_C(1) << k->cost, k->b, k->p, 2 * MAX_MEMORY,
		key->data, KDF_OUT_LEN) != 1)
		return -ENOMEM;
	return 0;
}

/* By name: the headers may be older than the library. */
static int
run_argon2id(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *key)
{
	EVP_KDF *kdf cleanup_(kdf_freep) = EVP_KDF_fetch(NULL, "ARGON2ID", NULL);
	EVP_KDF_CTX *ctx cleanup_(ctx_freep) = NULL;
	uint32_t cost = k->cost;
	uint32_t passes = k->b;
	uint32_t lanes = k->p;
	uint32_t early = 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_octet_string("pass", (void *)(uintptr_t)password->data,
		    password->len),
		OSSL_PARAM_octet_string("salt", (void *)(uintptr_t)salt, KDF_SALT_LEN),
		OSSL_PARAM_uint32("memcost", &cost),
		OSSL_PARAM_uint32("iter", &passes),
		OSSL_PARAM_uint32("lanes", &lanes),
		OSSL_PARAM_uint32("early_clean", &early),
		OSSL_PARAM_END,
	};

	if (kdf == NULL)
		return -EOPNOTSUPP;
	ctx = EVP_KDF_CTX_new(kdf);
	if (ctx == NULL || EVP_KDF_derive(ctx, key->data, KDF_OUT_LEN, params) != 1)
		return -ENOMEM;
	return 0;
}

int
kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key)
{
	int r;

	if (!kdf_is_bounded(k))
		return -EBADMSG;
	if (k->kind == KDF_SCRYPT)
		r = run_scrypt(k, password, salt, ret_key);
	else
		r = run_argon2id(k, password, salt, ret_key);
	ERR_clear_error();
	if (r == 0)
		ret_key->len = KDF_OUT_LEN;
	return r;
}
