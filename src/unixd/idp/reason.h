/* SPDX-License-Identifier: MPL-2.0 */
/* Failures of transport, in the terms of the port. */
#pragma once

#include "src/unixd/idp/idp.h"

/*
 * `code`: a CURLcode other than CURLE_OK. `verify`: what OpenSSL said of the chain
 * (X509_V_OK when it did not object). `os_errno`: of the last connect, 0 when not known.
 */
void reason_of_curl(int code, long verify, long os_errno, enum idp_class *ret_class,
    enum idp_reason *ret_reason);
