/* SPDX-License-Identifier: MPL-2.0 */
/* What most tests of the port begin and end with. */
#include "tests/integration/idp_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

int
fixture_setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	idp_server_start(&f.server);
	(void)snprintf(f.ca, sizeof(f.ca), "%s", idp_server_cert(&f.server, "ca.pem"));
	(void)snprintf(f.token, sizeof(f.token), "%.100s/token", f.server.dir);
	idp_client_init(&f.client, &f.server, f.ca);
	f.client.settings.token_path = f.token;
	*state = &f;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;

	answer_clear(&f->a);
	idp_client_close(&f->client);
	idp_server_stop(&f->server);
	return 0;
}

void
write_token(struct fixture *f, const char *token)
{
	FILE *out = fopen(f->token, "we");

	assert_non_null(out);
	assert_true(fprintf(out, "%s\nsecond line\n", token) > 0);
	assert_int_equal(fclose(out), 0);
}
