/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/core/timers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/util.h"

#define N 200

struct probe {
	struct timer timer;
	struct timers *ts;
	int fired;
	int64_t again_ns; /* arm itself again when >= 0 */
	struct probe *kills;
};

static int64_t last_at;

static void
on_fire(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	assert_false(timer_is_set(t));
	assert_true(t->at_ns >= last_at);
	last_at = t->at_ns;
	p->fired++;
	if (p->again_ns >= 0)
		timers_set(p->ts, t, p->again_ns);
	if (p->kills != NULL)
		timers_unset(p->ts, &p->kills->timer);
}

static void
probe_init(struct probe *p, struct timers *ts)
{
	*p = (struct probe){ .ts = ts, .again_ns = -1 };
	timer_init(&p->timer, on_fire);
}

static int
setup(void **state)
{
	static struct timers ts;

	timers_init(&ts);
	ts.now = (struct clock){ .mono_ns = 1000 };
	last_at = 0;
	*state = &ts;
	return 0;
}

static int
teardown(void **state)
{
	timers_deinit(*state);
	return 0;
}

static void
test_timers_fire_in_order_of_time_and_only_when_due(void **state)
{
	struct timers *ts = *state;
	static struct probe p[N];

	srand(7);
	for (int i = 0; i < N; i++) {
		probe_init(&p[i], ts);
		timers_set(ts, &p[i].timer, rand() % 500);
	}
	ts->now.mono_ns = 1000 + 250;
	timers_run(ts);
	for (int i = 0; i < N; i++)
		assert_int_equal(p[i].fired, p[i].timer.at_ns <= 1250);
	ts->now.mono_ns = 1000 + 500;
	timers_run(ts);
	for (int i = 0; i < N; i++)
		assert_int_equal(p[i].fired, 1);
	assert_int_equal(timers_next(ts), -1);
}

static void
test_moving_and_unsetting_any_timer_keeps_the_heap_in_order(void **state)
{
	struct timers *ts = *state;
	static struct probe p[N];

	srand(11);
	for (int i = 0; i < N; i++)
		probe_init(&p[i], ts);
	for (int round = 0; round < 5000; round++) {
		struct timer *t = &p[rand() % N].timer;
		int64_t first = INT64_MAX;

		if (rand() % 3 == 0)
			timers_unset(ts, t);
		else
			timers_set(ts, t, rand() % 10000);
		for (int i = 0; i < N; i++) {
			if (timer_is_set(&p[i].timer) && p[i].timer.at_ns < first)
				first = p[i].timer.at_ns;
		}
		assert_int_equal(timers_next(ts), first == INT64_MAX ? -1 : first);
	}
	ts->now.mono_ns = 20000;
	timers_run(ts);
	assert_int_equal(ts->n, 0);
}

static void
test_a_timer_that_arms_itself_for_now_does_not_hold_up_the_run(void **state)
{
	struct timers *ts = *state;
	struct probe p;

	probe_init(&p, ts);
	p.again_ns = 0;
	timers_set(ts, &p.timer, 0);
	timers_run(ts);
	assert_int_equal(p.fired, 1);
	assert_true(timer_is_set(&p.timer));
	timers_run(ts);
	assert_int_equal(p.fired, 2);
}

static void
test_a_timer_unset_by_another_in_the_same_run_does_not_fire(void **state)
{
	struct timers *ts = *state;
	struct probe a, b;

	probe_init(&a, ts);
	probe_init(&b, ts);
	a.kills = &b;
	timers_set(ts, &a.timer, 1);
	timers_set(ts, &b.timer, 2);
	ts->now.mono_ns += 10;
	timers_run(ts);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);
}

static void
test_a_delay_beyond_time_itself_means_never(void **state)
{
	struct timers *ts = *state;
	struct probe p;

	probe_init(&p, ts);
	timers_set(ts, &p.timer, INT64_MAX);
	assert_int_equal(timers_next(ts), INT64_MAX);
	timers_set(ts, &p.timer, -5);
	assert_int_equal(timers_next(ts), 1000);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_timers_fire_in_order_of_time_and_only_when_due),
		TEST(test_moving_and_unsetting_any_timer_keeps_the_heap_in_order),
		TEST(test_a_timer_that_arms_itself_for_now_does_not_hold_up_the_run),
		TEST(test_a_timer_unset_by_another_in_the_same_run_does_not_fire),
		TEST(test_a_delay_beyond_time_itself_means_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
