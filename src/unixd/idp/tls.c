/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The trust store is ours, not libcurl's: ca_path is *added* to what the system trusts,
 * which libcurl cannot say; and how long it keeps a parsed store depends on how it was
 * built, while here a store lives until it has failed once or the configuration is read
 * again. An intermediate in ca_path is enough to trust what it issued (partial chains):
 * that is what people put there.
 */
#include "src/unixd/idp/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "src/base/fd.h"

static int
add_ca_path(X509_STORE *store, const char *ca_path, char *why, size_t why_size)
{
	/* Opened once for the errno, since OpenSSL's errors do not tell it in words, and to
	 * see what it is: OpenSSL would wait for whoever writes into a pipe. */
	int cleanup_(fd_closep) fd = open(ca_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int ok = 0, r;

	if (fd < 0 || fstat(fd, &st) != 0) {
		r = errno;
		(void)snprintf(why, why_size, "%s: %s", ca_path, strerror(r));
		return -r;
	}
	if (S_ISDIR(st.st_mode))
		ok = X509_STORE_load_path(store, ca_path);
	else if (S_ISREG(st.st_mode))
		ok = X509_STORE_load_file(store, ca_path);
	if (ok != 1) {
		(void)snprintf(why, why_size, "%s: no certificate in it", ca_path);
		ERR_clear_error();
		return -EBADMSG;
	}
	return 0;
}

int
tls_store_new(const char *ca_path, struct x509_store_st **ret_store, char *ret_why,
    size_t why_size)
{
	X509_STORE *store = X509_STORE_new();
	int r = 0;

	if (store == NULL) {
		(void)snprintf(ret_why, why_size, "out of memory");
		return -ENOMEM;
	}
	/* A missing system store is no error here: ca_path may be all there is. */
	(void)X509_STORE_set_default_paths(store);
	ERR_clear_error();
	if (ca_path != NULL)
		r = add_ca_path(store, ca_path, ret_why, why_size);
	if (r < 0) {
		X509_STORE_free(store);
		return r;
	}
	(void)X509_STORE_set_flags(store,
	    X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	*ret_store = store;
	return 0;
}

struct x509_store_st *
tls_store_free(struct x509_store_st *store)
{
	X509_STORE_free(store);
	/* The certificates of a system are 1.6 MB in small pieces: the allocator keeps them. */
	if (store != NULL)
		(void)malloc_trim(0);
	return NULL;
}

int
tls_store_use(void *ssl_ctx, struct x509_store_st *store)
{
	SSL_CTX *ctx = ssl_ctx;

	if (ctx == NULL || store == NULL)
		return -EINVAL;
	SSL_CTX_set1_cert_store(ctx, store);
	return 0;
}

static int64_t
epoch(const ASN1_TIME *t)
{
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return 0;
	return (int64_t)timegm(&tm);
}

/* The name on one line, readable, whatever bytes are in it escaped. */
static void
name_text(const X509_NAME *name, char *out, size_t size)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *data;
	long n;

	out[0] = '\0';
	if (b == NULL)
		return;
	if (X509_NAME_print_ex(b, name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >=
	    0) {
		n = BIO_get_mem_data(b, &data);
		if (n >= (long)size)
			n = (long)size - 1;
		if (n > 0) {
			memcpy(out, data, (size_t)n);
			out[n] = '\0';
		}
	}
	(void)BIO_free(b);
}

void
tls_cert_read(void *ssl, struct tls_cert *ret_cert)
{
	const X509 *x = ssl == NULL ? NULL : SSL_get0_peer_certificate(ssl);

	*ret_cert = (struct tls_cert){ 0 };
	if (x == NULL)
		return;
	name_text(X509_get_issuer_name(x), ret_cert->issuer, sizeof(ret_cert->issuer));
	ret_cert->not_before = epoch(X509_get0_notBefore(x));
	ret_cert->not_after = epoch(X509_get0_notAfter(x));
}
