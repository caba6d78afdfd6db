/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include "src/base/util.h"

static void
test_each_cause_has_its_reason(void **state)
{
	static const struct {
		int code;
		long verify, os_errno;
		enum idp_class class;
		enum idp_reason reason;
	} t[] = {
		{ CURLE_COULDNT_RESOLVE_HOST, 0, 0, IDP_UNREACHABLE, IDP_DNS },
		{ CURLE_COULDNT_RESOLVE_PROXY, 0, 0, IDP_UNREACHABLE, IDP_DNS },
		{ CURLE_COULDNT_CONNECT, 0, ECONNREFUSED, IDP_UNREACHABLE,
		    IDP_CONN_REFUSED },
		{ CURLE_COULDNT_CONNECT, 0, EHOSTUNREACH, IDP_UNREACHABLE,
		    IDP_CONN_FAILED },
		{ CURLE_COULDNT_CONNECT, 0, ETIMEDOUT, IDP_UNREACHABLE, IDP_TIMED_OUT },
		{ CURLE_OPERATION_TIMEDOUT, 0, 0, IDP_UNREACHABLE, IDP_TIMED_OUT },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 0,
		    IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER },
		{ CURLE_PEER_FAILED_VERIFICATION,
		    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0, IDP_UNREACHABLE,
		    IDP_TLS_UNKNOWN_ISSUER },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_HAS_EXPIRED, 0,
		    IDP_UNREACHABLE, IDP_TLS_EXPIRED },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_NOT_YET_VALID, 0,
		    IDP_UNREACHABLE, IDP_TLS_NOT_YET_VALID },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_OK, 0, IDP_UNREACHABLE,
		    IDP_TLS_NAME },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_UNSPECIFIED, 0,
		    IDP_UNREACHABLE, IDP_TLS_NAME },
		{ CURLE_PEER_FAILED_VERIFICATION, X509_V_ERR_CERT_REVOKED, 0,
		    IDP_UNREACHABLE, IDP_TLS_OTHER },
		{ CURLE_SSL_CONNECT_ERROR, X509_V_ERR_UNSPECIFIED, 0, IDP_UNREACHABLE,
		    IDP_TLS_OTHER },
		{ CURLE_SSL_CONNECT_ERROR, X509_V_ERR_CERT_HAS_EXPIRED, 0,
		    IDP_UNREACHABLE, IDP_TLS_EXPIRED },
		{ CURLE_PARTIAL_FILE, 0, 0, IDP_UNREACHABLE, IDP_BAD_ANSWER },
		{ CURLE_WRITE_ERROR, 0, 0, IDP_ERROR, IDP_BAD_ANSWER },
		{ CURLE_GOT_NOTHING, 0, 0, IDP_UNREACHABLE, IDP_CONN_FAILED },
		{ CURLE_RECV_ERROR, 0, ECONNRESET, IDP_UNREACHABLE, IDP_CONN_FAILED },
		{ CURLE_HTTP2_STREAM, 0, 0, IDP_UNREACHABLE, IDP_CONN_FAILED },
		{ CURLE_URL_MALFORMAT, 0, 0, IDP_UNREACHABLE, IDP_NO_URI },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		enum idp_class class;
		enum idp_reason reason;

		reason_of_curl(t[i].code, t[i].verify, t[i].os_errno, &class, &reason);
		assert_int_equal(class, t[i].class);
		assert_int_equal(reason, t[i].reason);
	}
}

static void
test_every_reason_has_words_of_its_own(void **state)
{
	(void)state;
	for (int a = IDP_OK; a <= IDP_NOT_ASKED; a++) {
		assert_string_not_equal(idp_reason_text((enum idp_reason)a), "unknown");
		for (int b = IDP_OK; b < a; b++)
			assert_string_not_equal(idp_reason_text((enum idp_reason)a),
			    idp_reason_text((enum idp_reason)b));
	}
	assert_string_equal(idp_reason_text(IDP_TLS_UNKNOWN_ISSUER),
	    "unknown issuer (UnknownIssuer)");
	assert_string_equal(idp_reason_text(IDP_TLS_EXPIRED), "certificate expired");
	assert_string_equal(idp_reason_text(IDP_TLS_NAME), "name mismatch");
	assert_string_equal(idp_reason_text(IDP_CONN_REFUSED), "connection refused");
	assert_string_equal(idp_reason_text(IDP_TIMED_OUT), "timed out");
	assert_string_equal(idp_reason_text(IDP_NO_RIGHTS),
	    "not authorised to read POSIX data");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_cause_has_its_reason),
		cmocka_unit_test(test_every_reason_has_words_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
