/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One request: what libcurl may do (https to this host, nothing else), how much it may take
 * in, and what became of it.
 */
#include "src/unixd/idp/http_easy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ku/paths.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/clock.h"
#include "src/unixd/idp/http.h"
#include "src/unixd/idp/http_config.h"
#include "src/unixd/idp/reason.h"
#include "src/unixd/idp/wipe.h"

#define SESSION_ID_MAX 4096u
/* The server closes a connection that was idle for 60 s. */
#define MAX_IDLE_S    55L
#define UPLOAD_BUFFER 16384L /* the least there is */

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_request *r = arg;
	char *grown;

	n *= size;
	if (n > r->max_body - r->len) {
		r->too_long = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (r->len + n + 1 > r->room) {
		size_t room = r->room == 0 ? 4096 : r->room;

		while (room < r->len + n + 1)
			room *= 2;
		grown = wipe_realloc(r->answer, room);
		if (grown == NULL)
			return CURL_WRITEFUNC_ERROR;
		r->answer = grown;
		r->room = room;
	}
	memcpy(r->answer + r->len, data, n);
	r->len += n;
	r->answer[r->len] = '\0';
	return n;
}

/* The value of header `name` in this line, without blanks around it; NULL: another one. */
static const char *
header_value(const char *line, size_t len, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
		return NULL;
	line += n + 1;
	len -= n + 1;
	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len > 0 && (unsigned char)line[len - 1] <= ' ')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (line[i] <= 0x20 || line[i] >= 0x7f)
			return NULL;
	}
	*ret_len = len;
	return line;
}

/* Only while the connection is the request's own: later libcurl has taken it back. Once for
 * each connection: that is as often as the certificate is shown. */
static void
see_certificate(struct http_request *r)
{
	struct curl_tlssessioninfo *info = NULL;
	long made = 1;

	(void)curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &made);
	if (made > 0 &&
	    curl_easy_getinfo(r->easy, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK &&
	    info != NULL && info->backend == CURLSSLBACKEND_OPENSSL)
		tls_cert_read(info->internals, &r->cert);
}

/* "Date: Sat, 21 Nov 2026 15:40:00 GMT". One that nobody can read is none. */
static void
see_date(struct http_request *r, const char *line, size_t n)
{
	static const char name[] = "date:";
	struct clock now;
	char text[64];
	time_t date;

	if (n >= sizeof(text) || strncasecmp(line, name, sizeof(name) - 1) != 0)
		return;
	memcpy(text, line, n);
	text[n] = '\0';
	date = curl_getdate(text + sizeof(name) - 1, NULL);
	if (date <= 0)
		return;
	clock_read(&now);
	r->ahead_s = now.wall_ns / CLOCK_S - (int64_t)date;
	r->dated = true;
}

static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_request *r = arg;
	const char *v;
	size_t len;

	n *= size;
	if (!r->began) {
		r->began = true;
		if (r->config->tls)
			see_certificate(r);
	}
	see_date(r, line, n);
	v = header_value(line, n, "x-kanidm-version", &len);
	if (v != NULL && len < sizeof(r->version)) {
		memcpy(r->version, v, len);
		r->version[len] = '\0';
	}
	v = header_value(line, n, "x-kanidm-auth-session-id", &len);
	if (v != NULL && len <= SESSION_ID_MAX) {
		wipe_string(&r->new_session_id);
		r->new_session_id = xstrndup(v, len);
	}
	return n;
}

static CURLcode
on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
	struct http_request *r = arg;

	(void)easy;
	if (!r->config->verify_ca)
		return CURLE_OK;
	return tls_store_use(ssl_ctx, r->pool->store) == 0 ? CURLE_OK
							   : CURLE_SSL_CACERT_BADFILE;
}

static bool
add_header(struct http_request *r, const char *name, const char *value)
{
	char *line = value == NULL ? xstrdup(name) : xasprintf("%s: %s", name, value);
	struct curl_slist *l = curl_slist_append(r->headers, line);

	wipe_string(&line);
	if (l == NULL)
		return false;
	r->headers = l;
	return true;
}

