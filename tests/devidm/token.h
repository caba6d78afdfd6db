/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Bearer tokens. They verify themselves (an HMAC over a JSON payload, in JWS form), so a
 * server started again with the same --state directory still takes yesterday's tokens,
 * as the real one does.
 */
#pragma once

#include "tests/devidm/data.h"

#define TOKEN_KEY_LEN      32u
#define TOKEN_SESSION_LIFE 86400

struct tokens {
	unsigned char key[TOKEN_KEY_LEN];      /* bearer tokens */
	unsigned char step_key[TOKEN_KEY_LEN]; /* login steps: new at every start */
	int64_t epoch; /* session tokens of earlier ones are expired */
};

enum caller_state {
	CALLER_OK,
	CALLER_UNKNOWN, /* "notauthenticated" */
	CALLER_EXPIRED, /* "sessionexpired" */
};

struct caller {
	enum caller_state state;
	struct entry *entry;
	bool api;      /* a service account's API token: searches have no limit */
	bool writable; /* may write now */
	char *payload; /* JSON of a session token; freed by caller_free */
};

/* The key is kept in state_dir/token.key; without a directory it dies with us. */
void tokens_init(struct tokens *tk, const char *state_dir);
/* Half-done logins are lost, as after a restart of the server. */
void tokens_forget_steps(struct tokens *tk);

/* Fresh strings. */
char *token_session(const struct tokens *tk, struct store *st, const struct entry *e,
    bool privileged);
char *token_api(const struct tokens *tk, const struct entry *e,
    const struct api_token *t);
char *token_step(const struct tokens *tk, const char *session);
/* The session's UUID out of a step value; false for anything forged. */
bool token_step_read(const struct tokens *tk, const char *value,
    char ret_uuid[static UUID_LEN + 1]);

void token_read(const struct tokens *tk, struct store *st, const char *value,
    struct caller *ret);
void caller_free(struct caller *c);
