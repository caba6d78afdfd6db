/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What to do with a question: a pure table of how old the record is, what we think of the
 * link, and who is asking. Tested cell by cell.
 */
#pragma once

#include <stdbool.h>

#include "src/base/attr.h"

/* How old a record is. An expired negative answer is "absent": it says nothing any more. */
enum freshness {
	RECORD_FRESH,
	RECORD_SOFT, /* usable, time to ask again behind the answer */
	RECORD_HARD, /* past cache_timeout */
	RECORD_ABSENT,
	RECORD_NEGATIVE, /* the server said lately that there is none */
};

enum link_mode {
	MODE_ONLINE,
	MODE_SUSPECT,  /* an answer was late or went wrong; a probe is finding out */
	MODE_OFFLINE,  /* unreachable, or it does not accept us */
	MODE_STARTING, /* the first probe is not back yet */
};

enum question_class {
	QUESTION_LOOKUP,
	QUESTION_LOGIN, /* ssh keys, account: wants a record no older than 15 s */
};

enum policy_act {
	ACT_RECORD,
	ACT_NOTFOUND,
	ACT_WAIT,      /* for the fetch, at most wait_ms; then the record, or UNAVAIL */
	ACT_WAIT_LINK, /* for a probe that has just begun; the fetch follows if it works */
};

struct decision {
	enum policy_act act;
	bool refresh; /* start (or join) a fetch behind the answer */
	int wait_ms;
};

#define POLICY_STALE_WAIT_MS 300
#define POLICY_LOGIN_WAIT_MS 1000
#define POLICY_LOGIN_FRESH_S 15

struct decision policy_decide(enum freshness f, enum link_mode m, enum question_class q,
    int budget_ms);
