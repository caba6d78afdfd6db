/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The key in software: AES-256-GCM under a key that scrypt makes of the pin. Our own pins
 * are random and would not need scrypt; but the file is shared, and others let people
 * write it.
 *
 *	0	"kuKS"
 *	4	version (1), kind (1: soft)
 *	6	scrypt: log2 of N, r, p
 *	9	salt, 16 bytes
 *	25	nonce, 12 bytes		up to here: authenticated, in the clear
 *	37	the key, encrypted, 32 bytes
 *	69	tag, 16 bytes
 *
 * The parameters are read before anything is authenticated, so they have narrow bounds: a
 * damaged database must not make a start cost minutes or gigabytes.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/base/util.h"
#include "src/unixd/hsm/hsm.h"

#define MAGIC     "kuKS"
#define VERSION   1
#define KIND_SOFT 1

#define SCRYPT_LOG_N 14
#define SCRYPT_R     8
#define SCRYPT_P     5

/* Room for a later version to be dearer: 64 MiB, and four times the work. */
#define MAX_MEMORY (64u << 20)
#define MAX_WORK   (4u * (1u << SCRYPT_LOG_N) * SCRYPT_R * SCRYPT_P)

#define SALT_LEN  16
#define NONCE_LEN 12
#define TAG_LEN   16

/* Bytes only, so it has no padding, and is the blob. */
struct sealed {
	uint8_t magic[4];
	uint8_t version;
	uint8_t kind;
	uint8_t log_n;
	uint8_t r;
	uint8_t p;
	uint8_t salt[SALT_LEN];
	uint8_t nonce[NONCE_LEN];
	uint8_t key[HSM_KEY_LEN];
	uint8_t tag[TAG_LEN];
};

_Static_assert(sizeof(struct sealed) == 85, "the format on disk");
_Static_assert(sizeof(struct sealed) <= HSM_MAX_SEALED, "it fits");

#define CLEAR_LEN offsetof(struct sealed, key)

static void
cipher_freep(EVP_CIPHER_CTX **ctx)
{
	EVP_CIPHER_CTX_free(*ctx);
}

static int
check_form(const struct sealed *b)
{
	uint64_t memory;

	if (CRYPTO_memcmp(b->magic, MAGIC, sizeof(b->magic)) != 0 ||
	    b->version != VERSION || b->kind != KIND_SOFT)
		return -EBADMSG;
	if (b->log_n < 10 || b->log_n > 20 || b->r == 0 || b->p == 0)
		return -EBADMSG;
	memory = (UINT64_C(128) << b->log_n) * b->r;
	if (memory > MAX_MEMORY || ((uint64_t)b->r * b->p << b->log_n) > MAX_WORK)
		return -EBADMSG;
	return 0;
}

/* The key that encrypts the key. */
static int
derive(const struct pin *pin, const struct sealed *b, struct secret **ret_kek) ON_WORKER
{
	struct secret *text cleanup_(secret_freep) = NULL;
	struct secret *kek cleanup_(secret_freep) = secret_new(HSM_KEY_LEN);
	int r = pin_read(pin, &text);

	if (r < 0)
		return r;
	if (kek == NULL ||
	    EVP_PBE_scrypt((const char *)text->data, text->len, b->salt, sizeof(b->salt),
		UINT64_C(1) << b->log_n, b->r, b->p, 2u * MAX_MEMORY, kek->data,
		HSM_KEY_LEN) != 1)
		return -ENOMEM;
	kek->len = HSM_KEY_LEN;
	*ret_kek = TAKE_PTR(kek);
	return 0;
}

static int
encrypt(const struct secret *kek, const struct secret *key, struct sealed *b)
{
	EVP_CIPHER_CTX *ctx cleanup_(cipher_freep) = EVP_CIPHER_CTX_new();
	int n;

	if (ctx == NULL ||
	    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek->data, b->nonce) != 1 ||
	    EVP_EncryptUpdate(ctx, NULL, &n, b->magic, CLEAR_LEN) != 1 ||
	    EVP_EncryptUpdate(ctx, b->key, &n, key->data, HSM_KEY_LEN) != 1 ||
	    EVP_EncryptFinal_ex(ctx, b->tag, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, b->tag) != 1)
		return -EIO;
	return 0;
}

static int
decrypt(const struct secret *kek, const struct sealed *b, struct secret *key)
{
	EVP_CIPHER_CTX *ctx cleanup_(cipher_freep) = EVP_CIPHER_CTX_new();
	uint8_t tag[TAG_LEN];
	int n;

	memcpy(tag, b->tag, sizeof(tag));
	if (ctx == NULL ||
	    EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, kek->data, b->nonce) != 1 ||
	    EVP_DecryptUpdate(ctx, NULL, &n, b->magic, CLEAR_LEN) != 1 ||
	    EVP_DecryptUpdate(ctx, key->data, &n, b->key, HSM_KEY_LEN) != 1 ||
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) != 1)
		return -EIO;
	return EVP_DecryptFinal_ex(ctx, key->data + n, &n) == 1 ? 0 : -EBADMSG;
}

static int
soft_seal(const struct pin *pin, const struct secret *key,
    uint8_t ret_sealed[HSM_MAX_SEALED], size_t *ret_len)
{
	struct sealed b = { .version = VERSION,
		.kind = KIND_SOFT,
		.log_n = SCRYPT_LOG_N,
		.r = SCRYPT_R,
		.p = SCRYPT_P };
	struct secret *kek cleanup_(secret_freep) = NULL;
	int r;

	worker_role_assume();
	if (key->len != HSM_KEY_LEN)
		return -EINVAL;
	memcpy(b.magic, MAGIC, sizeof(b.magic));
	if (getrandom(b.salt, sizeof(b.salt), 0) != sizeof(b.salt) ||
	    getrandom(b.nonce, sizeof(b.nonce), 0) != sizeof(b.nonce))
		return -EIO;
	pin_settle(pin);
	r = derive(pin, &b, &kek);
	if (r == 0)
		r = encrypt(kek, key, &b);
	ERR_clear_error();
	if (r < 0)
		return r;
	memcpy(ret_sealed, &b, sizeof(b));
	*ret_len = sizeof(b);
	return 0;
}

static int
soft_unseal(const struct pin *pin, const void *sealed, size_t len,
    struct secret **ret_key)
{
	struct secret *kek cleanup_(secret_freep) = NULL;
	struct secret *key cleanup_(secret_freep) = NULL;
	struct sealed b;
	int r;

	worker_role_assume();
	if (len != sizeof(b))
		return -EBADMSG;
	memcpy(&b, sealed, sizeof(b));
	r = check_form(&b);
	if (r < 0)
		return r;
	key = secret_new(HSM_KEY_LEN);
	r = key == NULL ? -ENOMEM : derive(pin, &b, &kek);
	if (r == 0)
		r = decrypt(kek, &b, key);
	ERR_clear_error();
	if (r < 0)
		return r;
	key->len = HSM_KEY_LEN;
	*ret_key = TAKE_PTR(key);
	return 0;
}

const struct hsm hsm_soft = { "soft", soft_seal, soft_unseal };
