/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reader of the published map (include/ku/map.h defines the format): lookups from memory,
 * without a system call on a hit, inside other people's processes.
 *
 * Host-safe: libc only, no allocation, no lock, no thread-local; the state of a process is
 * one `struct map` in static storage that the caller owns and that starts as all zeros
 * (MAP_INIT). Any number of threads may call at once. The file is not trusted: every field
 * is loaded once and checked against this process's own mapping length, and a failed check
 * is a miss. errno is left as it was. Opening a new generation passes cancellation points
 * (open, pread, close): an entry point of a module disables cancellation around its call.
 */
#pragma once

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/name.h"

/* The current generation and at most four old ones that somebody may still be reading. */
#define MAP_SLOTS 5

/* What a lookup reads: a mapping, or (base NULL) a descriptor. The file's header as it was
 * when the file was opened and checked; later changes of those words count for nothing. */
struct map_view {
	const uint8_t *base;
	int fd;
	uint32_t len;
	uint64_t dev;
	uint64_t ino;
	uint64_t seed[2];
	struct {
		uint32_t off;
		uint32_t n;
	} table[4];
	uint32_t data;
	uint32_t base_end;
	uint32_t generation;
	uint32_t max_ttl;
	uint32_t offline_limit;
	uint32_t domain_len;
};

struct map_slot {
	uint32_t state; /* enum slot_state of hold.c */
	uint32_t pins;  /* enumerations that keep to this generation */
	struct map_view view;
};

/* Everything but `path` starts as zero and belongs to src/map/hold.c. */
struct map {
	const char *path;
	uint32_t current; /* slot number + 1 */
	uint32_t inside;  /* threads that may be reading a slot */
	uint32_t looked;  /* second of the last look because of a lease */
	uint32_t failed;  /* second of the last mmap that failed */
	uint32_t dev;     /* of the first file that was opened */
	uint32_t owner;
	uint32_t held[2]; /* slot number + 1 that an enumeration keeps to */
	uint32_t held_since[2];
	uint32_t given[2]; /* last id of the generation that an enumeration has left */
	struct map_slot slots[MAP_SLOTS];
};

#define MAP_INIT(file)         \
	{                      \
		.path = (file) \
	}

enum map_answer {
	MAP_HIT,    /* fresh, or lease run out within the offline limit: take it */
	MAP_STALE,  /* there, but not fresh and the daemon is alive: ask the socket
			 (<= 50 ms); without an answer call again with MAP_ANY_AGE */
	MAP_ABSENT, /* not in the map, the daemon is alive: ask the socket */
	MAP_ABSENT_NO_DAEMON, /* not in the map, lease run out: a short try at most */
	MAP_NEGATIVE,         /* the server says there is none, and said so lately */
	MAP_LOCAL,            /* belongs to this host's files: not ours */
	MAP_RANGE,            /* found; the buffer is too small */
	MAP_NONE,             /* no usable map */
};

enum map_flags {
	MAP_ANY_AGE = 1u << 0,
};

/* On MAP_HIT *pw and buf are filled (strings and arrays point into buf). */
enum map_answer map_passwd_by_name(struct map *m, const struct name *name, unsigned flags,
    struct passwd *pw, char *buf, size_t cap);
enum map_answer map_passwd_by_uid(struct map *m, uint32_t uid, unsigned flags,
    struct passwd *pw, char *buf, size_t cap);
enum map_answer map_group_by_name(struct map *m, const struct name *name, unsigned flags,
    struct group *gr, char *buf, size_t cap);
enum map_answer map_group_by_gid(struct map *m, uint32_t gid, unsigned flags,
    struct group *gr, char *buf, size_t cap);

/* Supplementary gids of a user: give(arg, gid) for each; a non-zero return ends the walk
 * and is stored in *ret_stop. */
enum map_answer map_initgroups(struct map *m, const struct name *name, unsigned flags,
    int (*give)(void *arg, uint32_t gid), void *arg, int *ret_stop);

/*
 * Enumeration: *cursor (0 to begin) is an opaque position that the caller keeps; the call
 * moves it past the record it returned. MAP_HIT, MAP_RANGE (cursor not moved), MAP_ABSENT
 * at the end, MAP_NONE. map_enum_end drops what enumeration held.
 */
enum map_answer map_passwd_next(struct map *m, uint64_t *cursor, struct passwd *pw,
    char *buf, size_t cap);
enum map_answer map_group_next(struct map *m, uint64_t *cursor, struct group *gr,
    char *buf, size_t cap);
void map_enum_end(struct map *m, uint64_t *cursor);

/*
 * For the error path only: does the map prove that this name (or id, name NULL) is not a
 * local one *now*? True only with a valid lease, /etc/passwd (or /etc/group) unchanged
 * since the daemon read it (one stat), name not "root" and id >= 1000. A caller in trouble
 * answers TRYAGAIN when true and UNAVAIL when false.
 */
bool map_proves_not_local(struct map *m, bool group, const struct name *name,
    uint32_t id);

/*
 * For the PAM module: is this local name given to us (allow_local_account_override)? True
 * only when the map in hand has the person, marked so; whatever its age.
 */
bool map_user_is_overridden(struct map *m, const struct name *name);

/* Drops every mapping (tests, tools; never needed by a module). No lookup may be running. */
void map_close(struct map *m);
