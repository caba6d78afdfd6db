/* SPDX-License-Identifier: MPL-2.0 */
/* Credentials as blobs, there and back; and blobs that are none. */
#include "src/unixd/login/credential.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/unixd/core/clock.h"

static const struct uuid somebody = { { 1, 2, 3 } };

static struct cred *
sample(struct creds *cs)
{
	struct cred *c = creds_get(cs, &somebody);

	cred_set_verifier(c, "verifier", 8);
	c->suspended = true;
	c->suspended_at = 1700000300;
	c->stored_at = 1700000100;
	c->proven_at = INT64_C(17000002000);
	c->guess = (struct guess){ 7, 40 * CLOCK_S };
	c->hidden = (struct guess){ 2, 0 };
	return c;
}

static void
what_is_kept_comes_back(void **state)
{
	uint8_t blob[CRED_MAX_BLOB];
	struct creds from, to;
	struct cred *c;
	size_t len;

	(void)state;
	creds_init(&from);
	creds_init(&to);
	len = cred_pack(sample(&from), 10 * CLOCK_S, blob);
	c = creds_get(&to, &somebody);
	assert_int_equal(cred_unpack(blob, len, 1000 * CLOCK_S, c), 0);
	assert_int_equal(c->verifier_len, 8);
	assert_memory_equal(c->verifier, "verifier", 8);
	assert_true(c->suspended);
	assert_int_equal(c->suspended_at, 1700000300);
	assert_int_equal(c->stored_at, 1700000100);
	assert_int_equal(c->proven_at, INT64_C(17000002000));
	assert_int_equal(c->guess.fails, 7);
	assert_int_equal(guess_left_s(&c->guess, 1000 * CLOCK_S), 30);
	assert_int_equal(c->hidden.fails, 2);
	assert_int_equal(guess_left_s(&c->hidden, 1000 * CLOCK_S), 0);
	creds_deinit(&from);
	creds_deinit(&to);
}

/* In memory of its own size, so that a sanitizer sees every step beyond it. */
static int
unpack(const uint8_t *blob, size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	struct creds cs;
	int rc;

	assert_non_null(exact);
	memcpy(exact, blob, len);
	creds_init(&cs);
	rc = cred_unpack(exact, len, CLOCK_S, creds_get(&cs, &somebody));
	creds_deinit(&cs);
	free(exact);
	return rc;
}

static void
a_blob_cut_anywhere_is_refused(void **state)
{
	uint8_t blob[CRED_MAX_BLOB] = { 0 };
	struct creds cs;
	size_t len;

	(void)state;
	creds_init(&cs);
	len = cred_pack(sample(&cs), 0, blob);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(unpack(blob, n), -EBADMSG);
	assert_int_equal(unpack(blob, len), 0);
	assert_int_equal(unpack(blob, len + 1), -EBADMSG);
	creds_deinit(&cs);
}

static void
other_formats_flags_and_lengths_are_refused(void **state)
{
	uint8_t blob[CRED_MAX_BLOB] = { 0 }, bad[CRED_MAX_BLOB];
	struct creds cs;
	size_t len;

	(void)state;
	creds_init(&cs);
	len = cred_pack(sample(&cs), 0, blob);
	memcpy(bad, blob, sizeof(bad));
	bad[0] = 2;
	assert_int_equal(unpack(bad, len), -EBADMSG);
	memcpy(bad, blob, sizeof(bad));
	bad[1] = 2;
	assert_int_equal(unpack(bad, len), -EBADMSG);
	memcpy(bad, blob, sizeof(bad));
	bad[2] = 0xff;
	bad[3] = 0xff;
	assert_int_equal(unpack(bad, len), -EBADMSG);
	memcpy(bad, blob, sizeof(bad));
	bad[3] = 1; /* 264: longer than any verifier, and than the blob */
	assert_int_equal(unpack(bad, sizeof(bad)), -EBADMSG);
	creds_deinit(&cs);
}

static void
counts_alone_are_worth_keeping(void **state)
{
	uint8_t blob[CRED_MAX_BLOB];
	struct creds cs;
	struct cred *c;

	(void)state;
	creds_init(&cs);
	c = creds_get(&cs, &somebody);
	assert_true(cred_is_empty(c));
	(void)guess_count(&c->hidden, CLOCK_S);
	assert_false(cred_is_empty(c));
	assert_int_equal(unpack(blob, cred_pack(c, CLOCK_S, blob)), 0);
	guess_reset(&c->hidden);
	assert_true(cred_is_empty(c));
	creds_deinit(&cs);
}

static void
a_new_verifier_is_another_version(void **state)
{
	struct creds cs;
	struct cred *c;
	uint32_t was;

	(void)state;
	creds_init(&cs);
	c = sample(&cs);
	was = c->version;
	cred_set_verifier(c, "verifier", 8);
	assert_true(c->version != was);
	creds_deinit(&cs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_comes_back),
		cmocka_unit_test(a_blob_cut_anywhere_is_refused),
		cmocka_unit_test(other_formats_flags_and_lengths_are_refused),
		cmocka_unit_test(counts_alone_are_worth_keeping),
		cmocka_unit_test(a_new_verifier_is_another_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
