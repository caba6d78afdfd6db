/* SPDX-License-Identifier: MPL-2.0 */
/* Enumeration: everybody once, whatever is published meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ku/map.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)
#define MAX   64

static char buf[4096];

/* Goes on from *cursor, at most `most` entries; their ids in `ids`. */
static unsigned
walk(struct fixture *f, uint64_t *cursor, uint32_t *ids, unsigned most)
{
	struct passwd pw;
	unsigned n = 0;

	while (n < most) {
		enum map_answer got = map_passwd_next(&f->m, cursor, &pw, buf,
		    sizeof(buf));

		if (got != MAP_HIT) {
			assert_int_equal(got, MAP_ABSENT);
			break;
		}
		ids[n++] = pw.pw_uid;
	}
	return n;
}

static void
people(struct fixture *f, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%u", first + i);
		fixture_user(f, name, first + i, LATER);
	}
}

static void
everybody_comes_once_in_order_of_id_and_then_the_end(void **state)
{
	struct fixture *f = *state;
	uint32_t ids[MAX];
	uint64_t cursor = 0;

	people(f, 5005, 5);
	people(f, 5000, 5);
	fixture_group(f, "staff", 6000, NULL, 0, LATER);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, MAX), 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(ids[i], 5000 + i);
	assert_int_equal(walk(f, &cursor, ids, MAX), 0);
	map_enum_end(&f->m, &cursor);
	assert_int_equal(cursor, 0);
	assert_int_equal(walk(f, &cursor, ids, MAX), 10);
}

static void
groups_have_an_enumeration_of_their_own(void **state)
{
	struct fixture *f = *state;
	uint64_t users = 0, groups = 0;
	struct group gr;
	uint32_t ids[MAX];

	people(f, 5000, 3);
	fixture_group(f, "a", 6000, NULL, 0, LATER);
	fixture_group(f, "b", 27, NULL, 0, LATER);
	fixture_commit(f);
	assert_int_equal(walk(f, &users, ids, 1), 1);
	assert_int_equal(map_group_next(&f->m, &groups, &gr, buf, sizeof(buf)), MAP_HIT);
	assert_int_equal(gr.gr_gid, 27);
	map_enum_end(&f->m, &users);
	assert_int_equal(map_group_next(&f->m, &groups, &gr, buf, sizeof(buf)), MAP_HIT);
	assert_int_equal(gr.gr_gid, 6000);
	assert_int_equal(map_group_next(&f->m, &groups, &gr, buf, sizeof(buf)),
	    MAP_ABSENT);
}

static void
a_small_buffer_does_not_move_the_cursor(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	struct passwd pw;

	people(f, 5000, 2);
	fixture_commit(f);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, 5), MAP_RANGE);
	assert_int_equal(cursor, 0);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)), MAP_HIT);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, 5), MAP_RANGE);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)), MAP_HIT);
	assert_int_equal(pw.pw_uid, 5001);
}

static void
versions_written_meanwhile_give_nobody_twice(void **state)
{
	struct fixture *f = *state;
	const char *keys[] = { "p5001" };
	struct passwd_view v = { .uid = 5001,
		.gid = 5001,
		.name = "p5001",
		.gecos = "New",
		.dir = "/",
		.shell = "/bin/sh" };
	uint64_t cursor = 0;
	uint32_t ids[MAX];
	struct passwd pw;

	people(f, 5000, 4);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, 1), 1);
	publish_user(f->p, &v, keys, 1, LATER);   /* ahead of the cursor */
	people(f, 5009, 1);                       /* new */
	publish_remove(f->p, PUBLISH_USER, 5002); /* gone before its turn */
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)), MAP_HIT);
	assert_int_equal(pw.pw_uid, 5001);
	assert_string_equal(pw.pw_gecos, "New");
	v.gecos = "Newer";
	publish_user(f->p, &v, keys, 1, LATER); /* behind the cursor */
	assert_int_equal(walk(f, &cursor, ids, MAX), 2);
	assert_int_equal(ids[0], 5003);
	assert_int_equal(ids[1], 5009);
	cursor = 0;
	assert_int_equal(walk(f, &cursor, ids, MAX), 4);
	/* Removed and there again: once. */
	people(f, 5002, 1);
	publish_remove(f->p, PUBLISH_USER, 5002);
	people(f, 5002, 1);
	cursor = 0;
	assert_int_equal(walk(f, &cursor, ids, MAX), 5);
}

static void
it_keeps_to_its_generation_until_it_ends(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	uint32_t ids[MAX];

	people(f, 5000, 10);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, 3), 3);
	fixture_generation(f);
	people(f, 5100, 5);
	for (uint32_t id = 5000; id < 5005; id++)
		publish_remove(f->p, PUBLISH_USER, id);
	assert_int_equal(ask_uid(&f->m, 5100), MAP_HIT); /* lookups are in the new one */
	assert_int_equal(count_maps(f), 2);
	assert_int_equal(walk(f, &cursor, ids, MAX), 7);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(ids[i], 5003 + i);
	map_enum_end(&f->m, &cursor);
	fixture_generation(f);
	assert_int_equal(ask_uid(&f->m, 5100), MAP_HIT);
	assert_int_equal(count_maps(f), 1);
	assert_int_equal(walk(f, &cursor, ids, MAX), 10);
}

