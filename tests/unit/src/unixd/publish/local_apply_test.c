/* SPDX-License-Identifier: MPL-2.0 */
/* Local accounts in the map: who wins, and what it costs when they come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ku/map.h"
#include "src/unixd/publish/publish.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static size_t
generations(struct fixture *f)
{
	struct publish_stats stats;

	publish_stats(f->p, &stats);
	return stats.generations;
}

static void
local_accounts_win_unless_excepted(void **state)
{
	static const char *const except[] = { "admin", NULL };
	struct fixture *f = *state;

	fixture_user(f, "alice", 5000, LATER);
	fixture_user(f, "bob", 5001, LATER);
	fixture_user(f, "carol", 5002, LATER);
	fixture_user(f, "admin", 5003, LATER);
	fixture_group(f, "users", 68002, NULL, 0, LATER);
	fixture_group(f, "docker", 1500, NULL, 0, LATER);
	fixture_group(f, "ours", 1600, NULL, 0, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_local(f,
	    "Alice:x:1001:1001::/:/bin/sh\nlocal:x:5001:5001::/:/bin/sh\n"
	    "admin:x:5003:100::/:/bin/sh\n",
	    "users:x:100:\ndocker:x:1500:\nlocalgroup:x:1600:\n", except);
	assert_int_equal(publish_commit(f->p), 0);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_ABSENT);
	assert_int_equal(ask_uid(&f->m, 5001), MAP_LOCAL);
	assert_int_equal(ask_user(&f->m, "carol"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "admin"), MAP_HIT);
	assert_int_equal(ask_uid(&f->m, 5003), MAP_HIT);
	assert_int_equal(ask_group(&f->m, "users"), MAP_LOCAL);
	assert_int_equal(ask_gid(&f->m, 68002), MAP_ABSENT);
	/* Name and id agree: a local group that is extended. */
	assert_int_equal(ask_group(&f->m, "docker"), MAP_HIT);
	assert_int_equal(ask_group(&f->m, "ours"), MAP_ABSENT);
	/* And not through a later update either. */
	fixture_user(f, "alice", 5000, LATER);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_LOCAL);
	fixture_user(f, "local", 5004, LATER);
	assert_int_equal(ask_user(&f->m, "local"), MAP_LOCAL);
}

static void
the_same_local_names_only_move_the_identity(void **state)
{
	struct fixture *f = *state;
	uint32_t before[KU_MAP_IDENT_WORDS];
	bool changed = false;

	fixture_local(f, "root:x:0:0::/:/bin/sh\n", "", NULL);
	fixture_commit(f);
	for (unsigned i = 0; i < KU_MAP_IDENT_WORDS; i++)
		before[i] = header_get(f, KU_MAP_H_IDENT + i);
	fixture_local(f, "root:x:0:0::/root:/bin/bash\n", "", NULL);
	fixture_settle(f);
	for (unsigned i = 0; i < KU_MAP_IDENT_WORDS; i++)
		changed = changed || header_get(f, KU_MAP_H_IDENT + i) != before[i];
	assert_true(changed);
	assert_int_equal(generations(f), 1);
}

