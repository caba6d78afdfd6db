/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A uri is reduced to scheme, host and port here, once: the API's paths are absolute, and
 * what else a uri may carry (user, path, query) has no meaning for it.
 */
#include "src/unixd/idp/http_config.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/idp/idp.h"

#define DEFAULT_CONN_S 2u
#define MAX_S          3600u

static void
read_scheme(struct http_config *c, CURLU *u)
{
	char *scheme = NULL;

	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
		c->tls = streq(scheme, "https");
		if (!c->tls && !streq(scheme, "http"))
			c->uri_problem = xasprintf("uri: \"%s\" is not https", scheme);
	}
	curl_free(scheme);
}

static void
read_uri(struct http_config *c, const char *uri)
{
	static const CURLUPart unused[] = { CURLUPART_USER, CURLUPART_PASSWORD,
		CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT };
	CURLU *u = curl_url();
	char *url = NULL;
	CURLUcode rc;
	size_t len;

	rc = u == NULL ? CURLUE_OUT_OF_MEMORY : curl_url_set(u, CURLUPART_URL, uri, 0);
	for (size_t i = 0; i < ARRAY_SIZE(unused) && rc == CURLUE_OK; i++)
		rc = curl_url_set(u, unused[i], NULL, 0);
	if (rc == CURLUE_OK)
		rc = curl_url_set(u, CURLUPART_PATH, "/", 0);
	if (rc == CURLUE_OK)
		rc = curl_url_get(u, CURLUPART_URL, &url, 0);
	if (rc == CURLUE_OK) {
		read_scheme(c, u);
		len = strlen(url);
		c->base = xstrndup(url, len > 0 && url[len - 1] == '/' ? len - 1 : len);
	} else {
		c->uri_problem = xasprintf("uri: %s", curl_url_strerror(rc));
	}
	curl_free(url);
	curl_url_cleanup(u);
}

static long
milliseconds(unsigned s, unsigned fallback_s)
{
	if (s == 0)
		s = fallback_s;
	return (long)(s > MAX_S ? MAX_S : s) * 1000;
}

struct http_config *
http_config_new(const struct idp_settings *settings)
{
	static unsigned generation;
	struct http_config *c = xcalloc(1, sizeof(*c));

	c->refs = 1;
	c->generation = ++generation;
	if (settings->uri != NULL)
		read_uri(c, settings->uri);
	if (settings->ca_path != NULL)
		c->ca_path = xstrdup(settings->ca_path);
	c->verify_ca = settings->verify_ca;
	c->verify_hostnames = settings->verify_hostnames;
	c->conn_timeout_ms = milliseconds(settings->conn_timeout_s, DEFAULT_CONN_S);
	c->request_timeout_ms = milliseconds(settings->request_timeout_s,
	    2 * DEFAULT_CONN_S);
	return c;
}

struct http_config *
http_config_ref(struct http_config *c)
{
	c->refs++;
	return c;
}

struct http_config *
http_config_unref(struct http_config *c)
{
	if (c == NULL || --c->refs > 0)
		return NULL;
	free(c->base);
	free(c->uri_problem);
	free(c->ca_path);
	free(c);
	return NULL;
}
