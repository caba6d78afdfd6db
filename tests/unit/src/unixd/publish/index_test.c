/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/publish/index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define RANGE 3000u

static void
check(const struct index *ix, const bool *there)
{
	uint64_t from = 0;
	size_t n = 0;

	for (uint32_t id = 0; id < RANGE; id++) {
		const struct index_entry *e = index_find(ix, id);

		assert_int_equal(e != NULL, there[id]);
		if (e != NULL)
			assert_int_equal(e->value, id * 3);
		n += there[id];
	}
	assert_int_equal(ix->n, n);
	for (uint32_t id = 0; id < RANGE; id++) {
		const struct index_entry *e;

		if (!there[id])
			continue;
		e = index_from(ix, (uint32_t)from);
		assert_non_null(e);
		assert_int_equal(e->id, id);
		from = (uint64_t)id + 1;
	}
	assert_null(index_from(ix, (uint32_t)from));
}

static void
it_agrees_with_an_array_whatever_is_added_and_removed(void **state)
{
	static bool there[RANGE];
	struct index ix = { 0 };

	(void)state;
	srandom(7);
	check(&ix, there);
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 400; i++) {
			uint32_t id = (uint32_t)random() % RANGE;

			if (round % 3 == 2) {
				index_remove(&ix, id);
				there[id] = false;
			} else if (!there[id]) {
				index_add(&ix, id)->value = id * 3;
				there[id] = true;
			}
		}
		check(&ix, there);
	}
	for (uint32_t id = 0; id < RANGE; id++) {
		index_remove(&ix, id);
		there[id] = false;
	}
	check(&ix, there);
	index_clear(&ix);
}

static void
the_ends_of_the_range_are_ids_too(void **state)
{
	struct index ix = { 0 };

	(void)state;
	(void)index_add(&ix, UINT32_MAX);
	(void)index_add(&ix, 0);
	assert_int_equal(index_from(&ix, 0)->id, 0);
	assert_int_equal(index_from(&ix, 1)->id, UINT32_MAX);
	index_remove(&ix, 5);
	assert_int_equal(ix.n, 2);
	index_clear(&ix);
	assert_null(index_from(&ix, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_an_array_whatever_is_added_and_removed),
		cmocka_unit_test(the_ends_of_the_range_are_ids_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
