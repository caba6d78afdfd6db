/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A host as a tree of files, healthy until a test breaks it: what `check` looks at, with
 * answers of systemctl, sshd and the daemon made up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/check.h"

enum op_kind {
	OP_END,
	OP_WRITE, /* a: path, b: text */
	OP_REMOVE,
	OP_MODE,  /* b: "0644" */
	OP_OWNER, /* b: uid; root only */
	OP_LINK,  /* b: where to */
	OP_SOCKET,
	OP_STATUS,  /* a: key, b: value */
	OP_NOBODY,  /* the daemon is asked at its socket: nobody listens */
	OP_SILENT,  /* somebody listens and does not answer */
	OP_FOREIGN, /* somebody answers something else */
	OP_UNIT,    /* a: unit, b: "Property=value", one more or instead */
	OP_SSHD,    /* a: what `sshd -T` prints */
	OP_VERSION, /* a: what `sshd -V` prints */
	OP_NO_MODULE,
	OP_PERSON,   /* a: name, b: "uid:shell" in the map */
	OP_HOURS,    /* a: the clock is so many hours ahead */
	OP_LEASE,    /* the map's lease ran out a minute ago */
	OP_STATE,    /* a: the map's state */
	OP_ORDINARY, /* not run by root */
};

struct op {
	enum op_kind kind;
	const char *a;
	const char *b;
};

/* Makes the healthy tree, then applies up to n ops. False: this needs root. */
bool tree_make(const struct op *ops, size_t n);
void tree_remove(void);

/* Runs the check over it: exit code, and what was printed (static). */
int tree_check(bool verbose, bool json, const char **ret_text);
