/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/flight.h"

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

static void
end(struct flights *fs, struct flight *f)
{
	flight_land(fs, f);
	flight_free(f);
}

static void
one_flight_per_kind_and_id(void **state)
{
	struct flights fs;
	struct flight *u, *g;

	(void)state;
	flights_init(&fs);
	u = flight_new(&fs, KIND_USER, "alice", true);
	g = flight_new(&fs, KIND_GROUP, "alice", true);
	assert_ptr_equal(flight_find(&fs, KIND_USER, "alice"), u);
	assert_ptr_equal(flight_find(&fs, KIND_GROUP, "alice"), g);
	assert_null(flight_find(&fs, KIND_USER, "bob"));
	end(&fs, u);
	assert_null(flight_find(&fs, KIND_USER, "alice"));
	end(&fs, g);
	assert_int_equal(fs.n, 0);
	flights_deinit(&fs);
}

static void
who_waits_goes_before_who_refreshes(void **state)
{
	struct flights fs;
	struct flight *back, *promoted, *front;

	(void)state;
	flights_init(&fs);
	back = flight_new(&fs, KIND_USER, "back", false);
	promoted = flight_new(&fs, KIND_USER, "promoted", false);
	front = flight_new(&fs, KIND_USER, "front", true);
	flight_promote(&fs, promoted);
	assert_ptr_equal(flight_launch(&fs, 1), front);
	assert_ptr_equal(flight_launch(&fs, 1), promoted);
	assert_ptr_equal(flight_launch(&fs, 1), back);
	assert_null(flight_launch(&fs, 1));
	flight_judge(&fs, back);
	assert_int_equal(fs.n_running, 2);
	end(&fs, back);
	end(&fs, front);
	end(&fs, promoted);
	assert_int_equal(fs.n_running, 0);
	flights_deinit(&fs);
}

static void
sixteen_at_once_and_a_thousand_in_all(void **state)
{
	static struct flight *v[FLIGHT_MAX];
	struct flights fs;
	char id[16];
	size_t i;

	(void)state;
	flights_init(&fs);
	for (i = 0; i < FLIGHT_MAX; i++) {
		snprintf(id, sizeof(id), "u%zu", i);
		v[i] = flight_new(&fs, KIND_USER, id, i % 2 == 0);
		assert_non_null(v[i]);
	}
	assert_null(flight_new(&fs, KIND_USER, "more", true));
	for (i = 0; i < FLIGHT_RUNNING; i++)
		assert_non_null(flight_launch(&fs, 1));
	assert_null(flight_launch(&fs, 1));
	for (i = 0; i < FLIGHT_MAX; i++)
		end(&fs, v[i]);
	assert_int_equal(fs.n, 0);
	assert_int_equal(fs.n_running, 0);
	flights_deinit(&fs);
}

static void
refreshes_leave_room_for_who_waits(void **state)
{
	struct flight *v[FLIGHT_RUNNING + 1];
	struct flights fs;
	char id[16];
	size_t i;

	(void)state;
	flights_init(&fs);
	for (i = 0; i < FLIGHT_RUNNING; i++) {
		snprintf(id, sizeof(id), "u%zu", i);
		v[i] = flight_new(&fs, KIND_USER, id, false);
	}
	for (i = 0; i < FLIGHT_BEHIND; i++)
		assert_non_null(flight_launch(&fs, 1));
	assert_null(flight_launch(&fs, 1));
	v[FLIGHT_RUNNING] = flight_new(&fs, KIND_USER, "waited-for", true);
	assert_ptr_equal(flight_launch(&fs, 1), v[FLIGHT_RUNNING]);
	for (i = 0; i <= FLIGHT_RUNNING; i++)
		end(&fs, v[i]);
	flights_deinit(&fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flight_per_kind_and_id),
		cmocka_unit_test(who_waits_goes_before_who_refreshes),
		cmocka_unit_test(sixteen_at_once_and_a_thousand_in_all),
		cmocka_unit_test(refreshes_leave_room_for_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
