/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/core/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"

struct source {
	struct loop_fd f;
	struct loop *l;
	struct source *removes;
	int calls;
};

static void
on_ready(struct loop_fd *f, uint32_t events)
{
	struct source *s = container_of(f, struct source, f);

	assert_true((events & EPOLLIN) != 0);
	s->calls++;
	if (s->removes != NULL)
		loop_del(s->l, &s->removes->f);
}

static void
source_init(struct source *s, struct loop *l)
{
	*s = (struct source){ .l = l };
	s->f.fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(s->f.fd >= 0);
	s->f.events = EPOLLIN;
	s->f.fn = on_ready;
	assert_int_equal(loop_add(l, &s->f), 0);
}

static int
setup(void **state)
{
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	assert_null(loop_free(*state));
	return 0;
}

static void
test_a_ready_descriptor_is_told_each_turn_until_it_is_drained(void **state)
{
	struct loop *l = *state;
	struct source s;
	uint64_t v;

	source_init(&s, l);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.calls, 2);
	assert_int_equal(read(s.f.fd, &v, sizeof(v)), sizeof(v));
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.calls, 2);
	loop_del(l, &s.f);
	(void)close(s.f.fd);
}

static void
test_a_descriptor_removed_in_a_turn_is_not_told_in_that_turn(void **state)
{
	struct loop *l = *state;
	struct source a, b;

	source_init(&a, l);
	source_init(&b, l);
	a.removes = &b;
	b.removes = &a;
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(a.calls + b.calls, 1);
	loop_del(l, a.calls != 0 ? &a.f : &b.f);
	(void)close(a.f.fd);
	(void)close(b.f.fd);
}

static void
test_events_can_be_switched_off_and_on(void **state)
{
	struct loop *l = *state;
	struct source s;

	source_init(&s, l);
	assert_int_equal(loop_mod(l, &s.f, 0), 0);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.calls, 0);
	assert_int_equal(loop_mod(l, &s.f, EPOLLIN), 0);
	assert_int_equal(loop_turn(l, 0), 0);
	assert_int_equal(s.calls, 1);
	loop_del(l, &s.f);
	(void)close(s.f.fd);
}

static void
test_adding_a_bad_descriptor_fails(void **state)
{
	struct loop_fd f = { .fd = -1, .events = EPOLLIN, .fn = on_ready };

	assert_int_equal(loop_add(*state, &f), -EBADF);
}

struct stopper {
	struct timer t;
	struct loop *l;
	int64_t fired_at;
};

static void
on_timer(struct timer *t)
{
	struct stopper *s = container_of(t, struct stopper, t);

	s->fired_at = loop_now(s->l)->mono_ns;
	loop_stop(s->l);
}

static void
test_run_sleeps_until_the_timer_and_ends_at_stop(void **state)
{
	struct stopper s = { .l = *state };
	int64_t start;

	timer_init(&s.t, on_timer);
	assert_int_equal(loop_turn(s.l, 0), 0);
	start = loop_now(s.l)->mono_ns;
	timers_set(loop_timers(s.l), &s.t, 5 * CLOCK_MS);
	assert_int_equal(loop_run(s.l), 0);
	assert_true(s.fired_at >= start + 5 * CLOCK_MS);
}

static void
test_a_turn_waits_no_longer_than_asked_for(void **state)
{
	struct stopper s = { .l = *state };
	struct clock before, after;

	timer_init(&s.t, on_timer);
	timers_set(loop_timers(s.l), &s.t, 3600 * CLOCK_S);
	clock_read(&before);
	assert_int_equal(loop_turn(s.l, 1), 0);
	clock_read(&after);
	assert_true(after.mono_ns - before.mono_ns < 60 * CLOCK_S);
	assert_int_equal(s.fired_at, 0);
}

static void
on_slow(struct timer *t)
{
	struct clock a, b;

	(void)t;
	clock_read(&a);
	do
		clock_read(&b);
	while (b.mono_ns - a.mono_ns < 2 * CLOCK_MS);
}

static void
test_the_longest_stall_is_reported_once(void **state)
{
	struct timer t;

	timer_init(&t, on_slow);
	timers_set(loop_timers(*state), &t, 0);
	assert_int_equal(loop_turn(*state, 0), 0);
	assert_true(loop_take_stall_ns(*state) >= 2 * CLOCK_MS);
	assert_int_equal(loop_take_stall_ns(*state), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_ready_descriptor_is_told_each_turn_until_it_is_drained),
		TEST(test_a_descriptor_removed_in_a_turn_is_not_told_in_that_turn),
		TEST(test_events_can_be_switched_off_and_on),
		TEST(test_adding_a_bad_descriptor_fails),
		TEST(test_run_sleeps_until_the_timer_and_ends_at_stop),
		TEST(test_a_turn_waits_no_longer_than_asked_for),
		TEST(test_the_longest_stall_is_reported_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
