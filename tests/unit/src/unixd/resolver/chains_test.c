/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/chains.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define N 5000u

static uint64_t hashes[N + 1];
static uint32_t nexts[N + 1];

static uint64_t
hash_of(const void *owner, uint32_t item)
{
	(void)owner;
	return hashes[item];
}

static uint32_t *
next_of(const void *owner, uint32_t item)
{
	(void)owner;
	return &nexts[item];
}

static const struct chains_of of = { hash_of, next_of };

static bool
is_in(const struct chains *t, uint32_t item)
{
	uint32_t i = chains_first(t, hashes[item]);

	while (i != 0 && i != item)
		i = nexts[i];
	return i == item;
}

static void
what_is_put_in_is_found_at_any_size(void **state)
{
	struct chains t;
	uint32_t i, k;

	(void)state;
	chains_init(&t);
	assert_int_equal(chains_first(&t, 42), 0);
	for (i = 1; i <= N; i++) {
		hashes[i] = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) >> 7;
		chains_insert(&t, &of, NULL, i);
		for (k = i; k > 0 && k + 20 > i; k--)
			assert_true(is_in(&t, k));
	}
	for (i = 1; i <= N; i++)
		assert_true(is_in(&t, i));
	assert_int_equal(t.n, N);
	for (i = 1; i <= N; i += 2)
		chains_remove(&t, &of, NULL, i);
	for (i = 1; i <= N; i++)
		assert_int_equal(is_in(&t, i), i % 2 == 0);
	chains_remove(&t, &of, NULL, 1);
	assert_int_equal(t.n, N / 2);
	chains_deinit(&t);
}

static void
equal_hashes_are_one_chain(void **state)
{
	struct chains t;
	uint32_t i;

	(void)state;
	chains_init(&t);
	for (i = 1; i <= 100; i++) {
		hashes[i] = 5;
		chains_insert(&t, &of, NULL, i);
	}
	for (i = 1; i <= 100; i++)
		assert_true(is_in(&t, i));
	chains_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_is_found_at_any_size),
		cmocka_unit_test(equal_hashes_are_one_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
