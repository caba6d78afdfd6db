/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TLS 1.2 at least, whatever the host's OpenSSL would put up with: this program's
 * configuration (data/old-tls.cnf, through OPENSSL_CONF) allows TLS 1.0 and every cipher,
 * so that a refusal is ours. That libcurl without our options does speak to the old server
 * is shown beside it.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "src/unixd/core/loop.h"
#include "src/unixd/idp/http.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntrue"

struct server {
	int fd;
	pthread_t thread;
	SSL_CTX *ctx;
	EVP_PKEY *key;
	X509 *cert;
	char url[64];
	_Atomic unsigned asked;   /* requests that arrived */
	_Atomic int last_version; /* of the last handshake that ended well */
	char request[512];        /* its first bytes */
};

struct question {
	struct http_request r;
	bool done;
};

static X509 *
certificate_of(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	assert_non_null(x);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			     (const unsigned char *)"localhost", -1, -1, 0),
	    1);
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

/* One connection after the other, until the socket is shut. */
static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		struct timeval limit = { .tv_sec = 20 };
		SSL *ssl = SSL_new(s->ctx);
		int n;

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		(void)SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1) {
			s->last_version = SSL_version(ssl);
			n = SSL_read(ssl, s->request, sizeof(s->request) - 1);
			s->request[n > 0 ? n : 0] = '\0';
			s->asked += n > 0;
			(void)SSL_write(ssl, ANSWER, sizeof(ANSWER) - 1);
			(void)SSL_shutdown(ssl);
		}
		SSL_free(ssl);
		(void)close(fd);
	}
	return NULL;
}

/* Speaks versions up to `newest`. */
static void
start(struct server *s, int newest)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	*s = (struct server){ .ctx = SSL_CTX_new(TLS_server_method()),
		.key = EVP_EC_gen("P-256") };
	assert_non_null(s->ctx);
	s->cert = certificate_of(s->key);
	SSL_CTX_set_security_level(s->ctx, 0);
	assert_int_equal(SSL_CTX_set_cipher_list(s->ctx, "ALL:@SECLEVEL=0"), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(s->ctx, TLS1_VERSION), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx, newest), 1);
	assert_int_equal(SSL_CTX_use_certificate(s->ctx, s->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(s->ctx, s->key), 1);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(s->url, sizeof(s->url), "https://127.0.0.1:%u",
	    (unsigned)ntohs(a.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	(void)pthread_join(s->thread, NULL);
	(void)close(s->fd);
	X509_free(s->cert);
	EVP_PKEY_free(s->key);
	SSL_CTX_free(s->ctx);
}

static void
on_done(struct http_request *r)
{
	container_of(r, struct question, r)->done = true;
}

/* The port asks, with a token, as leniently as it can be configured. */
static void
ask(const struct server *s, struct question *q)
{
	struct idp_settings settings = { .uri = s->url, .request_timeout_s = 20 };
	struct loop *loop = NULL;
	struct http *http = NULL;

	*q = (struct question){ .r = { .path = "/v1/self",
				    .bearer = "token",
				    .max_body = HTTP_MAX_TOKEN,
				    .done = on_done } };
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(http_new(loop, &settings, &http), 0);
	http_post(http, &q->r);
	while (!q->done)
		assert_int_equal(loop_turn(loop, 1000), 0);
	(void)http_free(http);
	(void)loop_free(loop);
}

static size_t
swallow(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static CURLcode
ask_without_our_options(const struct server *s)
{
	CURL *e = curl_easy_init();
	CURLcode code;

	assert_non_null(e);
	(void)curl_easy_setopt(e, CURLOPT_URL, s->url);
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_0);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT, 20L);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, swallow);
	code = curl_easy_perform(e);
	curl_easy_cleanup(e);
	return code;
}

static void
a_server_that_is_older_than_tls_1_2_is_refused(void **state)
{
	static const int old[] = { TLS1_VERSION, TLS1_1_VERSION };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		struct question q;
		struct server s;

		start(&s, old[i]);
		/* Nothing else on this host would refuse it. */
		assert_int_equal(ask_without_our_options(&s), CURLE_OK);
		assert_int_equal(s.last_version, old[i]);
		assert_int_equal(s.asked, 1);
		ask(&s, &q);
		assert_int_equal(q.r.class, IDP_UNREACHABLE);
		assert_true(q.r.detail[0] != '\0');
		/* No byte of the request, and of the token in it, was sent. */
		assert_int_equal(s.asked, 1);
		stop(&s);
	}
}

static void
a_server_of_tls_1_2_is_asked(void **state)
{
	struct question q;
	struct server s;

	(void)state;
	start(&s, TLS1_2_VERSION);
	ask(&s, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	assert_int_equal(q.r.status, 200);
	assert_int_equal(s.last_version, TLS1_2_VERSION);
	stop(&s);
	assert_non_null(strstr(s.request, "Bearer token"));
}

/* Issuers are shown to people: in status, in findings of check. */
static void
what_a_certificate_says_is_one_short_line(void **state)
{
	static const unsigned char evil[] = "Evil\n\x1b[2J\r\x7f, CN=root";
	struct question q;
	struct server s;

	(void)state;
	start(&s, TLS1_2_VERSION);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(s.cert),
				     "O", MBSTRING_ASC, evil, sizeof(evil) - 1, -1, 0),
		    1);
	assert_int_equal(X509_set_issuer_name(s.cert, X509_get_subject_name(s.cert)), 1);
	assert_true(X509_sign(s.cert, s.key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(s.ctx, s.cert), 1);
	ask(&s, &q);
	assert_int_equal(q.r.class, IDP_FOUND);
	/* in quotes, because of what looks like another part */
	assert_non_null(strstr(q.r.cert.issuer, "\"Evil\\0A"));
	assert_in_range(strlen(q.r.cert.issuer), 100, sizeof(q.r.cert.issuer) - 1);
	for (const char *c = q.r.cert.issuer; *c != '\0'; c++)
		assert_true(*c >= ' ' && *c != 127);
	stop(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_older_than_tls_1_2_is_refused),
		cmocka_unit_test(a_server_of_tls_1_2_is_asked),
		cmocka_unit_test(what_a_certificate_says_is_one_short_line),
	};

	/* The environment's proxy is not for this server. */
	(void)setenv("no_proxy", "*", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
