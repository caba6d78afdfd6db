/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/policy.h"

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

#include "src/base/util.h"

struct row {
	enum freshness f;
	enum link_mode m;
	enum question_class q;
	int budget;
	struct decision want;
};

/* Every cell, written out once more from the description, not from the code. */
static const struct row rows[] = {
	{ RECORD_FRESH, MODE_ONLINE, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_FRESH, MODE_SUSPECT, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_FRESH, MODE_OFFLINE, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_FRESH, MODE_STARTING, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_SOFT, MODE_ONLINE, QUESTION_LOOKUP, 1500, { ACT_RECORD, true, 0 } },
	{ RECORD_SOFT, MODE_SUSPECT, QUESTION_LOOKUP, 1500, { ACT_RECORD, true, 0 } },
	{ RECORD_SOFT, MODE_OFFLINE, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_SOFT, MODE_STARTING, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_HARD, MODE_ONLINE, QUESTION_LOOKUP, 1500, { ACT_WAIT, true, 300 } },
	{ RECORD_HARD, MODE_SUSPECT, QUESTION_LOOKUP, 1500, { ACT_RECORD, true, 0 } },
	{ RECORD_HARD, MODE_OFFLINE, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_HARD, MODE_STARTING, QUESTION_LOOKUP, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_ABSENT, MODE_ONLINE, QUESTION_LOOKUP, 1500, { ACT_WAIT, true, 1500 } },
	{ RECORD_ABSENT, MODE_SUSPECT, QUESTION_LOOKUP, 1500, { ACT_WAIT, true, 300 } },
	{ RECORD_ABSENT, MODE_OFFLINE, QUESTION_LOOKUP, 1500,
	    { ACT_WAIT_LINK, true, 300 } },
	{ RECORD_ABSENT, MODE_STARTING, QUESTION_LOOKUP, 1500,
	    { ACT_WAIT_LINK, true, 1500 } },
	{ RECORD_NEGATIVE, MODE_ONLINE, QUESTION_LOOKUP, 1500,
	    { ACT_NOTFOUND, false, 0 } },
	{ RECORD_NEGATIVE, MODE_SUSPECT, QUESTION_LOOKUP, 1500,
	    { ACT_NOTFOUND, false, 0 } },
	{ RECORD_NEGATIVE, MODE_OFFLINE, QUESTION_LOOKUP, 1500,
	    { ACT_NOTFOUND, false, 0 } },
	{ RECORD_NEGATIVE, MODE_STARTING, QUESTION_LOOKUP, 1500,
	    { ACT_NOTFOUND, false, 0 } },

	{ RECORD_FRESH, MODE_ONLINE, QUESTION_LOGIN, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_HARD, MODE_ONLINE, QUESTION_LOGIN, 1500, { ACT_WAIT, true, 1000 } },
	{ RECORD_SOFT, MODE_ONLINE, QUESTION_LOGIN, 1500, { ACT_WAIT, true, 1000 } },
	{ RECORD_HARD, MODE_SUSPECT, QUESTION_LOGIN, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_SOFT, MODE_SUSPECT, QUESTION_LOGIN, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_HARD, MODE_OFFLINE, QUESTION_LOGIN, 1500, { ACT_RECORD, false, 0 } },
	{ RECORD_ABSENT, MODE_ONLINE, QUESTION_LOGIN, 1500, { ACT_WAIT, true, 1500 } },
	{ RECORD_ABSENT, MODE_OFFLINE, QUESTION_LOGIN, 1500,
	    { ACT_WAIT_LINK, true, 300 } },

	{ RECORD_HARD, MODE_ONLINE, QUESTION_LOOKUP, 100, { ACT_WAIT, true, 100 } },
	{ RECORD_ABSENT, MODE_ONLINE, QUESTION_LOOKUP, 0, { ACT_WAIT, true, 0 } },
	{ RECORD_ABSENT, MODE_ONLINE, QUESTION_LOOKUP, -5, { ACT_WAIT, true, 0 } },
};

static void
every_cell_is_as_described(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct decision d = policy_decide(r->f, r->m, r->q, r->budget);

		if (d.act != r->want.act || d.refresh != r->want.refresh ||
		    d.wait_ms != r->want.wait_ms)
			fail_msg("row %zu: act %d refresh %d wait %d", i, (int)d.act,
			    d.refresh, d.wait_ms);
	}
}

/* The two promises, over the whole table. */
static void
a_known_name_never_waits_beyond_a_moment_and_absence_is_never_not_found(void **state)
{
	int f, m, q;

	(void)state;
	for (f = RECORD_FRESH; f <= RECORD_NEGATIVE; f++) {
		for (m = MODE_ONLINE; m <= MODE_STARTING; m++) {
			for (q = QUESTION_LOOKUP; q <= QUESTION_LOGIN; q++) {
				struct decision d = policy_decide((enum freshness)f,
				    (enum link_mode)m, (enum question_class)q, 100000);

				if (f != RECORD_NEGATIVE)
					assert_int_not_equal(d.act, ACT_NOTFOUND);
				if (f <= RECORD_HARD)
					assert_true(d.wait_ms <= 1000);
				if (f <= RECORD_HARD && m != MODE_ONLINE)
					assert_int_equal(d.act, ACT_RECORD);
			}
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_described),
		cmocka_unit_test(
		    a_known_name_never_waits_beyond_a_moment_and_absence_is_never_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
