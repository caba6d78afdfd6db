/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the processes of a torture run know of each other: which states of each name have
 * been published, so that "is this answer one of them" can be decided by whoever gets it.
 *
 * A name has a sequence number. Before the writer changes anything it raises `next`, behind
 * the change `done`; so an answer must belong to a number between what `done` was before
 * the question and what `next` is behind it. The number modulo 4 says what there is:
 *
 *	0	a record, every field of which is made from the id and the number
 *	1	nothing (removed)
 *	2	"there is none": a negative, or a local account of that name
 *	3	nothing
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OWN_DOMAIN "own.example"

/* People: these are always there, these go by removal, these become local. */
#define N_ALWAYS 160u
#define N_GOING  24u
#define N_LOCAL  8u
#define N_PEOPLE (N_ALWAYS + N_GOING + N_LOCAL)
#define N_GROUPS 24u /* always there; the first one is big */
#define N_NAMES  (N_PEOPLE + N_GROUPS)

#define FIRST_UID 100000u
#define FIRST_GID 200000u

#define MAX_PROCESSES 16u
#define N_THREADS     2u
#define RECORD_CAP    1024u /* of one field */
#define MAX_GIDS      48u
#define MAX_MEMBERS   700u

/* A generation whose writer was killed between renaming the next one and saying so serves
 * until its lease has run out and somebody has looked, once in that second. */
#define LEASE_AHEAD  1u
#define STALE_AFTER  (LEASE_AHEAD + 3u)
#define ABSENT_AFTER (STALE_AFTER + 2u)

/* A name is found by several keys, whose heads change one after the other. */
enum key { KEY_NAME, KEY_ID, KEY_ALIAS, N_KEYS };

enum counter {
	C_LOOKUPS,
	C_FOUND,
	C_GONE,
	C_ABSENT,
	C_ENUMERATIONS,
	C_FORKS,
	C_EXECS,
	C_VERSIONS,
	C_GENERATIONS,
	C_KILLS,
	C_FULL,
	N_COUNTERS
};

struct name_state {
	uint32_t next;
	uint32_t done;
	uint32_t at_kill; /* `done` when the writer was killed */
};

struct reader_state {
	uint64_t beat; /* moves while it lives */
	uint32_t seen[N_KEYS][N_NAMES];
};

struct shared {
	uint32_t stop;
	uint32_t begun;     /* the first generation is at the path */
	uint32_t killed_at; /* boot seconds, when the writer last died */
	uint32_t tight_at;  /* when an entry may last have found no place */
	uint32_t lost_at;   /* when there may last have been no file at the path */
	uint32_t failed;
	char failure[512];
	uint64_t count[N_COUNTERS];
	struct name_state name[N_NAMES];
	struct reader_state reader[MAX_PROCESSES];
};

/* A new one, in a file of its own that a program can be given; and that one. */
struct shared *shared_new(int *ret_fd);
struct shared *shared_from(int fd);

uint32_t shared_boot_now(void);
void shared_count(struct shared *s, enum counter c);
uint64_t shared_counted(const struct shared *s, enum counter c);
uint32_t shared_get(const uint32_t *word);
void shared_set(uint32_t *word, uint32_t value);

/* The first failure is the one that is told. */
__attribute__((format(printf, 2, 3))) void shared_fail(struct shared *s, const char *fmt,
    ...);

/* Small and quick, for choices. */
uint32_t shared_random(uint32_t *seed);
