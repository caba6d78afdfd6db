/* SPDX-License-Identifier: MPL-2.0 */
/* A tree of files for setup to work in, and what it says about them: fresh for each test. */
#pragma once

#include <stddef.h>

#include "tools/check_host.h"
#include "tools/setup_internal.h"

struct setup_tree {
	char root[64];
	struct check_host host;
	struct setup_wish wish;
	struct tool tool;
	struct setup s;
	char *out;
	size_t out_len;
	char called[1024];
	const char *answer; /* of sshd -T, authselect current, authselect list-features */
	int status;         /* of whatever else is called */
	void (*before)(const char *const argv[]); /* called then, or NULL */
	unsigned judged;                          /* times, for that */
};
extern struct setup_tree w;

/* The path below the root of the tree; good for two more calls. */
char *real(const char *path);
void put(const char *path, const char *text);
void has(const char *path, const char *want);
/* Are these among the words that were printed? */
void said(const char *words);
int setup_tree_begin(void **state);
int setup_tree_end(void **state);
