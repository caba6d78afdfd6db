/* SPDX-License-Identifier: MPL-2.0 */
/* Nodes that move together. */
#include "src/unixd/core/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
	struct list link;
	int number;
};

static void
expect(const struct list *l, const char *numbers)
{
	char text[16] = "", *at = text;
	const struct list *it, *back = l;

	for (it = l->next; it != l; it = it->next) {
		assert_ptr_equal(it->prev, back);
		back = it;
		*at++ = (char)('0' + ((const struct item *)it)->number);
	}
	assert_ptr_equal(l->prev, back);
	assert_string_equal(text, numbers);
}

static void
all_nodes_move_behind_those_that_are_there(void **state)
{
	struct item v[4] = { { .number = 1 }, { .number = 2 }, { .number = 3 },
		{ .number = 4 } };
	struct list a, b;

	(void)state;
	list_init(&a);
	list_init(&b);
	list_append(&a, &v[0].link);
	list_append(&b, &v[1].link);
	list_append(&b, &v[2].link);
	list_move_all(&a, &b);
	expect(&a, "123");
	expect(&b, "");
	list_append(&b, &v[3].link);
	list_remove(&v[1].link);
	expect(&a, "13");
	expect(&b, "4");
	list_move_all(&b, &a);
	expect(&b, "413");
	expect(&a, "");
}

static void
nothing_moves_from_an_empty_list(void **state)
{
	struct item one = { .number = 1 };
	struct list a, b;

	(void)state;
	list_init(&a);
	list_init(&b);
	list_move_all(&a, &b);
	expect(&a, "");
	list_append(&a, &one.link);
	list_move_all(&a, &b);
	expect(&a, "1");
	expect(&b, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_nodes_move_behind_those_that_are_there),
		cmocka_unit_test(nothing_moves_from_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
