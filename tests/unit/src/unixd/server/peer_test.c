/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/server/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int
setup(void **state)
{
	static struct peers p;
	struct peer_limits limits = {
		.per_uid = 2,
		.per_hidden = 4,
		.waiting = 1,
		.total = 6,
	};

	peers_init(&p, &limits);
	*state = &p;
	return 0;
}

static int
teardown(void **state)
{
	peers_deinit(*state);
	return 0;
}

static void
one_uid_has_a_quota_and_a_little_room_to_wait(void **state)
{
	struct peers *p = *state;

	assert_int_equal(peers_admit(p, 1000), PEER_SERVE);
	assert_int_equal(peers_admit(p, 1000), PEER_SERVE);
	assert_int_equal(peers_admit(p, 1000), PEER_WAIT);
	assert_int_equal(peers_admit(p, 1000), PEER_REFUSE);
	assert_int_equal(peers_admit(p, 1001), PEER_SERVE);
	assert_int_equal(peers_count(p, 1000), 3);
}

static void
whoever_leaves_makes_room_for_the_one_that_waits(void **state)
{
	struct peers *p = *state;

	for (int i = 0; i < 3; i++)
		assert_int_not_equal(peers_admit(p, 1000), PEER_REFUSE);
	assert_true(peers_leave(p, 1000, false));
	peers_serve(p, 1000);
	/* nobody waits any more, and both places are taken */
	assert_int_equal(peers_admit(p, 1000), PEER_WAIT);
	/* a waiting one that leaves makes no room for another */
	assert_false(peers_leave(p, 1000, true));
	assert_false(peers_leave(p, 1000, false));
	assert_int_equal(peers_admit(p, 1000), PEER_SERVE);
}

static void
the_uid_that_stands_for_many_has_a_larger_one(void **state)
{
	struct peers *p = *state;

	for (int i = 0; i < 4; i++)
		assert_int_equal(peers_admit(p, 65534), PEER_SERVE);
	assert_int_equal(peers_admit(p, 65534), PEER_WAIT);
	assert_int_equal(peers_admit(p, 1000), PEER_SERVE);
}

static void
all_users_together_have_a_limit_and_root_has_none(void **state)
{
	struct peers *p = *state;

	for (uid_t uid = 1000; uid < 1006; uid++)
		assert_int_equal(peers_admit(p, uid), PEER_SERVE);
	assert_int_equal(peers_admit(p, 2000), PEER_REFUSE);
	for (int i = 0; i < 100; i++)
		assert_int_equal(peers_admit(p, 0), PEER_SERVE);
	for (int i = 0; i < 100; i++)
		assert_false(peers_leave(p, 0, false));
	assert_int_equal(peers_admit(p, 2000), PEER_REFUSE);
	assert_false(peers_leave(p, 1003, false));
	assert_int_equal(peers_admit(p, 2000), PEER_SERVE);
}

static void
only_who_is_within_the_quota_may_push(void **state)
{
	struct peers *p = *state;

	assert_false(peers_may_push(p, 1000));
	for (uid_t uid = 1000; uid < 1002; uid++)
		for (int i = 0; i < 3; i++)
			assert_int_not_equal(peers_admit(p, uid), PEER_REFUSE);
	assert_true(peers_may_push(p, 1002));
	assert_false(peers_may_push(p, 1000));
}

int
main(void)
{
#define PEER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		PEER_TEST(one_uid_has_a_quota_and_a_little_room_to_wait),
		PEER_TEST(whoever_leaves_makes_room_for_the_one_that_waits),
		PEER_TEST(the_uid_that_stands_for_many_has_a_larger_one),
		PEER_TEST(all_users_together_have_a_limit_and_root_has_none),
		PEER_TEST(only_who_is_within_the_quota_may_push),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
