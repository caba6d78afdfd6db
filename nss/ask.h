/* SPDX-License-Identifier: MPL-2.0 */
/* One question through the map and, where the map leaves it open, through the daemon. */
#pragma once

#include <nss.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/map/map.h"

/* How long a caller may wait: for news about a record we hold (50 ms, with a little left
 * for the way there and back), and for one we do not. */
#define ASK_SHORT_MS 45
#define ASK_LONG_MS  2000

/* The daemon's answers about one entry may not be longer than this, except for groups. */
#define ASK_MAX_PASSWD (64u * 1024u)

enum answer {
	ANSWER_FOUND,
	ANSWER_NONE,
	ANSWER_RANGE,     /* the caller's buffer is too small */
	ANSWER_NO_MEMORY, /* glibc's array could not grow */
	ANSWER_TROUBLE,   /* not known, and nobody to ask */
};

struct question {
	/* Who is asked for: `name`, or `id` when name is NULL. */
	const struct name *name;
	uint32_t id;
	bool group; /* which local file decides whether it could be local */

	/* Fill the result; q is the whole question, so that one pointer does. */
	enum map_answer (*from_map)(struct question *q, unsigned flags);
	/* FOUND, NONE, RANGE, NO_MEMORY or TROUBLE */
	enum answer (*from_daemon)(struct question *q, int ms);

	void *result; /* struct passwd, struct group or struct gid_array */
	char *buf;
	size_t cap;
};

/* The process's one view of the map. */
extern struct map nss_map;

/* What to tell glibc. `saved` is errno as it was at entry. */
enum nss_status ask(struct question *q, int saved, int *errnop);

/* An answer that needs no question, in glibc's terms. */
enum nss_status answer_none(int saved, int *errnop);
enum nss_status answer_give(enum answer answer, bool not_local, int saved, int *errnop);

/*
 * Thread cancellation is off between the two: reading a new generation of the map passes
 * open(2) and close(2), and a thread that died there would leave a descriptor behind.
 */
int cancel_off(void);
void cancel_restore(int state);

/* A C string from the host as a name; negative when it cannot be one. NULL is tolerated. */
int must_use_ name_from_host(const char *s, struct name *ret_name);

/* A frame about `q` to the daemon. `head` receives `head_len` bytes, the tail goes to
 * q->buf; FOUND with *ret_tail_len, else what to answer. */
enum answer daemon_ask(const struct question *q, uint16_t op, void *head, size_t head_len,
    void *tail, size_t tail_cap, size_t *ret_tail_len, int ms);
