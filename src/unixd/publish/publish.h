/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The writer of the published map (include/ku/map.h, docs/map-format.md): every record that
 * readers may find without asking the daemon. One writer, on the loop thread.
 *
 * All calls are cheap and cannot fail towards the caller: when the file cannot be written
 * (no space, no directory) publishing stops, affected records are marked superseded so that
 * readers ask the socket, publish_trouble() says why, and it is tried again later.
 *
 * Times are CLOCK_BOOTTIME seconds. Names given here are canonical (src/base/name.h).
 *
 * Tests of the resolver link a fake with these same functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/unixd/local/local.h"
#include "src/unixd/model/view.h"

struct loop;
struct publish;
struct timers;

struct publish_settings {
	const char *path;       /* nss.map; a temporary file is made beside it */
	const char *own_domain; /* canonical, may be empty; keys are stripped of it */
	uint32_t offline_limit_s;
	uint32_t max_ttl_s; /* no fresh_until is ever further ahead than this */
};

enum publish_kind {
	PUBLISH_USER,
	PUBLISH_GROUP,
};

/* Begins a first, empty generation in memory; nothing is at the path before
 * publish_commit(). Removes temporary files of a writer that died. */
struct publish *publish_new(struct timers *ts, const struct publish_settings *s);
/* For a thread that large old files are left to; without it they go in one piece. The loop
 * must live longer than the writer. */
void publish_use_loop(struct publish *p, struct loop *l);
/* Nobody renews it from here on; readers know at once. */
void publish_end_lease(struct publish *p);
/* A normal stop: the lease ends, the file stays and serves. */
struct publish *publish_free(struct publish *p);

/* New domain or limits: a new generation follows. */
void publish_reconfigure(struct publish *p, const struct publish_settings *s);

/*
 * Publishes or updates a record. `keys`: canonical names it is found under (short name,
 * SPN); the id comes from the view. When nothing but fresh_until differs, only that word is
 * written. Negatives under the same keys and id are superseded.
 */
void publish_user(struct publish *p, const struct passwd_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until);
/* Likewise; at most one new version a second per group, the last one wins. */
void publish_group(struct publish *p, const struct group_view *v, const char *const *keys,
    size_t n_keys, uint32_t fresh_until);

void publish_touch(struct publish *p, enum publish_kind kind, uint32_t id,
    uint32_t fresh_until);
/* Everything is to be asked for again: touched with 0, in one walk along the entries. */
void publish_all_stale(struct publish *p);
void publish_remove(struct publish *p, enum publish_kind kind, uint32_t id);
/* Everything goes (cache-clear): an empty generation replaces the file, the old one is
 * WITHDRAWN. */
void publish_clear(struct publish *p);

/* "The server says there is none", by name or by id (name NULL). Kept as a keyed hash. */
void publish_negative(struct publish *p, enum publish_kind kind, const char *name,
    uint32_t id, uint32_t until);
void publish_negatives_clear(struct publish *p);

/* Names and ids of this host's files, with the identity of the files as read: readers say
 * "not ours" without asking. Replaces the former set (a new generation). Names in `except`
 * (allow_local_account_override) are left out. */
void publish_local(struct publish *p, const struct local *l, const char *const *except);

/* Every five seconds: moves lease_until 15 s ahead. `floor`: records are fresh at least
 * until then (ahead of the clock while the link is down, else 0). */
void publish_lease(struct publish *p, uint32_t now, uint32_t floor);

/* Writes and renames a generation now if one is due or none is there yet. 0 or -errno. */
int publish_commit(struct publish *p);
/* The first generation comes later: until it is there readers ask the socket, and do not
 * believe the file of the writer before, whose lease nobody renews. */
void publish_put_off(struct publish *p);
/* The first generation, in slices from the loop. */
void publish_begin(struct publish *p);

/* Nobody uses the file again: state WITHDRAWN, file removed (fast_cache = false). Works on
 * a path without a writer (kanidm_unixd --withdraw). */
int publish_withdraw_path(const char *path);

const char *publish_trouble(const struct publish *p);
struct publish_stats {
	size_t users, groups, negatives, bytes, generations;
	size_t generations_hour; /* in the last one */
};
void publish_stats(const struct publish *p, struct publish_stats *ret);
