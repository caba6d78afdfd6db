/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A program that dies at its n-th system call. The program is a function, run in a child
 * under ptrace; what counts are the calls that change files (write, truncate, sync, open to
 * create, link, rename, unlink, modes, owners), made by libc, by a library or directly, on
 * descriptors below one directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crash_mode {
	CRASH_BEFORE, /* the call is not made, nor any other */
	CRASH_TORN,   /* a write writes half of what it was asked to */
	/* The power goes: of each file there is what was synced last, and those names that
	 * were there when the directory was. For a directory without directories in it. */
	CRASH_POWER,
	/* The same, but names are as they were: some file systems write them early. */
	CRASH_POWER_DATA,
};

#define CRASH_MAX_CALLS 8192u

struct crash {
	const char *dir;
	/* The program; what it returns is its exit code. No cmocka in here. */
	int (*body)(void *arg);
	void *arg;
	enum crash_mode mode;
	unsigned at; /* 0: never */

	unsigned calls; /* made so far */
	bool killed;
	int status;                      /* exit code when it was not killed, else -1 */
	uint8_t writes[CRASH_MAX_CALLS]; /* per call: a write that can be torn */
};

/* Shared with the child: how far it has come, in the words of the test. Stored without a
 * system call. */
struct crash_shared {
	uint32_t step;
	uint32_t word[63];
};
extern struct crash_shared *crash_shared;

/* Exits 77 where ptrace is not allowed. */
void crash_init(void);
void crash_step(unsigned step);

/* Runs it once. */
void crash_run(struct crash *c);

struct crash_plan {
	struct crash crash;
	/* Puts the directory into its first state. */
	void (*prepare)(void *arg);
	/* Starts again, and judges; for a run that was killed and for the last one. */
	void (*check)(const struct crash *c, void *arg);
	const enum crash_mode *modes;
	size_t n_modes;
	const char *promise; /* for the table of docs/testing.md */
	const char *attack;
};

/*
 * Every call of the program in every mode, or as many of them as fit into a moment
 * (KU_CRASH_EVERY=1: all, 5: every fifth). Ends the test when there were fewer than
 * `least` calls to die at.
 */
void crash_everywhere(struct crash_plan *p, unsigned least);

/* For the teardown of a test: where it was, if it did not get to its end. */
int crash_say_where(void **state);

/* Begins the file of this program's rows in $KU_PROMISES, if there is such a directory. */
void crash_rows_begin(void);
/* One row of the table "promise, attack, cases, result" (docs/testing.md). */
void crash_row(const char *promise, const char *attack, unsigned long cases,
    const char *result);

/* A fresh directory in memory where there is one; removed with all that is in it. */
void crash_dir_make(char dir[64]);
void crash_dir_empty(const char *dir);
void crash_dir_remove(const char *dir);
/* True when some file in it has these bytes. `skip`: not in files whose name has this. */
bool crash_dir_mentions(const char *dir, const void *bytes, size_t len, const char *skip);
