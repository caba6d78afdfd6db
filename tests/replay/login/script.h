/* SPDX-License-Identifier: MPL-2.0 */
/* The words of a login replay, and the stage they are played on. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fakes.h"
#include "src/base/attr.h"
#include "src/prog/config.h"
#include "src/unixd/login/internal.h"

#define WORDS_MAX 32

struct words {
	char *v[WORDS_MAX];
	size_t n;
};

struct stage {
	struct login *engine; /* NULL: not started */
	struct config config;
};

extern struct stage stage;

/* play.c */
void printf_(1, 2) script_fail(const char *fmt, ...);
/* The value of `key=value` among the words, or NULL. */
const char *words_value(const struct words *w, const char *key);
long words_number(const struct words *w, const char *key, long otherwise);
/* Is this text in the journal? */
bool journal_has(const char *text);
/* From now on it must not be there. */
void stage_remember(const char *password);
int64_t stage_now(void);
bool stage_step(int64_t limit);
void stage_go_to(int64_t at);
void stage_start(void);
void stage_stop(bool cut);

/* Each returns false when the line is not its own. ask.c: */
bool script_ask(const struct words *w);
void script_forget_asks(void);
/* world.c */
bool script_world(const struct words *w);
/* monkey.c */
bool script_monkey(const struct words *w);
/* expect.c */
bool script_expect(const struct words *w);
