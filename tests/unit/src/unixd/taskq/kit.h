/* SPDX-License-Identifier: MPL-2.0 */
/* The queue on a real loop, with the test as tasks at the other end of a socket. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/unixd/taskq/internal.h"

#define MAX_ASKERS (TASKQ_MAX_JOBS + 8)

struct asker {
	unsigned answers;
	enum taskq_result res;
	char text[MESSAGE_TEXT_MAX];
	struct taskq_waiter *w;
};

struct kit {
	struct loop *l;
	struct taskq *q;
	char dir[64];
	char path[100];
	struct asker askers[MAX_ASKERS];
};

extern struct kit kit;

int kit_setup(void **state);
int kit_teardown(void **state);
void kit_settle(void);
/* As if so much time had passed, for the timers only. */
void kit_pass(int64_t ms);

/* ---- tasks, played ---- */

int kit_arrive(void);
/* ... and has said HELLO. */
int kit_greeted(void);
void kit_say(int fd, uint16_t op, uint32_t serial, uint16_t status, const char *text);

struct heard {
	struct frame_header h;
	uint32_t uid;
	char name[100];
};

/* One frame; false: nothing there (or the end). */
bool kit_hear(int fd, struct heard *ret);
/* Has it been hung up on? */
bool kit_is_over(int fd);

/* ---- askers ---- */

void kit_on_answer(void *arg, enum taskq_result res, const char *text);
struct asker *kit_ask_for(size_t i, uint32_t uid, const char *name, int budget_ms);
void kit_expect(const struct asker *k, enum taskq_result res, const char *text);

struct hunt {
	const char *key;
	char value[512];
};

void kit_on_pair(void *arg, const char *key, const char *value);
/* The value of a pair of taskq_status(), "" when there is none. */
const char *kit_status(const char *key);
