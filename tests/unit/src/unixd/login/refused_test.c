/* SPDX-License-Identifier: MPL-2.0 */
/* The server's soft lock as seen from outside, and that of names which nobody has. */
#include "src/unixd/login/refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/base/name.h"
#include "src/unixd/core/clock.h"

#define MS   CLOCK_MS
#define NOON (INT64_C(20000) * 86400 + 43200)

static void
a_first_refusal_is_explained_by_no_lock(void **state)
{
	struct refused r = { 0 };

	(void)state;
	assert_int_equal(refused_again_at(&r, NOON, 5000 * MS, 7400 * MS), 0);
}

static void
one_within_the_second_is_worth_asking_again(void **state)
{
	struct refused r = { 0 };

	(void)state;
	refused_note(&r, NOON, 5000 * MS, 5060 * MS);
	assert_int_equal(refused_again_at(&r, NOON, 5500 * MS, 7400 * MS), 6260 * MS);
	assert_int_equal(refused_again_at(&r, NOON, 6059 * MS, 8400 * MS), 6260 * MS);
	assert_int_equal(refused_again_at(&r, NOON, 6060 * MS, 8400 * MS), 0);
}

static void
not_when_the_answer_would_be_late(void **state)
{
	struct refused r = { 0 };

	(void)state;
	refused_note(&r, NOON, 5000 * MS, 5060 * MS);
	assert_int_equal(refused_again_at(&r, NOON, 5500 * MS, 6560 * MS), 6260 * MS);
	assert_int_equal(refused_again_at(&r, NOON, 5500 * MS, 6559 * MS), 0);
}

static void
what_a_lock_explains_is_not_counted(void **state)
{
	struct refused r = { 0 };

	(void)state;
	refused_note(&r, NOON, 5000 * MS, 5060 * MS);
	refused_note(&r, NOON, 5500 * MS, 5510 * MS);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.at_ns, 5060 * MS);
	refused_note(&r, NOON, 6100 * MS, 6160 * MS);
	assert_int_equal(r.n, 2);
	/* The third costs three seconds. */
	refused_note(&r, NOON, 8000 * MS, 8060 * MS);
	assert_int_equal(r.n, 3);
	assert_int_equal(refused_again_at(&r, NOON, 9000 * MS, 20000 * MS), 11260 * MS);
}

static void
the_server_forgets_at_midnight_utc(void **state)
{
	struct refused r = { 0 };

	(void)state;
	refused_note(&r, NOON, 5000 * MS, 5060 * MS);
	assert_int_equal(refused_again_at(&r, NOON + 43199, 5500 * MS, 7400 * MS),
	    6260 * MS);
	assert_int_equal(refused_again_at(&r, NOON + 43200, 5500 * MS, 7400 * MS), 0);
	refused_note(&r, NOON + 43200, 5500 * MS, 5560 * MS);
	assert_int_equal(r.n, 1);
}

static void
ghosts_are_told_apart_and_bounded(void **state)
{
	static struct refused_ghosts g;
	struct name name;
	unsigned kept = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		assert_int_equal(name_parse(text,
				     (size_t)snprintf(text, sizeof(text), "ghost%u", i),
				     &name),
		    0);
		assert_int_equal(refused_ghost(&g, &name)->n, 0);
		refused_note(refused_ghost(&g, &name), NOON, 0, 0);
		assert_int_equal(refused_ghost(&g, &name)->n, 1);
	}
	for (unsigned i = 0; i < REFUSED_GHOSTS; i++)
		kept += g.v[i].refused.n;
	assert_true(kept > REFUSED_GHOSTS / 2 && kept <= REFUSED_GHOSTS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_refusal_is_explained_by_no_lock),
		cmocka_unit_test(one_within_the_second_is_worth_asking_again),
		cmocka_unit_test(not_when_the_answer_would_be_late),
		cmocka_unit_test(what_a_lock_explains_is_not_counted),
		cmocka_unit_test(the_server_forgets_at_midnight_utc),
		cmocka_unit_test(ghosts_are_told_apart_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
