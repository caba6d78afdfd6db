/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the login half reads from its database. The first byte of the input says what the
 * rest is: 'v' a verifier as it is, 'V' one that is sealed with our key first, so that its
 * insides are reached; 's' a sealed key; 'c' what is kept of an account.
 *
 * The slow functions are replaced: what they would be asked to do is checked against the
 * bounds that hold for memory and time, computed in another way, and a cheap key given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "src/base/util.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/crypt/verifier.h"
#include "src/unixd/hsm/hsm.h"
#include "src/unixd/login/credential.h"

#define MAX_BYTES (64.0 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len);
EVP_KDF *__wrap_EVP_KDF_fetch(OSSL_LIB_CTX *ctx, const char *name, const char *query);

static struct secret *key;
static struct secret *password;
static struct pin pin;

int
__wrap_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *out,
    size_t out_len)
{
	(void)pass;
	(void)max;
	/* Four times what we do ourselves. */
	if (128.0 * (double)n * (double)r > MAX_BYTES || n < 1024 || r < 1 || p < 1 ||
	    (double)n * (double)r * (double)p > 4.0 * 16384 * 8 * 5)
		abort();
	for (size_t i = 0; i < out_len; i++)
		out[i] = (unsigned char)(salt[i % salt_len] ^ pass_len);
	return 1;
}

/* Argon2id is not here, whatever this libcrypto has. */
EVP_KDF *
__wrap_EVP_KDF_fetch(OSSL_LIB_CTX *ctx, const char *name, const char *query)
{
	(void)ctx;
	(void)name;
	(void)query;
	return NULL;
}

static void
begin(void)
{
	static const char text[] = "a pin that is long enough for everybody";
	int fd = memfd_create("pin", MFD_CLOEXEC);

	key = secret_copy("0123456789abcdef0123456789abcdef", 32);
	password = secret_copy("password", 8);
	if (fd < 0 || key == NULL || password == NULL ||
	    write(fd, text, sizeof(text)) != (ssize_t)sizeof(text))
		abort();
	(void)snprintf(pin.path, sizeof(pin.path), "/proc/self/fd/%d", fd);
	pin.state = PIN_READY;
}

static void
try_verifier(const uint8_t *data, size_t size)
{
	int r;

	worker_role_assume();
	r = verifier_check(key, password, data, size);
	if (r > 1 || (r >= 0 && size != VERIFIER_LEN))
		abort();
}

static void
try_sealed_verifier(const uint8_t *data, size_t size)
{
	uint8_t text[1 + VERIFIER_LEN - 16] = { 'V' };
	uint8_t v[VERIFIER_LEN];
	uint8_t sum[32];
	unsigned n = sizeof(sum);

	if (size < sizeof(text) - 1)
		return;
	memcpy(text + 1, data, sizeof(text) - 1);
	if (HMAC(EVP_sha256(), key->data, (int)key->len, text, sizeof(text), sum, &n) ==
	    NULL)
		abort();
	memcpy(v, data, sizeof(text) - 1);
	memcpy(v + sizeof(text) - 1, sum, 16);
	try_verifier(v, sizeof(v));
}

static void
try_sealed_key(const uint8_t *data, size_t size)
{
	struct secret *got = NULL;
	int r = hsm_soft.unseal(&pin, data, size, &got);

	if (r > 0 || (r == 0) != (got != NULL))
		abort();
	secret_freep(&got);
}

/* Whatever unpacks packs to bytes that unpack to the same. */
static void
try_credential(const uint8_t *data, size_t size)
{
	struct cred one = { 0 };
	struct cred two = { 0 };
	uint8_t first[CRED_MAX_BLOB];
	uint8_t second[CRED_MAX_BLOB];
	size_t n;

	if (cred_unpack(data, size, 0, &one) == 0) {
		n = cred_pack(&one, 0, first);
		if (n > sizeof(first) || cred_unpack(first, n, 0, &two) < 0)
			abort();
		if (cred_pack(&two, 0, second) != n || memcmp(first, second, n) != 0)
			abort();
	}
	cred_set_verifier(&one, NULL, 0);
	cred_set_verifier(&two, NULL, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (key == NULL)
		begin();
	if (size == 0 || size > 8192)
		return 0;
	switch (data[0]) {
	case 'v':
		try_verifier(data + 1, size - 1);
		break;
	case 'V':
		try_sealed_verifier(data + 1, size - 1);
		break;
	case 's':
		try_sealed_key(data + 1, size - 1);
		break;
	default:
		try_credential(data + 1, size - 1);
		break;
	}
	return 0;
}
