/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which server addresses are taken. The one idea: passwords travel there, so plain http is
 * for the loopback only, and whatever is not clearly scheme, host and port is refused with
 * the reason instead of being handed on to be guessed at.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/util.h"
#include "src/prog/config_reader.h"
#include "src/prog/xalloc.h"

#define HOST_MAX 255

static bool
is_loopback(const char *host)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &a4) == 1)
		return (ntohl(a4.s_addr) >> 24) == 127;
	return inet_pton(AF_INET6, host, &a6) == 1 && IN6_IS_ADDR_LOOPBACK(&a6);
}

static bool
is_host_name(const char *s)
{
	static const char allowed[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789-._";

	return *s != '\0' && s[strspn(s, allowed)] == '\0';
}

/* ":443" or nothing. */
static bool
is_port(const char *s)
{
	unsigned long port;
	char *end;

	if (*s == '\0')
		return true;
	if (*s != ':' || s[1] < '0' || s[1] > '9')
		return false;
	port = strtoul(s + 1, &end, 10);
	return *end == '\0' && port > 0 && port <= UINT16_MAX;
}

/* host[:port] or [address]:port in `authority`: the bare host, and why not. */
static const char *
split_authority(const char *authority, char host[HOST_MAX + 1])
{
	const char *port;
	size_t len;
	bool v6 = authority[0] == '[';

	if (strchr(authority, '@') != NULL)
		return "a user name or password does not belong there";
	if (v6) {
		port = strchr(authority, ']');
		if (port == NULL)
			return "the [ of the address is not closed";
		len = (size_t)(port++ - ++authority);
	} else {
		len = strcspn(authority, ":");
		port = authority + len;
	}
	if (len == 0)
		return "the host is missing";
	if (len > HOST_MAX)
		return "the host is longer than 255 characters";
	memcpy(host, authority, len);
	host[len] = '\0';
	if (v6) {
		struct in6_addr a6;

		if (inet_pton(AF_INET6, host, &a6) != 1)
			return "what is in [ ] is no IPv6 address";
	} else if (!is_host_name(host)) {
		return "the host has characters no host name has (international names in their "
		       "xn-- form)";
	}
	return is_port(port) ? NULL : "the port is not a number from 1 to 65535";
}

int
config_uri_check(const char *uri, char **ret_base, const char **ret_path,
    const char **ret_why)
{
	cleanup_(freep) char *authority = NULL;
	char host[HOST_MAX + 1] = "";
	const char *rest;
	bool https = strncasecmp(uri, "https://", 8) == 0;

	if (!https && strncasecmp(uri, "http://", 7) != 0) {
		*ret_why = "it does not begin with https://";
		return -EINVAL;
	}
	rest = uri + (https ? 8 : 7);
	authority = xstrndup(rest, strcspn(rest, "/?#\\"));
	*ret_path = rest + strlen(authority);
	*ret_why = split_authority(authority, host);
	if (*ret_why == NULL && !https && !is_loopback(host))
		*ret_why =
		    "plain http would send passwords in clear over the network; only a "
		    "server on this very host (127.0.0.1, ::1, localhost) may be asked so";
	if (*ret_why != NULL)
		return -EINVAL;
	*ret_base = xasprintf("%s://%s", https ? "https" : "http", authority);
	/* A host has no case (RFC 3986, 6.2.2.1), and two spellings are one server. */
	for (char *c = *ret_base; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return 0;
}
