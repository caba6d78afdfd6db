/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Verifications of cached credentials, in line: one per account at a time, each counted as
 * a guess (on disk) before it begins. Several logins that bring the same password of the
 * same account share one verification, and one count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/unixd/core/list.h"
#include "src/unixd/login/judge.h"

struct check;
struct cred;
struct login;
struct secret;
struct uuid;

#define CHECK_COMMIT_MS 200

/* All verifications that are not over yet. */
struct checks {
	struct list slot_line; /* struct check.in_slot: counted, the lanes are busy */
	size_t n;              /* in any line, or at work */
	size_t n_working;      /* with crypt */
	uint32_t took_ms;      /* of one, lately */
	bool pumping;
};

/* One login's interest in a verification; embedded in it. */
struct check_user {
	struct list link;
	struct check *check; /* NULL: none */
	uint32_t version;    /* of the credential, once fn is called */
	/* What came of it, or why it was not done after all: never NOT_ASKED or CHECKING;
	 * WAIT with `seconds`. Once, never from inside check_want(). */
	void (*fn)(struct check_user *u, enum cached result, unsigned seconds);
};

struct check_want {
	const struct uuid *uuid;
	const struct secret *password; /* copied when it is kept */
	bool valid;                    /* the account's last token */
	bool hidden;                   /* the caller is one whose id is hidden */
	int64_t deadline_ns;           /* mono */
};

void checks_init(struct checks *cs);
/* One was done, in front or behind. */
void checks_took(struct login *l, int took_ms);

/* CACHED_CHECKING: u->fn will be called. Else the answer, at once. */
enum cached check_want(struct login *l, const struct check_want *want,
    struct check_user *u, unsigned *ret_seconds);
/* The login is answered. `used`: by what this verification said; a verification that
 * nobody used was no guess, and is taken back. Fine when there is none. */
void check_leave(struct login *l, struct check_user *u, bool used);

/* What a verification said, some time ago: does it still count? A credential that has been
 * suspended or replaced meanwhile accepts nobody. */
enum cached check_now(const struct login *l, const struct uuid *uuid, enum cached said,
    uint32_t version);

/* The credential is gone: whoever waits for it gets NONE. */
void check_drop_all(struct login *l, struct cred *c);
/* A key has come, or lanes are free. */
void check_pump(struct login *l);
