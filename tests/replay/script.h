/* SPDX-License-Identifier: MPL-2.0 */
/* The words of a replay file. Each function returns false when the line is not its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "stage.h"

#define WORDS_MAX 64

struct words {
	char *v[WORDS_MAX];
	size_t n;
};

/* The value of `key=value` among the words, or NULL. */
const char *words_value(const struct words *w, const char *key);

void printf_(1, 2) script_fail(const char *fmt, ...);
/* How often the journal so far has this text. */
size_t script_journal_count(const char *text);

bool script_setup(struct stage *s, const struct words *w);
bool script_event(struct stage *s, const struct words *w);
bool script_ask(struct stage *s, const struct words *w);
bool script_expect(struct stage *s, const struct words *w);
