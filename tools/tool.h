/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the subcommands of kanidm-unix share: one question to the daemon, and the words for
 * what can go wrong with it. Results go to `out`, trouble to `err`, and the return value of
 * a command is the exit code, which tells the truth. With --json there is always one object
 * on `out`, and what keeps a command from its work is {"error": text} there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/attr.h"
#include "src/base/deadline.h"
#include "src/client/client.h"
#include "src/wire/codec.h"

struct tool {
	const char *sock_path;
	FILE *out;
	FILE *err;
	bool debug;
	bool json; /* one object on `out`, whatever happens */
	/* Has what caches in front of the daemon forget, too: nscd_forget; NULL: nobody. */
	void (*forget_in_front)(const struct tool *t, const char *cmd);
};

struct tool_answer {
	uint16_t status;
	uint8_t *body; /* freed by tool_answer_clear */
	size_t len;
};

void tool_answer_clear(struct tool_answer *a);

/* client_call(), and with --debug a line about it on `err`. */
int must_use_ tool_call(const struct tool *t, struct client_call *call,
    struct deadline deadline);

/* Asks within `timeout_ms`. 0 and *ret_answer; -errno as client_call. */
int must_use_ tool_ask(const struct tool *t, uint16_t op, const void *req, size_t req_len,
    int timeout_ms, struct tool_answer *ret_answer);

/* The same, and on trouble says so on `err`. */
bool must_use_ tool_ask_loudly(const struct tool *t, uint16_t op, const void *req,
    size_t req_len, int timeout_ms, struct tool_answer *ret_answer);

/* Request body of one name. Its length, or 0 when the name is too long for a request. */
size_t tool_pack_name(uint8_t *buf, size_t cap, const char *name);

/* "u32 n, strs": the strings, borrowed from the body, in an array that the caller frees.
 * 0, or -EPROTO. */
int must_use_ tool_strings(const struct tool_answer *a, const char ***ret_v,
    size_t *ret_n);

/* "cmd: text" on `err`, and with --json the text as an object. Always 1. */
int printf_(3, 4) tool_fail(const struct tool *t, const char *cmd, const char *fmt, ...);

/* The exit code of the program: rc, but 1 for a 0 whose words did not all reach stdout. */
int tool_end(int rc);

/* What a command that only changes something prints: "success". Its exit code. */
int tool_success(const struct tool *t);

/* What a status other than OK means, for `cmd`: one line on `err`. `hint` is what to type
 * instead when rights are missing, or NULL. Always 1. */
int tool_refused(const struct tool *t, const char *cmd, const struct tool_answer *a,
    const char *hint);
