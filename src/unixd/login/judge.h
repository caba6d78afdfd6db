/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The two decisions of a login, as pure tables: may the cached credential be asked at all,
 * and what is answered when the server has said this and the credential that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ku/wire_pam.h"

/* What the cached credential says. */
enum cached {
	CACHED_NOT_ASKED, /* not yet */
	CACHED_CHECKING,  /* being verified, or in line for it */
	CACHED_ACCEPTS,
	CACHED_REJECTS,
	CACHED_NONE, /* no password was ever accepted here, or nothing is left of it */
	CACHED_SUSPENDED,
	CACHED_TOO_OLD,
	CACHED_INVALID, /* the account is known not to be valid */
	CACHED_WAIT,    /* too many wrong ones */
	CACHED_BUSY,    /* too many are being verified */
	CACHED_N,
};

struct cached_facts {
	bool valid;   /* the account's last token says so */
	bool has_key; /* there is one, or it is still being opened */
	bool has_verifier;
	bool suspended;
	bool too_old;
	unsigned wait_s; /* of the back-off */
};
/* CACHED_CHECKING: it may be verified; else why not. */
enum cached judge_cached(const struct cached_facts *f);

/* What the server says. */
enum heard {
	HEARD_NOT_ASKED, /* the link is known to be down */
	HEARD_SILENT,
	HEARD_ACCEPTED,
	HEARD_DENIED,
	HEARD_LOCKED,  /* denied while we know it to be soft-locked; asked once more */
	HEARD_GONE,    /* no such account */
	HEARD_TROUBLE, /* it did not judge the password */
	HEARD_N,
};

enum moment {
	MOMENT_EARLY,
	MOMENT_LATE, /* the server is not waited for any longer */
	MOMENT_END,  /* nothing is */
	MOMENT_N,
};

struct ruling {
	bool wait; /* no answer yet */
	bool by_cache;
	uint16_t status;
	enum ku_auth_verdict verdict; /* when status is KU_ST_OK */
};
struct ruling judge_login(enum heard h, enum cached c, enum moment m);
