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

/* n of the front, of this asker: "PREFIX0" and so on. */
static void
queue(struct flights *fs, struct flight **v, size_t n, const char *prefix, uid_t asker)
{
	char id[32];

	fs->asker = asker;
	for (size_t i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%s%zu", prefix, i);
		v[i] = flight_new(fs, KIND_USER, id, true);
		assert_non_null(v[i]);
	}
}

static void
end_all(struct flights *fs, struct flight **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		end(fs, v[i]);
}

static size_t
launch_all(struct flights *fs, int64_t now)
{
	size_t n = 0;

	while (flight_launch(fs, now) != NULL)
		n++;
	return n;
}

static void
a_thousand_in_all(void **state)
{
	static struct flight *v[FLIGHT_MAX];
	struct flights fs;

	(void)state;
	flights_init(&fs);
	queue(&fs, v, FLIGHT_MAX, "u", 1);
	assert_null(flight_new(&fs, KIND_USER, "more", true));
	end_all(&fs, v, FLIGHT_MAX);
	assert_int_equal(fs.n, 0);
	flights_deinit(&fs);
}

static void
sixteen_at_once_and_more_when_the_server_takes_its_time(void **state)
{
	struct flight *v[100];
	struct flights fs;

	(void)state;
	flights_init(&fs);
	queue(&fs, v, 50, "a", 1);
	queue(&fs, v + 50, 50, "b", 2);
	assert_int_equal(launch_all(&fs, 1), FLIGHT_QUICK);
	assert_int_equal(flight_room_in(&fs, 1), FLIGHT_SLOW_NS);
	assert_int_equal(launch_all(&fs, FLIGHT_SLOW_NS), 0);
	assert_int_equal(flight_room_in(&fs, FLIGHT_SLOW_NS), 1);
	assert_int_equal(launch_all(&fs, FLIGHT_SLOW_NS + 1), FLIGHT_QUICK);
	assert_int_equal(launch_all(&fs, 2 * FLIGHT_SLOW_NS + 1), FLIGHT_QUICK);
	assert_int_equal(launch_all(&fs, 9 * (int64_t)FLIGHT_SLOW_NS), FLIGHT_QUICK);
	assert_int_equal(launch_all(&fs, 99 * (int64_t)FLIGHT_SLOW_NS), 0);
	assert_int_equal(fs.n_running, FLIGHT_RUNNING);
	assert_int_equal(flight_room_in(&fs, 99 * (int64_t)FLIGHT_SLOW_NS), -1);
	end_all(&fs, v, 100);
	assert_int_equal(fs.n_running, 0);
	assert_int_equal(flight_room_in(&fs, 1), -1);
	flights_deinit(&fs);
}

static void
users_take_turns(void **state)
{
	struct flight *crowd[300], *one, *two, *third;
	struct flights fs;

	(void)state;
	flights_init(&fs);
	queue(&fs, crowd, 300, "x", 666);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(flight_launch(&fs, 1), crowd[i]);
	queue(&fs, &one, 1, "alice", 1000);
	queue(&fs, &two, 1, "bob", 1000);
	queue(&fs, &third, 1, "carol", 1001);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[3]);
	assert_ptr_equal(flight_launch(&fs, 1), one);
	assert_ptr_equal(flight_launch(&fs, 1), third);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[4]);
	assert_ptr_equal(flight_launch(&fs, 1), two);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[5]);
	end_all(&fs, crowd, 300);
	end(&fs, one);
	end(&fs, two);
	end(&fs, third);
	flights_deinit(&fs);
}

static void
who_joins_brings_the_better_place(void **state)
{
	struct flight *crowd[300];
	struct flights fs;

	(void)state;
	flights_init(&fs);
	queue(&fs, crowd, 300, "x", 666);
	fs.asker = 1000;
	flight_promote(&fs, crowd[299]);
	/* And whoever made the crowd moves nothing of it forward. */
	fs.asker = 666;
	flight_promote(&fs, crowd[298]);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[0]);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[299]);
	assert_ptr_equal(flight_launch(&fs, 1), crowd[1]);
	end_all(&fs, crowd, 300);
	flights_deinit(&fs);
}

static void
nobody_takes_the_last_places(void **state)
{
	struct flight *crowd[300], *one;
	struct flights fs;
	int64_t now = 1;

	(void)state;
	flights_init(&fs);
	queue(&fs, crowd, 300, "x", 666);
	while (launch_all(&fs, now) > 0)
		now += FLIGHT_SLOW_NS;
	assert_int_equal(fs.n_running, FLIGHT_ASKER);
	queue(&fs, &one, 1, "alice", 1000);
	assert_ptr_equal(flight_launch(&fs, now), one);
	assert_null(flight_launch(&fs, now));
	end(&fs, crowd[0]);
	assert_ptr_equal(flight_launch(&fs, now), crowd[FLIGHT_ASKER]);
	end_all(&fs, crowd + 1, 299);
	end(&fs, one);
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

static void
what_is_fetched_ahead_takes_nobodys_place(void **state)
{
	struct flight *v[FLIGHT_QUICK + 1];
	struct flights fs;
	struct flight *ahead;

	(void)state;
	flights_init(&fs);
	ahead = flight_new(&fs, KIND_USER, "ahead", false);
	ahead->ahead = true;
	assert_ptr_equal(flight_launch(&fs, 1), ahead);
	assert_int_equal(fs.n_running, 0);
	queue(&fs, v, FLIGHT_QUICK + 1, "u", 1);
	assert_int_equal(launch_all(&fs, 1), FLIGHT_QUICK);
	flight_judge(&fs, ahead);
	assert_int_equal(fs.n_running, FLIGHT_QUICK);
	end(&fs, ahead);
	end_all(&fs, v, FLIGHT_QUICK + 1);
	assert_int_equal(fs.n_running, 0);
	flights_deinit(&fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flight_per_kind_and_id),
		cmocka_unit_test(who_waits_goes_before_who_refreshes),
		cmocka_unit_test(a_thousand_in_all),
		cmocka_unit_test(sixteen_at_once_and_more_when_the_server_takes_its_time),
		cmocka_unit_test(users_take_turns),
		cmocka_unit_test(who_joins_brings_the_better_place),
		cmocka_unit_test(nobody_takes_the_last_places),
		cmocka_unit_test(refreshes_leave_room_for_who_waits),
		cmocka_unit_test(what_is_fetched_ahead_takes_nobodys_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
