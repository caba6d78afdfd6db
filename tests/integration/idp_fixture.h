/* SPDX-License-Identifier: MPL-2.0 */
/* A development server and a port that would ask it, not opened yet; with a place for the
 * token of a service account, which is not there. */
#pragma once

#include "tests/integration/idp_client.h"

struct fixture {
	struct idp_server server;
	struct idp_client client;
	struct answer a;
	char ca[256];
	char token[256];
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void write_token(struct fixture *f, const char *token);
