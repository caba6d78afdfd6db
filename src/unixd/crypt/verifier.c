/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is kept of a password.
 *
 *	0	"kV", version (1), function (enum kdf_kind)
 *	4	its three parameters, 32 bits each
 *	16	salt, 16 bytes
 *	32	HMAC-SHA-256(key, 'P', the bytes before, KDF(password, salt))
 *	64	the first 16 bytes of HMAC-SHA-256(key, 'V', the bytes before)
 *
 * The last field is looked at first. It tells damage, and a verifier made with another key,
 * from a wrong password, which are different news to a person; and nothing in a database
 * somebody else wrote is followed, such as parameters that cost minutes.
 */
#include "src/unixd/crypt/verifier.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "src/base/le.h"
#include "src/base/util.h"

#define VERSION 1

struct verifier {
	uint8_t magic[2];
	uint8_t version;
	uint8_t kind;
	uint8_t params[3][4];
	uint8_t salt[KDF_SALT_LEN];
	uint8_t tag[32];
	uint8_t seal[16];
};

_Static_assert(sizeof(struct verifier) == VERIFIER_LEN, "the format on disk");

#define TAG_COVERS  offsetof(struct verifier, tag)
#define SEAL_COVERS offsetof(struct verifier, seal)

static void
mac_freep(EVP_MAC **mac)
{
	EVP_MAC_free(*mac);
}

static void
mac_ctx_freep(EVP_MAC_CTX **ctx)
{
	EVP_MAC_CTX_free(*ctx);
}

/* HMAC-SHA-256 over a label, `len` bytes of the verifier, and a derived key if any. */
static int
mac(const struct secret *key, uint8_t label, const struct verifier *v, size_t len,
    const struct secret *derived, uint8_t ret_mac[32])
{
	EVP_MAC *hmac cleanup_(mac_freep) = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx cleanup_(mac_ctx_freep) = NULL;
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string("digest", digest,
				    sizeof(digest) - 1),
		OSSL_PARAM_END };
	size_t n = 0;

	if (hmac == NULL || (ctx = EVP_MAC_CTX_new(hmac)) == NULL ||
	    EVP_MAC_init(ctx, key->data, key->len, params) != 1 ||
	    EVP_MAC_update(ctx, &label, 1) != 1 ||
	    EVP_MAC_update(ctx, v->magic, len) != 1 ||
	    (derived != NULL && EVP_MAC_update(ctx, derived->data, derived->len) != 1) ||
	    EVP_MAC_final(ctx, ret_mac, &n, 32) != 1 || n != 32) {
		ERR_clear_error();
		return -ENOMEM;
	}
	return 0;
}

static int
seal(const struct secret *key, const struct verifier *v, uint8_t ret_seal[16])
{
	uint8_t whole[32];
	int r = mac(key, 'V', v, SEAL_COVERS, NULL, whole);

	if (r == 0)
		memcpy(ret_seal, whole, 16);
	return r;
}

/* The tag that this password has in this verifier. */
static int
make_tag(const struct secret *key, const struct kdf *kdf, const struct secret *password,
    const struct verifier *v, uint8_t ret_tag[32]) ON_WORKER
{
	struct secret *derived cleanup_(secret_freep) = secret_new(KDF_OUT_LEN);
	int r;

	if (derived == NULL)
		return -ENOMEM;
	r = kdf_run(kdf, password, v->salt, derived);
	return r < 0 ? r : mac(key, 'P', v, TAG_COVERS, derived, ret_tag);
}

int
verifier_make(const struct secret *key, const struct kdf *kdf,
    const struct secret *password, uint8_t ret_verifier[VERIFIER_LEN])
{
	struct verifier v = { .magic = "kV", .version = VERSION };
	int r;

	v.kind = kdf->kind;
	le32_put(v.params[0], kdf->cost);
	le32_put(v.params[1], kdf->b);
	le32_put(v.params[2], kdf->p);
	if (getrandom(v.salt, sizeof(v.salt), 0) != sizeof(v.salt))
		return -EIO;
	r = make_tag(key, kdf, password, &v, v.tag);
	if (r == 0)
		r = seal(key, &v, v.seal);
	if (r == 0)
		memcpy(ret_verifier, &v, sizeof(v));
	return r;
}

int
verifier_check(const struct secret *key, const struct secret *password,
    const void *verifier, size_t len)
{
	struct verifier v;
	struct kdf kdf;
	uint8_t sum[32];
	int r;

	if (len != sizeof(v))
		return -EBADMSG;
	memcpy(&v, verifier, sizeof(v));
	r = seal(key, &v, sum);
	if (r < 0)
		return r;
	if (CRYPTO_memcmp(sum, v.seal, sizeof(v.seal)) != 0)
		return -EBADMSG;
	if (CRYPTO_memcmp(v.magic, "kV", 2) != 0 || v.version != VERSION)
		return -EBADMSG;
	kdf = (struct kdf){ v.kind, le32_get(v.params[0]), le32_get(v.params[1]),
		le32_get(v.params[2]) };
	r = make_tag(key, &kdf, password, &v, sum);
	if (r < 0)
		return r;
	return CRYPTO_memcmp(sum, v.tag, sizeof(v.tag)) == 0;
}
