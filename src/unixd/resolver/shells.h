/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Is the shell that the server names usable here? It is when the path exists, or it is in
 * /etc/shells as written, or what it links to is. A daemon that can see neither the path
 * nor /etc/shells (a sandbox) has no opinion and keeps the server's word.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shell_verdict {
	SHELL_EXISTS,
	SHELL_LISTED,
	SHELL_TARGET_LISTED,
	SHELL_UNSEEN, /* kept: nothing can be seen from here */
	SHELL_NONE,   /* the entry names none */
	SHELL_BAD,    /* no absolute path, or characters that passwd lines cannot have */
	SHELL_ABSENT, /* neither there nor listed */
};

struct shells {
	char *path;
	bool readable;
	char **v;
	size_t n;
	int64_t read_at; /* boot seconds */
	struct shells_memo {
		char *shell;
		enum shell_verdict verdict;
		int64_t at;
	} memo[16];
	unsigned memo_next;
};

void shells_init(struct shells *s, const char *path);
void shells_deinit(struct shells *s);

/* `now`: boot seconds; what was looked at is believed for ten seconds. */
enum shell_verdict shells_judge(struct shells *s, const char *shell, int64_t now);
static inline bool
shell_is_taken(enum shell_verdict v)
{
	return v <= SHELL_UNSEEN;
}
const char *shell_verdict_text(enum shell_verdict v);
