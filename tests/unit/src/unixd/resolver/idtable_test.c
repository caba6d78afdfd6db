/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/idtable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct uuid alice = { { 1 } }, bob = { { 2 } };

static void
rows_are_found_by_uuid_and_changed_in_place(void **state)
{
	struct idtable t;

	(void)state;
	idtable_init(&t);
	assert_null(idtable_find(&t, &alice));
	idtable_set(&t, &alice, 2001, 2001);
	assert_int_equal(idtable_find(&t, &alice)->id, 2001);
	assert_null(idtable_find(&t, &bob));
	idtable_set(&t, &alice, 2001, 2500);
	assert_int_equal(t.rows.n, 1);
	assert_true(idrow_is_pending(idtable_find(&t, &alice)));
	idtable_deinit(&t);
}

static void
pending_rows_are_counted_and_hold_their_number(void **state)
{
	struct idtable t;

	(void)state;
	idtable_init(&t);
	idtable_set(&t, &alice, 2001, 2001);
	assert_null(idtable_holder(&t, 2001, &bob));
	idtable_set(&t, &alice, 2001, 2500);
	assert_int_equal(t.n_pending, 1);
	assert_non_null(idtable_holder(&t, 2001, &bob));
	assert_null(idtable_holder(&t, 2001, &alice));
	assert_null(idtable_holder(&t, 2500, &bob));
	idtable_set(&t, &alice, 2001, 2501);
	assert_int_equal(t.n_pending, 1);
	idtable_set(&t, &alice, 2501, 2501);
	assert_int_equal(t.n_pending, 0);
	assert_null(idtable_holder(&t, 2001, &bob));
	idtable_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_uuid_and_changed_in_place),
		cmocka_unit_test(pending_rows_are_counted_and_hold_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
