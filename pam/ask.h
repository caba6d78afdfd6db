/* SPDX-License-Identifier: MPL-2.0 */
/* The four questions of a login to the daemon. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/base/name.h"
#include "src/base/secret.h"

/* Longer ones are cut: they only go into the daemon's journal. */
#define ASK_MAX_SERVICE 64u
#define ASK_MAX_TTY     64u
#define ASK_MAX_RHOST   256u

/* Of the two strings of a reply together. */
#define ASK_MAX_TEXT 8192u

struct ask {
	const struct name *name;
	const char *service; /* NULL: the host did not say */
	const char *tty;
	const char *rhost;
	bool silent; /* the person is not told anything */
	bool hold;   /* ask_auth() without a password: KU_PAM_HOLD */
};

struct ask_got {
	int error; /* -errno of client_call(), -ENOMEM; 0: the rest counts */
	uint16_t status;
	uint32_t first; /* deadline in ms, or the verdict */
	uint32_t second;
	/* In `text`, NUL-terminated; "" when there is none. */
	const char *a; /* uri, or home */
	const char *b; /* name, or text */
	struct secret *text;
};

/* Each fills *got; its text is to be freed by ask_got_done(). */
void ask_lookup(const struct ask *q, int ms, struct ask_got *got);
void ask_auth(const struct ask *q, const struct secret *password, int ms,
    struct ask_got *got);
void ask_acct(const struct ask *q, int ms, struct ask_got *got);
void ask_session(const struct ask *q, int ms, struct ask_got *got);
void ask_got_done(struct ask_got *got);
