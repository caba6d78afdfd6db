/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table that keeps two promises: a known name is answered from memory whatever the
 * network does, and "no such user" is only said when the server said it lately.
 *
 * It is a table and nothing else, so that it can be read, argued about and tested without
 * a clock or a network. Everything that takes time happens around it.
 */
#include "src/unixd/resolver/policy.h"

/* clang-format off */
#define ANSWER	       { ACT_RECORD, false, 0 }
#define ANSWER_REFRESH { ACT_RECORD, true, 0 }
#define NOTFOUND       { ACT_NOTFOUND, false, 0 }
#define WAIT(ms)       { ACT_WAIT, true, (ms) }
#define WAIT_LINK(ms)  { ACT_WAIT_LINK, true, (ms) }
/* clang-format on */
#define BUDGET 0x7fffffff

/* columns: online, suspect, offline, starting */
static const struct decision lookup_table[][4] = {
	[RECORD_FRESH] = { ANSWER, ANSWER, ANSWER, ANSWER },
	[RECORD_SOFT] = { ANSWER_REFRESH, ANSWER_REFRESH, ANSWER, ANSWER },
	[RECORD_HARD] = { WAIT(POLICY_STALE_WAIT_MS), ANSWER_REFRESH, ANSWER, ANSWER },
	[RECORD_ABSENT] = { WAIT(BUDGET), WAIT(POLICY_STALE_WAIT_MS),
	    WAIT_LINK(POLICY_STALE_WAIT_MS), WAIT_LINK(BUDGET) },
	[RECORD_NEGATIVE] = { NOTFOUND, NOTFOUND, NOTFOUND, NOTFOUND },
};

/* RECORD_FRESH means "younger than POLICY_LOGIN_FRESH_S" for this one. */
static const struct decision login_table[][4] = {
	[RECORD_FRESH] = { ANSWER, ANSWER, ANSWER, ANSWER },
	[RECORD_SOFT] = { WAIT(POLICY_LOGIN_WAIT_MS), ANSWER, ANSWER, ANSWER },
	[RECORD_HARD] = { WAIT(POLICY_LOGIN_WAIT_MS), ANSWER, ANSWER, ANSWER },
	[RECORD_ABSENT] = { WAIT(BUDGET), WAIT(POLICY_STALE_WAIT_MS),
	    WAIT_LINK(POLICY_STALE_WAIT_MS), WAIT_LINK(BUDGET) },
	[RECORD_NEGATIVE] = { NOTFOUND, NOTFOUND, NOTFOUND, NOTFOUND },
};

struct decision
policy_decide(enum freshness f, enum link_mode m, enum question_class q, int budget_ms)
{
	struct decision d;

	d = q == QUESTION_LOGIN ? login_table[f][m] : lookup_table[f][m];
	if (d.wait_ms > budget_ms)
		d.wait_ms = budget_ms > 0 ? budget_ms : 0;
	return d;
}
