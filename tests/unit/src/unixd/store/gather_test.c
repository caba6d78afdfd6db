/* SPDX-License-Identifier: MPL-2.0 */
/* How many transactions there are: each is a batch that is posted to the lane. */
#include "src/unixd/core/lane.h"
#include "src/unixd/core/loop.h"
#include "unit/src/unixd/store/kit.h"

static unsigned batches;

int __real_lane_post(struct lane *lane, struct lane_job *job);

int
__wrap_lane_post(struct lane *lane, struct lane_job *job)
{
	batches++;
	return __real_lane_post(lane, job);
}

static void
until_batches_are(struct kit *k, unsigned n)
{
	struct deadline limit = deadline_in_ms(20000);

	while (batches < n) {
		assert_int_not_equal(deadline_left_ms(limit), 0);
		assert_int_equal(loop_turn(k->loop, 10), 0);
	}
}

static void
begin(struct kit *k)
{
	kit_open(k);
	assert_int_equal(loop_turn(k->loop, 0), 0);
	batches = 0;
}

static void
learn(struct kit *k, uint32_t n)
{
	struct uuid uuid = kit_uuid(n);

	kit_put_user(k, n, 1);
	store_put_id(k->store, &uuid, 100000 + n, 100000 + n);
}

static void
people_learnt_one_after_another_share_a_transaction(void **state)
{
	struct kit *k = *state;

	begin(k);
	for (uint32_t i = 0; i < 50; i++)
		learn(k, i);
	assert_int_equal(batches, 0);
	until_batches_are(k, 1);
	assert_true(kit_flush(k));
	assert_int_equal(batches, 2);
}

static int64_t
next_in(struct kit *k)
{
	const struct timers *ts = loop_timers(k->loop);

	return timers_next(ts) - ts->now.mono_ns;
}

/* Whoever has been answered is known after a crash, too, unless it is one of many. */
static void
somebody_learnt_alone_is_written_with_the_turn(void **state)
{
	struct kit *k = *state;

	begin(k);
	learn(k, 1);
	assert_true(next_in(k) <= 0);
	until_batches_are(k, 1);
	assert_true(kit_flush(k));
	learn(k, 2);
	assert_true(next_in(k) > 0);
	assert_true(next_in(k) <= 20 * CLOCK_MS);
	assert_true(kit_flush(k));
}

static void
what_cannot_be_asked_for_again_is_written_at_once_and_takes_them_along(void **state)
{
	struct kit *k = *state;
	struct uuid gone = kit_uuid(2);

	begin(k);
	kit_put_user(k, 1, 1);
	/* That somebody is gone: a crash must not bring her back. */
	store_del_user(k->store, &gone);
	assert_int_equal(batches, 1);
	assert_true(kit_flush(k));
	assert_int_equal(batches, 2);
	store_put_value(k->store, "key", "value", 5, NULL, NULL);
	assert_int_equal(batches, 3);
	assert_true(kit_flush(k));
}

/* Locked, or expired: after a crash she must not find her old record. */
static void
who_may_not_log_in_any_more_is_written_at_once(void **state)
{
	struct kit *k = *state;
	struct user *u;

	begin(k);
	u = kit_user(1, "A Person");
	u->valid = false;
	store_put_user(k->store, u, 1);
	user_unref(u);
	assert_int_equal(batches, 1);
	assert_true(kit_flush(k));
}

static void
what_root_has_decided_is_written_at_once(void **state)
{
	struct kit *k = *state;
	struct uuid uuid = kit_uuid(1);

	begin(k);
	learn(k, 1);
	store_put_id(k->store, &uuid, 100002, 100002);
	assert_int_equal(batches, 0);
	store_hurry(k->store);
	assert_int_equal(batches, 1);
	store_hurry(k->store);
	assert_true(kit_flush(k));
}

static void
whoever_waits_for_it_does_not_wait_to_be_gathered(void **state)
{
	struct kit *k = *state;

	begin(k);
	kit_put_user(k, 1, 1);
	assert_int_equal(batches, 0);
	assert_true(kit_flush(k));
	assert_int_equal(batches, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    people_learnt_one_after_another_share_a_transaction, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(
		    somebody_learnt_alone_is_written_with_the_turn, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(
		    what_cannot_be_asked_for_again_is_written_at_once_and_takes_them_along,
		    kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(
		    who_may_not_log_in_any_more_is_written_at_once, kit_setup,
		    kit_teardown),
		cmocka_unit_test_setup_teardown(what_root_has_decided_is_written_at_once,
		    kit_setup, kit_teardown),
		cmocka_unit_test_setup_teardown(
		    whoever_waits_for_it_does_not_wait_to_be_gathered, kit_setup,
		    kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