static bool
make_headers(struct http_request *r)
{
	bool ok = add_header(r, "Accept", "application/json");

	if (r->body != NULL || r->secret_body != NULL) {
		ok = ok && add_header(r, "Content-Type", "application/json");
		ok = ok && add_header(r, "Expect:", NULL);
	}
	if (r->own_bearer != NULL) {
		char *value = xasprintf("Bearer %s", r->own_bearer);

		ok = ok && add_header(r, "Authorization", value);
		wipe_string(&value);
	}
	if (r->session_id != NULL)
		ok = ok && add_header(r, "X-Kanidm-Auth-Session-Id", r->session_id);
	return ok;
}

static void
set_tls(struct http_request *r)
{
	const struct http_config *c = r->config;
	CURL *e = r->easy;

	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, c->verify_ca ? 1L : 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, c->verify_hostnames ? 2L : 0L);
	/* The store is ours (tls.c): libcurl adds nothing and keeps nothing. */
	(void)curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
	(void)curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	(void)curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	(void)curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, r);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
}

/* In total, from here. */
static long
time_left_ms(const struct http_request *r)
{
	struct clock now;
	int64_t ms;

	if (r->deadline_ns == 0)
		return r->config->request_timeout_ms;
	clock_read(&now);
	ms = (r->deadline_ns - now.mono_ns) / CLOCK_MS;
	return ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : (long)ms;
}

static bool
set_body(struct http_request *r)
{
	const struct secret *secret = r->secret_body;
	CURL *e = r->easy;

	if (secret != NULL) {
		(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
		    (long)CURL_HTTP_VERSION_1_1);
		return curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
			   (curl_off_t)secret->len) == CURLE_OK &&
		    curl_easy_setopt(e, CURLOPT_POSTFIELDS, (const char *)secret->data) ==
		    CURLE_OK;
	}
	return r->body == NULL ||
	    curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, r->body) == CURLE_OK;
}

static void
set_transport(struct http_request *r)
{
	CURL *e = r->easy;

	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR,
	    r->config->tls ? "https" : "http");
	/* In clear is for this very host: a proxy would be asked over the network. */
	if (!r->config->tls)
		(void)curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	(void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, r->config->conn_timeout_ms);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, time_left_ms(r));
	(void)curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, MAX_IDLE_S);
	/* Requests are small. A buffer is allocated, and wiped, for each of them. */
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
	/* Where one connection carries many requests (HTTP/2), wait to see that it does. Not
	 * for passwords: they have connections of their own. */
	(void)curl_easy_setopt(e, CURLOPT_PIPEWAIT, r->urgent ? 0L : 1L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "kanidm-unix/" KU_VERSION);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
}

int
http_easy_make(struct http_request *r)
{
	cleanup_(freep) char *url = xasprintf("%s%s", r->config->base, r->path);
	CURL *e = curl_easy_init();

	r->easy = e;
	r->headers = NULL;
	if (e == NULL || !make_headers(r) ||
	    curl_easy_setopt(e, CURLOPT_URL, url) != CURLE_OK)
		return -ENOMEM;
	set_transport(r);
	if (r->config->tls)
		set_tls(r);
	if (!set_body(r))
		return -ENOMEM;
	if (curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->headers) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

void
http_easy_free(struct http_request *r)
{
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
}

/* libcurl's words are for people and may quote the peer: one printable line of them. */
static void
keep_detail(struct http_request *r, CURLcode code)
{
	const char *from = r->error[0] != '\0' ? r->error : curl_easy_strerror(code);
	size_t n = 0;

	for (; *from != '\0' && n + 1 < sizeof(r->detail); from++) {
		if (*from >= 0x20 && *from < 0x7f)
			r->detail[n++] = *from;
	}
	r->detail[n] = '\0';
}

void
http_easy_outcome(struct http_request *r, CURLcode code)
{
	long verify = 0, os_errno = 0;

	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &r->status);
	if (code == CURLE_OK) {
		r->class = IDP_FOUND;
		r->reason = IDP_OK;
		return;
	}
	(void)curl_easy_getinfo(r->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	(void)curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_errno);
	reason_of_curl((int)code, verify, os_errno, &r->class, &r->reason);
	keep_detail(r, code);
	if (r->too_long)
		(void)snprintf(r->detail, sizeof(r->detail),
		    "answer longer than %zu bytes", r->max_body);
}
