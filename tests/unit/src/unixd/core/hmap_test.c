/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/core/hmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/util.h"

#define N 1000u

struct thing {
	uint32_t key;
	struct hmap_node node;
	unsigned seen;
};

static struct thing things[N];

static struct thing *
find(const struct hmap *m, uint32_t key)
{
	struct hmap_node *n;

	for (n = hmap_first(m, hmap_hash_u32(key)); n != NULL; n = hmap_same(n)) {
		struct thing *t = container_of(n, struct thing, node);

		if (t->key == key)
			return t;
	}
	return NULL;
}

static void
fill(struct hmap *m)
{
	hmap_init(m);
	for (uint32_t i = 0; i < N; i++) {
		things[i] = (struct thing){ .key = i * 3 };
		hmap_insert(m, &things[i].node, hmap_hash_u32(things[i].key));
	}
}

static void
test_what_was_put_in_is_found_and_nothing_else(void **state)
{
	struct hmap m;

	(void)state;
	fill(&m);
	assert_int_equal(m.n, N);
	for (uint32_t key = 0; key < N * 3; key++) {
		struct thing *t = find(&m, key);

		assert_ptr_equal(t, key % 3 == 0 ? &things[key / 3] : NULL);
	}
	hmap_deinit(&m);
}

static void
test_removed_nodes_are_gone_and_others_stay(void **state)
{
	struct hmap m;

	(void)state;
	fill(&m);
	for (uint32_t i = 0; i < N; i += 2)
		hmap_remove(&m, &things[i].node);
	assert_int_equal(m.n, N / 2);
	for (uint32_t i = 0; i < N; i++)
		assert_ptr_equal(find(&m, i * 3), i % 2 == 0 ? NULL : &things[i]);
	/* Removing what is not there changes nothing. */
	hmap_remove(&m, &things[0].node);
	assert_int_equal(m.n, N / 2);
	hmap_deinit(&m);
}

static void
test_nodes_with_equal_hashes_are_all_found(void **state)
{
	struct thing same[5];
	struct hmap m;
	unsigned n = 0;

	(void)state;
	fill(&m);
	for (unsigned i = 0; i < 5; i++)
		hmap_insert(&m, &same[i].node, 42);
	for (struct hmap_node *it = hmap_first(&m, 42); it != NULL; it = hmap_same(it))
		n++;
	assert_int_equal(n, 5);
	hmap_deinit(&m);
}

static void
test_a_walk_sees_each_node_once_even_when_it_removes_them(void **state)
{
	struct hmap m;
	size_t bucket;
	unsigned n = 0;

	(void)state;
	fill(&m);
	for (struct hmap_node *it = hmap_any(&m, &bucket); it != NULL;
	     it = hmap_any_next(&m, it, &bucket)) {
		struct thing *t = container_of(it, struct thing, node);

		assert_int_equal(t->seen, 0);
		t->seen = 1;
		hmap_remove(&m, it);
		n++;
	}
	assert_int_equal(n, N);
	assert_int_equal(m.n, 0);
	assert_null(hmap_any(&m, &bucket));
	hmap_deinit(&m);
}

static void
test_an_empty_map_answers(void **state)
{
	struct hmap m;
	size_t bucket;

	(void)state;
	hmap_init(&m);
	assert_null(hmap_first(&m, hmap_hash("x", 1)));
	assert_null(hmap_any(&m, &bucket));
	hmap_remove(&m, &things[0].node);
	hmap_deinit(&m);
}

static void
test_the_hash_depends_on_every_byte(void **state)
{
	(void)state;
	assert_true(hmap_hash("alice", 5) == hmap_hash("alice", 5));
	assert_true(hmap_hash("alice", 5) != hmap_hash("alicf", 5));
	assert_true(hmap_hash("alice", 5) != hmap_hash("alice", 4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_put_in_is_found_and_nothing_else),
		cmocka_unit_test(test_removed_nodes_are_gone_and_others_stay),
		cmocka_unit_test(test_nodes_with_equal_hashes_are_all_found),
		cmocka_unit_test(
		    test_a_walk_sees_each_node_once_even_when_it_removes_them),
		cmocka_unit_test(test_an_empty_map_answers),
		cmocka_unit_test(test_the_hash_depends_on_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
