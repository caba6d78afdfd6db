/* SPDX-License-Identifier: MPL-2.0 */
/* Whom we trust, and what certificate the server showed. On the lane only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"

struct x509_store_st;

/* The server's certificate; zero where not known. */
struct tls_cert {
	char issuer[256];
	int64_t not_before;
	int64_t not_after;
};

/*
 * The system's store (OpenSSL's default paths, so SSL_CERT_FILE and SSL_CERT_DIR count)
 * with the certificates of ca_path (a file or a directory, may be NULL) added. 0, or
 * -errno with the reason in words.
 */
int must_use_ tls_store_new(const char *ca_path, struct x509_store_st **ret_store,
    char *ret_why, size_t why_size) ON_WORKER;
struct x509_store_st *tls_store_free(struct x509_store_st *store);

/* `ssl_ctx` is a new connection's SSL_CTX. 0, or -EINVAL. */
int must_use_ tls_store_use(void *ssl_ctx, struct x509_store_st *store);

/* `ssl` is the connection's SSL, after the handshake. */
void tls_cert_read(void *ssl, struct tls_cert *ret_cert);
