/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/idp/wipe.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* explicit_bzero(3) is how the bytes go: seen here, because after free nobody may look. */
static const void *wiped;
static size_t wiped_len;

void __real_explicit_bzero(void *p, size_t n);
void __wrap_explicit_bzero(void *p, size_t n);

void
__wrap_explicit_bzero(void *p, size_t n)
{
	wiped = p;
	wiped_len = n;
	__real_explicit_bzero(p, n);
}

static void
test_a_block_is_wiped_whole_before_it_is_freed(void **state)
{
	char *p = malloc(100);
	const void *was = p;

	(void)state;
	assert_non_null(p);
	wiped = NULL;
	wipe_free(p);
	assert_ptr_equal(wiped, was);
	assert_true(wiped_len >= 100);
	wipe_free(NULL);
}

static void
test_growing_moves_the_bytes_and_wipes_the_old_place(void **state)
{
	char *p = malloc(8), *q;
	const void *was = p;

	(void)state;
	assert_non_null(p);
	memcpy(p, "secret!", 8);
	wiped = NULL;
	q = wipe_realloc(p, 4096);
	assert_non_null(q);
	assert_ptr_equal(wiped, was);
	assert_string_equal(q, "secret!");
	q = wipe_realloc(q, 4);
	assert_memory_equal(q, "secr", 4);
	wipe_free(q);
	q = wipe_realloc(NULL, 0);
	assert_non_null(q);
	wipe_free(q);
}

static void
test_a_string_is_gone_after_wiping(void **state)
{
	char *s = strdup("secret");

	(void)state;
	wipe_string(&s);
	assert_null(s);
	wipe_string(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_block_is_wiped_whole_before_it_is_freed),
		cmocka_unit_test(test_growing_moves_the_bytes_and_wipes_the_old_place),
		cmocka_unit_test(test_a_string_is_gone_after_wiping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
