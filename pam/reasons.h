/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every way a PAM call can end, one line each: what the host is told, what the person is
 * told, what the journal gets. docs/pam-matrix.md is made from it and from the tests.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/attr.h"

/* The columns: which entry point is answered. close_session has none, it always succeeds. */
enum reason_entry {
	ENTRY_AUTH,
	ENTRY_CRED,
	ENTRY_ACCT,
	ENTRY_OPEN,
	ENTRY_PASSWD,
	N_REASON_ENTRIES
};

enum reason_id {
	/* whose is the name? */
	REASON_OURS, /* and nothing else was asked */
	REASON_NOT_OURS,
	REASON_NO_NAME,
	REASON_NAME_LATER, /* the application's conversation wants to wait */
	REASON_LOCAL_UNREADABLE,
	/* can the daemon be asked? */
	REASON_NO_DAEMON,
	REASON_TIMEOUT,
	REASON_IMPOSTOR,
	REASON_NO_MEANS,
	REASON_PROTOCOL,
	REASON_VERSION,
	REASON_NOT_KNOWN_NOW,
	REASON_BUSY,
	REASON_CALLER,
	/* the password */
	REASON_NOTHING_STACKED,
	REASON_NO_REPLY,
	REASON_CONV_FAILED,
	REASON_CONV_LATER,
	REASON_EMPTY,
	REASON_TOO_LONG,
	REASON_ACCEPTED,
	REASON_ACCEPTED_CACHED,
	REASON_DENIED,
	REASON_WRONG,
	REASON_NO_CREDENTIAL,
	REASON_SUSPENDED,
	REASON_WAIT,
	REASON_TOO_OLD,
	REASON_INVALID,
	/* the account */
	REASON_ALLOWED,
	REASON_EXPIRED,
	REASON_NOT_ALLOWED,
	REASON_NOBODY,
	/* the home */
	REASON_HOME,
	REASON_HOME_FAILED,
	REASON_HOME_FAILED_DENY,
	REASON_HOME_MISSING,
	REASON_HOME_MISSING_DENY,
	REASON_HOME_UNSEEN,
	/* the new password */
	REASON_ELSEWHERE,
	REASON_ELSEWHERE_TOLD, /* in the pass before */
	N_REASONS
};

/* What a reason's message is completed with. */
enum reason_with {
	WITH_NOTHING,
	WITH_SECONDS,
	WITH_URI,
	WITH_HOME,
	WITH_TEXT, /* the daemon's own words */
};

#define REASON_AUDIT (1u << 0) /* the "authentication ..." line */
#define REASON_DELAY (1u << 1) /* ask the application for a pause */
#define REASON_INFO  (1u << 2) /* the message is no error */
#define REASON_AGAIN (1u << 3) /* another password may do */
#define REASON_ERRNO (1u << 4) /* the journal wants to know which error */

struct reason {
	const char *name;
	uint8_t code[N_REASON_ENTRIES]; /* PAM_*; PAM_SYSTEM_ERR: cannot happen there */
	uint8_t priority;               /* LOG_* of the journal line */
	uint8_t flags;
	uint8_t with;
	const char *log; /* NULL: nothing */
	const char *say; /* NULL: nothing; %s is what `with` says */
};

const struct reason *reason_get(enum reason_id id);

/* The message with `with` in its place; false when there is nothing to say. */
bool must_use_ reason_text(const struct reason *why, const char *with, char *to,
    unsigned cap);
