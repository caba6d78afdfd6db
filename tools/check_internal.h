/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the areas of `check` share. An area looks at its part of the host and says what it
 * found, by the rows of check_table.h; it changes nothing, asks the server nothing, and
 * touches no file below a directory that somebody else's server may hold up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "src/base/attr.h"
#include "src/prog/config.h"
#include "tools/check.h"
#include "tools/check_table.h"

enum check_level {
	CHECK_ERROR,
	CHECK_WARNING,
	CHECK_HINT,
	CHECK_N_LEVELS,
};

enum check_id {
#define ROW(id, word, level, what, fix) CHECK_##id,
	CHECK_TABLE(ROW)
#undef ROW
	    CHECK_N_IDS,
};

struct check_kind {
	const char *word;
	enum check_level level;
	const char *what;
	const char *fix;
};

extern const struct check_kind check_kinds[CHECK_N_IDS];
const char *check_level_text(enum check_level level);

enum check_line_kind {
	CHECK_FOUND,
	CHECK_FINE,
	CHECK_UNSEEN,
};

struct check_line {
	enum check_line_kind kind;
	enum check_id id; /* of CHECK_FOUND */
	const char *area;
	char *thing;
	char *text;
	char *fix; /* of CHECK_FOUND */
};

struct check {
	const struct check_host *host;
	const char *area; /* that is looking */
	struct config *config;
	struct config_problems problems;
	uid_t admin; /* root, or whoever owns the tree of a test */

	/* What the daemon says about itself: keys and values. `asked` is 0 when it did, else
	 * -errno, or 1: something else than a status. */
	int asked;
	const char *const *pairs;
	size_t n_pairs;

	struct check_line *lines;
	size_t n_lines;
};

/* ---- saying it ---- */

void printf_(4, 5) check_found(struct check *c, enum check_id id, const char *thing,
    const char *fmt, ...);
void printf_(3, 4) check_fine(struct check *c, const char *thing, const char *fmt, ...);
void printf_(3, 4) check_unseen(struct check *c, const char *thing, const char *fmt, ...);

/* ---- looking (check_host.c); paths are the host's, without the root before them ---- */

char *check_path(const struct check *c, const char *path);
/* A regular file, whole, NUL-terminated, up to a few MiB. 0, or -errno. */
int must_use_ check_read(const struct check *c, const char *path, char **ret_text);
bool check_stat(const struct check *c, const char *path, struct stat *st);
bool check_lstat(const struct check *c, const char *path, struct stat *st);
/* Of the directory of sockets and map, with the daemon's user and no other as the owner. */
bool check_rundir(const struct check *c, struct stat *st);
/* On NFS, autofs and the like, where a stat may hang; told without touching it. */
bool check_is_remote(const struct check *c, const char *path);
/* Of the mount that `path` is on. */
bool check_is_read_only(const struct check *c, const char *path);
/* Splits at white space in place; at most cap words. */
size_t check_words(char *line, char **v, size_t cap);
/* Runs a program that only prints: what it printed on both streams, cut at cap - 1. Its
 * exit status, or -errno. */
int must_use_ check_run(const struct check *c, const char *const argv[], char *buf,
    size_t cap);
/* The first value of a status key, or NULL. */
const char *check_pair(const struct check *c, const char *key);
/* Is there such a name in /etc/passwd or /etc/group? */
bool check_is_local(const struct check *c, const char *file, const char *name);

/* ---- areas ---- */

void check_nsswitch(struct check *c);
void check_pam(struct check *c);
void check_shadow(struct check *c);
void check_sshd(struct check *c);
void check_sockets(struct check *c);
void check_map(struct check *c);
void check_units(struct check *c);
void check_config(struct check *c);
void check_modes(struct check *c);
void check_link(struct check *c);
void check_clock(struct check *c);
void check_ids(struct check *c);
void check_people(struct check *c);
void check_homes(struct check *c);
void check_cachers(struct check *c);
void check_confinement(struct check *c);
void check_leftovers(struct check *c);
