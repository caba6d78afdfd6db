/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Can this person log in now, and why not? All that there is to say, as one sentence out
 * of one table. Pure; the facts are gathered by login_verdict().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ku/wire_pam.h"
#include "src/unixd/resolver/resolver.h"

#define OUTLOOK_MAX_TEXT 1536u

enum outlook_can {
	OUTLOOK_NO,
	OUTLOOK_YES,
	OUTLOOK_UNKNOWN, /* somebody else decides, or it is not told to this caller */
};

/* Of the password that is remembered on this host. */
enum outlook_memory {
	MEMORY_READY,
	MEMORY_UNTOLD, /* not to this caller */
	MEMORY_NO_KEY,
	MEMORY_NONE,
	MEMORY_SUSPENDED,
	MEMORY_TOO_OLD,
	MEMORY_WAIT, /* too many wrong ones */
	MEMORY_N,
};

struct outlook_facts {
	enum standing_kind who;
	const char *name; /* as people type it */
	const char *why;  /* STANDING_LEFT_OUT: continues "left out because" */
	const char *away; /* why the server does not answer; NULL: it does */

	/* The rest is of STANDING_PERSON. */
	enum ku_acct_verdict account;
	const char *groups; /* who may log in on this host */
	const char *shell;
	bool shell_absent;
	bool tasks;     /* homes are made */
	bool home_deny; /* and nobody gets in without one */
	bool keys;      /* sshd gets some */
	bool refused;   /* the last password, by the server; told to who may know it */
	enum outlook_memory memory;
	unsigned wait_s; /* of MEMORY_WAIT */
};

/* One sentence without an end mark, in one line. */
enum outlook_can outlook(const struct outlook_facts *f, char text[OUTLOOK_MAX_TEXT]);

/* "yes", "no", "unknown". */
const char *outlook_can_text(enum outlook_can can);
