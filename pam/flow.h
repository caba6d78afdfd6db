/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What a PAM call does, as a machine without hands: it is told what came of the step before
 * and says which step is next. No system call, no PAM, no memory of its own, no password
 * (only lengths), so that tests and the fuzzer can drive it through anything.
 *
 * It ends after at most FLOW_MAX_STEPS steps, whatever it is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pam/options.h"
#include "pam/reasons.h"

#define FLOW_MAX_STEPS 64u

/* Milliseconds. */
#define FLOW_LOOKUP_MS     2000
#define FLOW_LOGIN_MS      10000 /* a lookup that a password waits for: crowded hosts */
#define FLOW_SHORT_MS      500 /* for questions that have an answer without the daemon */
#define FLOW_ACCT_MS       5000
#define FLOW_MARGIN_MS     1000 /* from the daemon's own deadline to ours */
#define FLOW_HOME_MS       5000 /* the least for a home directory */
#define FLOW_MAX_ANSWER_MS 600000

/* Whose name is it, as far as can be told without the daemon? */
enum flow_who {
	WHO_OURS = 1,   /* no local account */
	WHO_OVERRIDDEN, /* a local account that the map gives to us */
	WHO_OPEN,       /* a local account, and the map does not know it: ask */
	WHO_LOCAL,
	WHO_NO_NAME, /* the application has none */
	WHO_LATER,   /* its conversation wants to wait */
	WHO_UNREADABLE,
};

/* What came of asking for a password. */
enum flow_token {
	TOKEN_GOT = 1,
	TOKEN_NONE,
	TOKEN_FAILED,
	TOKEN_LATER,
	TOKEN_NO_MEMORY,
};

enum flow_act {
	FLOW_WHO,     /* -> who, error */
	FLOW_LOOKUP,  /* -> error, status, deadline_ms */
	FLOW_STACKED, /* take PAM_AUTHTOK -> token, len */
	FLOW_PROMPT,  /* ask for a password -> token, len */
	FLOW_KEEP,    /* what was typed becomes PAM_AUTHTOK */
	FLOW_FORGET,  /* PAM_AUTHTOK is cleared */
	FLOW_AUTH,    /* -> error, status, verdict, seconds */
	FLOW_HOLD,    /* take the time of a wrong password, without one */
	FLOW_ACCT,    /* -> error, status, verdict */
	FLOW_SESSION, /* -> error, status, verdict, flags */
	FLOW_HOME,    /* look at the home directory -> home */
	FLOW_TELL,    /* `reason` to journal and person */
	FLOW_END,     /* return `code` */
};

enum flow_home {
	HOME_THERE = 1,
	HOME_MISSING,
	HOME_UNKNOWN,
};

/* The step to take. */
struct flow_step {
	enum flow_act act;
	int ms; /* deadline of a question */
	enum reason_id reason;
	bool say;   /* the person may be told */
	bool known; /* the name is a known one and may be logged */
	int code;   /* PAM_* */
};

/* What came of it; only what the step promises counts. */
struct flow_got {
	enum flow_who who;
	int error; /* -errno; 0: an answer */
	unsigned status;
	unsigned verdict;
	unsigned flags;
	unsigned seconds;
	unsigned deadline_ms;
	enum flow_token token;
	size_t len;
	enum flow_home home;
};

struct flow {
	/* set by flow_begin() */
	const struct options *options;
	enum reason_entry entry;
	bool update; /* chauthtok: the second pass */

	enum flow_act at;
	unsigned steps;
	unsigned asked; /* passwords asked for */
	bool open;      /* the name is local unless the daemon says otherwise */
	bool known;
	bool nobody;  /* not known: only the time of an answer is taken */
	bool stacked; /* the password in hand came from PAM_AUTHTOK */
	int answer_ms;
	unsigned flags;
	enum reason_id reason;
};

/* `update`: chauthtok with PAM_UPDATE_AUTHTOK. Begins with FLOW_WHO. */
struct flow_step flow_begin(struct flow *f, const struct options *o,
    enum reason_entry entry, bool update);
struct flow_step flow_next(struct flow *f, const struct flow_got *got);