/* useradd(8) and userdel(8) at a hundred thousand accounts: a few entries. */
static void
local_names_come_and_go_within_a_generation(void **state)
{
	struct fixture *f = *state;
	uint32_t ident = 0;

	fixture_local(f, "root:x:0:0::/:\nold:x:1234:1234::/:\n", "lg:x:1234:\n", NULL);
	fixture_user(f, "alice", 5000, LATER);
	fixture_user(f, "bob", 5001, LATER);
	fixture_commit(f);
	assert_int_equal(ask_user(&f->m, "old"), MAP_LOCAL);
	ident = header_get(f, KU_MAP_H_IDENT + 4);
	/* old moves to another uid, bob becomes a local name, 5000 a local uid. */
	fixture_local(f,
	    "root:x:0:0::/:\nold:x:1235:1234::/:\nbob:x:1300:1::/:\nnew:x:5000:1::/:\n",
	    "", NULL);
	assert_int_not_equal(header_get(f, KU_MAP_H_IDENT + 4), ident);
	assert_int_equal(ask_user(&f->m, "old"), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 1235), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 1234), MAP_ABSENT);
	assert_int_equal(ask_gid(&f->m, 1234), MAP_ABSENT);
	assert_int_equal(ask_group(&f->m, "lg"), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_LOCAL);
	assert_int_equal(ask_uid(&f->m, 5001), MAP_ABSENT);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_LOCAL);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	/* And back: the resolver publishes again what may be seen again. */
	fixture_local(f, "root:x:0:0::/:\n", "", NULL);
	fixture_user(f, "alice", 5000, LATER);
	fixture_user(f, "bob", 5001, LATER);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "old"), MAP_ABSENT);
	assert_int_equal(generations(f), 1);
	assert_true(timers_next(&f->ts) < 0);
	fixture_generation(f);
	assert_int_equal(ask_user(&f->m, "bob"), MAP_HIT);
	assert_int_equal(ask_user(&f->m, "old"), MAP_ABSENT);
	assert_int_equal(ask_user(&f->m, "root"), MAP_LOCAL);
}

/* Behind a full file: what hides is hidden at once, the rest comes with the next file. */
static void
without_room_local_names_hide_and_follow(void **state)
{
	struct fixture *f = *state;
	char gecos[8001];
	const char *key = "big";
	struct passwd_view v = { 6000, 6000, "big", gecos, "/", "/bin/sh", 0, NULL,
		false };
	uint32_t ident;

	fixture_local(f, "root:x:0:0::/:\n", "", NULL);
	fixture_user(f, "alice", 5000, LATER);
	fixture_commit(f);
	ident = header_get(f, KU_MAP_H_IDENT + 4);
	/* Smaller and smaller, until not even a name has room. */
	for (size_t len = 8000; len > 0; len -= 500)
		for (unsigned i = 0; i < 64; i++) {
			memset(gecos, 'a' + (int)i % 26, len);
			gecos[len] = '\0';
			publish_user(f->p, &v, &key, 1, LATER);
		}
	for (unsigned i = 0; i < 64; i++) {
		gecos[0] = (char)('a' + i % 26);
		gecos[1] = '\0';
		publish_user(f->p, &v, &key, 1, LATER);
	}
	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	fixture_local(f, "root:x:0:0::/:\nalice:x:1001:1001::/:\n", "", NULL);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_ABSENT);
	/* Nobody may conclude from this file that a name is not local. */
	assert_int_equal(header_get(f, KU_MAP_H_IDENT + 4), ident);
	fixture_pass(f, 10);
	fixture_settle(f);
	assert_int_equal(ask_user(&f->m, "alice"), MAP_LOCAL);
	assert_int_not_equal(header_get(f, KU_MAP_H_IDENT + 4), ident);
	assert_int_equal(ask_user(&f->m, "big"), MAP_HIT);
}

/* It waits for its second under a name that becomes a local one meanwhile. */
static void
a_group_that_waits_is_hidden_too(void **state)
{
	static const char *const members[] = { "alice" };
	struct fixture *f = *state;

	fixture_group(f, "devs", 7000, NULL, 0, LATER);
	fixture_commit(f);
	fixture_group(f, "devs", 7000, members, 1, LATER);
	fixture_group(f, "secret", 7000, members, 1, LATER);
	assert_int_equal(ask_group(&f->m, "secret"), MAP_ABSENT);
	fixture_local(f, "", "secret:x:1500:\n", NULL);
	fixture_pass(f, 2);
	assert_int_equal(ask_group(&f->m, "secret"), MAP_LOCAL);
	assert_int_equal(ask_gid(&f->m, 7000), MAP_ABSENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(local_accounts_win_unless_excepted),
		T(the_same_local_names_only_move_the_identity),
		T(local_names_come_and_go_within_a_generation),
		T(without_room_local_names_hide_and_follow),
		T(a_group_that_waits_is_hidden_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
