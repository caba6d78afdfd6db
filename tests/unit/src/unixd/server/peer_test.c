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
	struct peer_limits limits = { .per_uid = 2, .per_hidden = 4, .total = 6 };

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
one_uid_has_a_quota_that_leaving_gives_back(void **state)
{
	struct peers *p = *state;

	assert_true(peers_admit(p, 1000));
	assert_true(peers_admit(p, 1000));
	assert_false(peers_admit(p, 1000));
	assert_true(peers_admit(p, 1001));
	peers_leave(p, 1000);
	assert_true(peers_admit(p, 1000));
	assert_int_equal(peers_count(p, 1000), 2);
}

static void
the_uid_that_stands_for_many_has_a_larger_one(void **state)
{
	struct peers *p = *state;

	for (int i = 0; i < 4; i++)
		assert_true(peers_admit(p, 65534));
	assert_false(peers_admit(p, 65534));
	assert_true(peers_admit(p, 1000));
}

static void
all_users_together_have_a_limit_and_root_has_none(void **state)
{
	struct peers *p = *state;

	for (uid_t uid = 1000; uid < 1006; uid++)
		assert_true(peers_admit(p, uid));
	assert_false(peers_admit(p, 2000));
	for (int i = 0; i < 100; i++)
		assert_true(peers_admit(p, 0));
	for (int i = 0; i < 100; i++)
		peers_leave(p, 0);
	assert_false(peers_admit(p, 2000));
	peers_leave(p, 1003);
	assert_true(peers_admit(p, 2000));
}

int
main(void)
{
#define PEER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		PEER_TEST(one_uid_has_a_quota_that_leaving_gives_back),
		PEER_TEST(the_uid_that_stands_for_many_has_a_larger_one),
		PEER_TEST(all_users_together_have_a_limit_and_root_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
