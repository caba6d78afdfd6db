/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A small certificate authority: root, intermediate, and leaves that are right or wrong
 * in one way each. Files of a directory:
 *
 *	ca.pem			the root; what a client is to trust
 *	intermediate.pem	signed by the root
 *	other-ca.pem		a second root that signed only other-ca's leaf
 *	NAME.pem, NAME.key	what the server presents under that name: server, renewed,
 *				full-chain, leaf-only, expired, not-yet, wrong-name,
 *				unknown-ca, self-signed
 */
#pragma once

#include "tests/devidm/util.h"

struct cert_times {
	int64_t from, until; /* seconds from now; negative is the past */
};

/* names: "idm.example.test,localhost,127.0.0.1"; files that exist are kept. */
void certs_make(const char *dir, const char *names, struct cert_times times);
/* One more leaf by our intermediate. False when the directory has no CA. */
bool certs_leaf(const char *dir, const char *name, const char *names,
    struct cert_times times);
