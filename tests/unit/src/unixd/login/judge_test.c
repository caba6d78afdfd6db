/* SPDX-License-Identifier: MPL-2.0 */
/* The two tables of a login, every cell of them. */
#include "src/unixd/login/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ku/wire.h"

/* What an answer is written as below: hold on, a verdict, or a status. */
enum {
	HOLD = 1000,
	ST = 2000,
};
#define NOTFOUND (ST + KU_ST_NOTFOUND)
#define UNAVAIL  (ST + KU_ST_UNAVAIL)
#define BUSY     (ST + KU_ST_BUSY)

/* clang-format off */
/* What the cached credential makes of it when it is its turn. */
static const int by_cache[CACHED_N][MOMENT_N] = {
	/*			 early			late			end */
	[CACHED_NOT_ASKED]   = { HOLD,			HOLD,			UNAVAIL },
	[CACHED_CHECKING]    = { HOLD,			HOLD,			BUSY },
	[CACHED_ACCEPTS]     = { KU_AUTH_OK_CACHED,	KU_AUTH_OK_CACHED,	KU_AUTH_OK_CACHED },
	[CACHED_REJECTS]     = { KU_AUTH_WRONG,		KU_AUTH_WRONG,		KU_AUTH_WRONG },
	[CACHED_NONE]	     = { KU_AUTH_NO_CREDENTIAL,	KU_AUTH_NO_CREDENTIAL,	KU_AUTH_NO_CREDENTIAL },
	[CACHED_SUSPENDED]   = { KU_AUTH_SUSPENDED,	KU_AUTH_SUSPENDED,	KU_AUTH_SUSPENDED },
	[CACHED_TOO_OLD]     = { KU_AUTH_TOO_OLD,	KU_AUTH_TOO_OLD,	KU_AUTH_TOO_OLD },
	[CACHED_INVALID]     = { KU_AUTH_INVALID,	KU_AUTH_INVALID,	KU_AUTH_INVALID },
	[CACHED_WAIT]	     = { KU_AUTH_WAIT,		KU_AUTH_WAIT,		KU_AUTH_WAIT },
	[CACHED_BUSY]	     = { BUSY,			BUSY,			BUSY },
};

/* Whose turn it is. 0: the cached credential's. */
static const int by_server[HEARD_N][MOMENT_N] = {
	/*			early		 late		 end */
	[HEARD_NOT_ASKED]   = { 0,		 0,		 0 },
	[HEARD_SILENT]	    = { HOLD,		 0,		 0 },
	[HEARD_ACCEPTED]    = { KU_AUTH_OK,	 KU_AUTH_OK,	 KU_AUTH_OK },
	[HEARD_DENIED]	    = { KU_AUTH_DENIED,	 KU_AUTH_DENIED, KU_AUTH_DENIED },
	[HEARD_LOCKED]	    = { HOLD,		 KU_AUTH_DENIED, KU_AUTH_DENIED },
	[HEARD_GONE]	    = { NOTFOUND,	 NOTFOUND,	 NOTFOUND },
	[HEARD_TROUBLE]	    = { 0,		 0,		 0 },
};
/* clang-format on */

static int
code(const struct ruling *r)
{
	if (r->wait)
		return HOLD;
	return r->status == KU_ST_OK ? (int)r->verdict : ST + r->status;
}

static void
every_cell_is_as_written(void **state)
{
	(void)state;
	for (int h = 0; h < HEARD_N; h++) {
		for (int c = 0; c < CACHED_N; c++) {
			for (int m = 0; m < MOMENT_N; m++) {
				struct ruling r = judge_login((enum heard)h,
				    (enum cached)c, (enum moment)m);
				int want = by_server[h][m];

				assert_int_equal(r.by_cache, want == 0);
				if (want == 0)
					want = by_cache[c][m];
				assert_int_equal(code(&r), want);
			}
		}
	}
}

/* Above all tables. */
static void
the_server_is_never_overruled(void **state)
{
	(void)state;
	for (int c = 0; c < CACHED_N; c++) {
		for (int m = 0; m < MOMENT_N; m++) {
			struct ruling d = judge_login(HEARD_DENIED, (enum cached)c,
			    (enum moment)m);
			struct ruling l = judge_login(HEARD_LOCKED, (enum cached)c,
			    (enum moment)m);

			assert_int_equal(code(&d), KU_AUTH_DENIED);
			assert_true(l.wait || code(&l) == KU_AUTH_DENIED);
		}
	}
}

static void
there_is_an_answer_at_the_deadline(void **state)
{
	(void)state;
	for (int h = 0; h < HEARD_N; h++) {
		for (int c = 0; c < CACHED_N; c++)
			assert_false(
			    judge_login((enum heard)h, (enum cached)c, MOMENT_END).wait);
	}
}

/* All 64 combinations, by the first objection in this order. */
static void
the_first_objection_counts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		const struct cached_facts f = {
			.valid = (i & 1) == 0,
			.has_key = (i & 2) == 0,
			.has_verifier = (i & 4) == 0,
			.suspended = (i & 8) != 0,
			.too_old = (i & 16) != 0,
			.wait_s = (i & 32) != 0 ? 7 : 0,
		};
		enum cached want = CACHED_CHECKING;

		if ((i & 32) != 0)
			want = CACHED_WAIT;
		if ((i & 16) != 0)
			want = CACHED_TOO_OLD;
		if ((i & 8) != 0)
			want = CACHED_SUSPENDED;
		if ((i & 6) != 0)
			want = CACHED_NONE;
		if ((i & 1) != 0)
			want = CACHED_INVALID;
		assert_int_equal(judge_cached(&f), want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_as_written),
		cmocka_unit_test(the_server_is_never_overruled),
		cmocka_unit_test(there_is_an_answer_at_the_deadline),
		cmocka_unit_test(the_first_objection_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
