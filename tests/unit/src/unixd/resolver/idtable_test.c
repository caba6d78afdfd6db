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

static void
loaded_rows_are_found_in_any_order(void **state)
{
	struct uuid uuid = { { 0 } };
	struct idtable t;

	(void)state;
	idtable_init(&t);
	for (uint32_t i = 1; i <= 1000; i++) {
		memcpy(uuid.b, &i, sizeof(i));
		idtable_load(&t, &uuid, 5000 + i, 5000 + i + (i == 7));
	}
	idtable_loaded(&t);
	assert_int_equal(t.n, 1000);
	assert_int_equal(t.n_pending, 1);
	for (uint32_t i = 1; i <= 1000; i++) {
		memcpy(uuid.b, &i, sizeof(i));
		assert_int_equal(idtable_find(&t, &uuid)->id, 5000 + i);
	}
	for (uint32_t k = 0; k < 1000; k++) {
		uint32_t i = 1 + k * 7919 % 1000;

		memcpy(uuid.b, &i, sizeof(i));
		assert_int_equal(idtable_set(&t, &uuid, 6000 + i, 6000 + i)->id,
		    6000 + i);
		assert_int_equal(idtable_find(&t, &uuid)->id, 6000 + i);
	}
	assert_int_equal(t.n, 1000);
	assert_int_equal(t.n_pending, 0);
	idtable_set(&t, &bob, 2001, 2001);
	idtable_loaded(&t);
	assert_int_equal(t.n, 1000); /* bob is number 2 */
	assert_int_equal(idtable_find(&t, &bob)->id, 2001);
	idtable_deinit(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_uuid_and_changed_in_place),
		cmocka_unit_test(pending_rows_are_counted_and_hold_their_number),
		cmocka_unit_test(loaded_rows_are_found_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
