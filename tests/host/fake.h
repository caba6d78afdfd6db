/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A daemon for tests of the host side, as a child process: it knows a handful of entries and
 * can be told, while it runs, to misbehave in one of many ways. It is built on src/wire, so
 * its well-formed answers are what the real one sends.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What it knows. Groups of `many`: FAKE_MANY gids from FAKE_MANY_FIRST on. */
#define FAKE_ALICE_UID  70001u
#define FAKE_BOB_UID    70002u
#define FAKE_STAFF_GID  71000u
#define FAKE_BIG_GID    71001u
#define FAKE_BIG        1000u
#define FAKE_MANY       1000u
#define FAKE_MANY_FIRST 80000u

enum fake_mode {
	FAKE_ANSWER,      /* as it should */
	FAKE_BYTEWISE,    /* the right answer, one byte per send */
	FAKE_SLOW,        /* the right answer, one byte per second */
	FAKE_FROZEN,      /* reads the request and never answers */
	FAKE_EOF,         /* reads the request and hangs up */
	FAKE_EOF_ONCE,    /* hangs up once, then FAKE_ANSWER */
	FAKE_CUT,         /* half an answer, then hangs up */
	FAKE_EXTRA,       /* the answer and one byte more */
	FAKE_STATUS,      /* status `param`, empty body */
	FAKE_STATUS_TEXT, /* status `param`, one line of text */
	FAKE_WRONG_MAGIC,
	FAKE_WRONG_VERSION,
	FAKE_WRONG_OP,
	FAKE_WRONG_SERIAL,
	FAKE_HUGE_LENGTH,  /* announces 4 GiB - 1 */
	FAKE_BIG_LENGTH,   /* announces the largest body allowed, sends little */
	FAKE_GARBAGE,      /* random bytes, `param` is the seed */
	FAKE_GARBAGE_BODY, /* a right header and a random body of 64 bytes */
	FAKE_HUGE_COUNTS,  /* a right header, counts and lengths of 0xffffffff */
};

/* What it says to the PAM operations; alice, bob and many are known to it, and everybody
 * whose name begins with "ours". */
#define FAKE_PASSWORD "the right password"
#define FAKE_URI      "https://idm.example/ui"

struct fake_pam {
	uint32_t deadline_ms;
	uint16_t lookup_status; /* KU_ST_* */
	uint16_t status;        /* of the other three */
	/* 0: whether the password is FAKE_PASSWORD */
	uint32_t auth_verdict;
	uint32_t seconds;
	uint32_t acct_verdict;
	uint32_t session_verdict;
	uint32_t session_flags;
	char home[128];
	char text[128];
};

/* What it was asked by them last. */
struct fake_seen {
	unsigned flags;
	char name[128];
	char service[128];
	char tty[128];
	char rhost[300];
	char password[600];
};

/* Shared with the child. */
struct fake_control {
	int mode;
	unsigned param;
	unsigned only_op;         /* the mode counts for this operation; 0: for all */
	unsigned requests;        /* complete ones read so far */
	unsigned pam_requests[4]; /* of them PAM_LOOKUP, _AUTH, _ACCT, _SESSION */
	struct fake_pam pam;
	struct fake_seen seen;
};

struct fake {
	pid_t pid;
	struct fake_control *ctl;
};

/* Listens at `path` and returns once connections are accepted. `backlog` as listen(2). */
void fake_start(struct fake *f, const char *path, int backlog);
/* Likewise, as `uid`: what SO_PEERCRED says. */
void fake_start_as(struct fake *f, const char *path, int backlog, uid_t uid);
void fake_stop(struct fake *f);
void fake_set(struct fake *f, enum fake_mode mode, unsigned param);
/* A mode for one operation only. */
void fake_set_op(struct fake *f, enum fake_mode mode, unsigned param, unsigned op);
/* Everything about PAM as it should be: known, accepted, allowed, at home. */
void fake_pam_reset(struct fake *f);
/* Requests since the last call. */
unsigned fake_requests(struct fake *f);
