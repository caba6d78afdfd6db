/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Blobs of credentials. Whatever unpacks must pack to bytes that unpack to the same, with
 * waits within their bound.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/unixd/core/clock.h"
#include "src/unixd/login/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct uuid who = { { 1 } }, other = { { 2 } };
	uint8_t first[CRED_MAX_BLOB], second[CRED_MAX_BLOB];
	const int64_t now = 1000 * CLOCK_S;
	struct creds cs;
	struct cred *c;
	size_t len;

	creds_init(&cs);
	c = creds_get(&cs, &who);
	if (cred_unpack(data, size, now, c) == 0) {
		if (guess_left_s(&c->guess, now) > GUESS_MAX_WAIT_S ||
		    guess_left_s(&c->hidden, now) > GUESS_MAX_WAIT_S)
			abort();
		len = cred_pack(c, now, first);
		c = creds_get(&cs, &other);
		if (cred_unpack(first, len, now, c) < 0 ||
		    cred_pack(c, now, second) != len || memcmp(first, second, len) != 0)
			abort();
	}
	creds_deinit(&cs);
	return 0;
}
