/* SPDX-License-Identifier: MPL-2.0 */
/* What a fuzzed PAM call happens in: shared by pam_flow.c (people, libpam, what must hold)
 * and pam_libc.c (the functions of libc that can fail). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pam/reasons.h"

#define MARK     "hunter2-hunter2" /* begins every password typed here */
#define MAX_MAPS 16

struct world {
	const uint8_t *data;
	size_t len;
	size_t at;

	enum reason_entry entry;
	char user[64];
	bool option_ignore;
	char authtok[600];
	bool has_authtok;

	int cancel; /* the host's */
	int64_t clock_ns;
	unsigned open_sockets;
	unsigned open_files;
	unsigned n_maps;
	struct {
		void *at;
		size_t len;
	} maps[MAX_MAPS];
	bool verified; /* this connection's peer */
	uint16_t op;   /* what was asked over it */
	uint8_t reply[16 + 600];
	size_t reply_len;
	size_t reply_at;

	bool foreign;      /* somebody says it is not ours, or it is no name */
	bool unsure_local; /* there is a local line, and the map says nothing */
	bool known;        /* a lookup was answered OK */
	bool let_in;       /* the last verdict, of the op that counts */
	struct {
		char *text;
		size_t len;
	} typed[8]; /* strings that the person's side allocated */
	unsigned n_typed;
};

extern struct world w;

void require(bool ok);
/* Of the input; 0 when it is used up. */
uint8_t byte(void);
/* One in sixteen, and never when the input is used up. */
bool fails(void);
bool has_mark(const void *p, size_t len);
