/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Why there was no answer. People search for these words, and the link's next step hangs on
 * them, so each cause that an administrator can do something about has its own.
 */
#include "src/unixd/idp/reason.h"

#include <errno.h>
#include <stddef.h>

#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include "src/base/util.h"

static const char *const texts[] = {
	[IDP_OK] = "ok",
	[IDP_NO_URI] = "no server configured",
	[IDP_DNS] = "server name not resolved",
	[IDP_CONN_REFUSED] = "connection refused",
	[IDP_CONN_FAILED] = "connection failed",
	[IDP_TIMED_OUT] = "timed out",
	[IDP_TLS_UNKNOWN_ISSUER] = "unknown issuer (UnknownIssuer)",
	[IDP_TLS_EXPIRED] = "certificate expired",
	[IDP_TLS_NOT_YET_VALID] = "certificate not yet valid",
	[IDP_TLS_NAME] = "name mismatch",
	[IDP_TLS_OTHER] = "TLS failed",
	[IDP_CA_FILE] = "ca_path cannot be read",
	[IDP_BAD_ANSWER] = "answer not understood",
	[IDP_SERVER_ERROR] = "server error",
	[IDP_WRONG_ENTRY] = "server answered for another entry",
	[IDP_LOGIN_DENIED] = "anonymous login denied",
	[IDP_TOKEN_REFUSED] = "service account token refused",
	[IDP_NO_RIGHTS] = "not authorised to read POSIX data",
	[IDP_CANCELLED] = "cancelled",
	[IDP_NOT_ASKED] = "not asked",
};

const char *
idp_reason_text(enum idp_reason r)
{
	if ((size_t)r >= ARRAY_SIZE(texts) || texts[r] == NULL)
		return "unknown";
	return texts[r];
}

static enum idp_reason
of_verify(long verify)
{
	switch (verify) {
	/* OpenSSL found nothing, or was not asked yet: libcurl's own check of the name. */
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return IDP_TLS_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return IDP_TLS_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return IDP_TLS_NOT_YET_VALID;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return IDP_TLS_UNKNOWN_ISSUER;
	default:
		return IDP_TLS_OTHER;
	}
}

static enum idp_reason
of_connect(long os_errno)
{
	if (os_errno == ECONNREFUSED)
		return IDP_CONN_REFUSED;
	return os_errno == ETIMEDOUT ? IDP_TIMED_OUT : IDP_CONN_FAILED;
}

void
reason_of_curl(int code, long verify, long os_errno, enum idp_class *ret_class,
    enum idp_reason *ret_reason)
{
	*ret_class = IDP_UNREACHABLE;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		*ret_reason = IDP_DNS;
		break;
	case CURLE_COULDNT_CONNECT:
		*ret_reason = of_connect(os_errno);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		*ret_reason = IDP_TIMED_OUT;
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
		*ret_reason = of_verify(verify);
		break;
	case CURLE_SSL_CACERT_BADFILE:
		*ret_reason = IDP_CA_FILE;
		break;
	case CURLE_SSL_CONNECT_ERROR:
		*ret_reason = verify != X509_V_OK && verify != X509_V_ERR_UNSPECIFIED
		    ? of_verify(verify)
		    : IDP_TLS_OTHER;
		break;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ISSUER_ERROR:
		*ret_reason = IDP_TLS_OTHER;
		break;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		*ret_reason = IDP_NO_URI;
		break;
	case CURLE_PARTIAL_FILE:
		*ret_reason = IDP_BAD_ANSWER;
		break;
	case CURLE_FILESIZE_EXCEEDED: /* our cap: the server is there and talks */
	case CURLE_WRITE_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
		*ret_class = IDP_ERROR;
		*ret_reason = IDP_BAD_ANSWER;
		break;
	default: /* reset while sending or receiving, closed without an answer, ... */
		*ret_reason = IDP_CONN_FAILED;
		break;
	}
}
