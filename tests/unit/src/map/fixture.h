/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A directory of its own with a writer in it, and a clock that stands where the test puts
 * it: CLOCK_BOOTTIME is fixture_now seconds while that is not 0 (needs WRAP clock_gettime).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/map/map.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define FIXTURE_START 100000u

struct fixture {
	char dir[64];
	char path[96];
	struct timers ts;
	struct publish_settings settings;
	struct publish *p;
	struct map m;
};

extern uint32_t fixture_now;

int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Moves the clock, and lets the writer's timers run. */
void fixture_pass(struct fixture *f, uint32_t seconds);
/* Real slices: runs timers, one millisecond at a time, until none is left. */
void fixture_settle(struct fixture *f);

/* A user "NAME" with spn NAME@own.example, uid = gid = id, groups id+1, id+2. */
void fixture_user(struct fixture *f, const char *name, uint32_t id, uint32_t fresh_until);
void fixture_group(struct fixture *f, const char *name, uint32_t id,
    const char *const *members, size_t n, uint32_t fresh_until);
/* Lines of passwd(5) and group(5) become the local accounts. */
void fixture_local(struct fixture *f, const char *passwd, const char *group,
    const char *const *except);
/* commit must succeed */
void fixture_commit(struct fixture *f);

enum map_answer ask_user(struct map *m, const char *name);
enum map_answer ask_uid(struct map *m, uint32_t uid);
enum map_answer ask_group(struct map *m, const char *name);
enum map_answer ask_gid(struct map *m, uint32_t gid);
enum map_answer ask_user_any_age(struct map *m, const char *name);
/* What the last ask_ put there. */
extern struct passwd asked_pw;
extern struct group asked_gr;

/* Words of the header of the file at the path, through a mapping of its own. */
uint32_t header_get(const struct fixture *f, unsigned word);
void header_set(const struct fixture *f, unsigned word, uint32_t value);

/* Lines of /proc/self/maps that name the file. */
unsigned count_maps(const struct fixture *f);

/* Another setting (the offline limit, by a second), so a new generation is wanted; and made,
 * whatever the time since the last one. */
void fixture_want_generation(struct fixture *f);
void fixture_generation(struct fixture *f);