static void
a_generation_that_has_gone_is_continued_behind_the_last_id(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	uint32_t ids[MAX];

	people(f, 5000, 10);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, 4), 4);
	people(f, 4990, 2); /* before the place; written behind everything else */
	publish_remove(f->p, PUBLISH_USER, 5005);
	fixture_pass(f, 61);
	publish_lease(f->p, fixture_now, 0);
	fixture_generation(f);
	assert_int_equal(walk(f, &cursor, ids, 2), 2);
	assert_int_equal(ids[0], 5004);
	assert_int_equal(ids[1], 5006);
	/* And once more. */
	fixture_pass(f, 61);
	publish_lease(f->p, fixture_now, 0);
	fixture_generation(f);
	assert_int_equal(walk(f, &cursor, ids, MAX), 3);
	assert_int_equal(ids[2], 5009);
	assert_int_equal(count_maps(f), 1);
}

static void
behind_the_ordered_part_a_lost_generation_is_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	uint32_t ids[MAX];

	people(f, 5000, 3);
	fixture_commit(f);
	people(f, 4000, 2);
	assert_int_equal(walk(f, &cursor, ids, 4), 4);
	assert_int_equal(ids[3], 4000);
	fixture_pass(f, 61);
	publish_lease(f->p, fixture_now, 0);
	fixture_generation(f);
	assert_int_equal(walk(f, &cursor, ids, MAX), 0);
}

/* A cache that was cleared fills in the order of questions, all of it behind the empty
 * ordered part of a new generation. */
static void
nobody_comes_twice_when_the_cache_is_cleared_meanwhile(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	uint32_t ids[MAX];

	people(f, 5000, 10);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, 4), 4);
	publish_clear(f->p);
	people(f, 5008, 2);
	people(f, 5000, 8);
	publish_lease(f->p, fixture_now, 0);
	assert_int_equal(walk(f, &cursor, ids, MAX), 6);
	assert_int_equal(ids[0], 5008);
	assert_int_equal(ids[1], 5009);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(ids[2 + i], 5004 + i);
	/* The next enumeration knows nothing of that. */
	map_enum_end(&f->m, &cursor);
	assert_int_equal(walk(f, &cursor, ids, MAX), 10);
}

static void
it_needs_no_daemon_but_ends_with_the_offline_limit(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	struct passwd pw;
	uint32_t ids[MAX];

	people(f, 5000, 3);
	fixture_commit(f);
	fixture_now += 3000;
	assert_int_equal(walk(f, &cursor, ids, MAX), 3);
	fixture_now += 1000;
	cursor = 0;
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)),
	    MAP_NONE);
}

static void
a_withdrawn_generation_is_not_given_from(void **state)
{
	struct fixture *f = *state;
	uint64_t cursor = 0;
	struct passwd pw;
	uint32_t ids[MAX];

	people(f, 5000, 3);
	fixture_commit(f);
	assert_int_equal(walk(f, &cursor, ids, 1), 1);
	assert_int_equal(publish_withdraw_path(f->path), 0);
	assert_int_equal(map_passwd_next(&f->m, &cursor, &pw, buf, sizeof(buf)),
	    MAP_NONE);
}

static void
two_enumerations_at_once_both_see_everybody(void **state)
{
	struct fixture *f = *state;
	uint64_t a = 0, b = 0;
	uint32_t ids[MAX];

	people(f, 5000, 6);
	fixture_commit(f);
	assert_int_equal(walk(f, &a, ids, 3), 3);
	assert_int_equal(walk(f, &b, ids, 2), 2);
	fixture_generation(f);
	assert_int_equal(ask_uid(&f->m, 5000), MAP_HIT);
	map_enum_end(&f->m, &b);
	assert_int_equal(walk(f, &a, ids, MAX), 3);
	assert_int_equal(ids[0], 5003);
	assert_int_equal(walk(f, &b, ids, MAX), 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(everybody_comes_once_in_order_of_id_and_then_the_end),
		T(groups_have_an_enumeration_of_their_own),
		T(a_small_buffer_does_not_move_the_cursor),
		T(versions_written_meanwhile_give_nobody_twice),
		T(it_keeps_to_its_generation_until_it_ends),
		T(a_generation_that_has_gone_is_continued_behind_the_last_id),
		T(behind_the_ordered_part_a_lost_generation_is_the_end),
		T(nobody_comes_twice_when_the_cache_is_cleared_meanwhile),
		T(it_needs_no_daemon_but_ends_with_the_offline_limit),
		T(a_withdrawn_generation_is_not_given_from),
		T(two_enumerations_at_once_both_see_everybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
