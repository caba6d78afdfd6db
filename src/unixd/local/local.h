/* SPDX-License-Identifier: MPL-2.0 */
/*
 * This host's own accounts: /etc/passwd and /etc/group read directly, never through NSS
 * (the daemon would ask itself). Lenient as glibc is: comments, blank lines, NIS +/- lines
 * and broken lines are skipped one by one. Names are compared canonically (ASCII lower
 * case), so that "ROOT" is local too.
 *
 * When a file cannot be seen, ids below 1000 and the names root, nobody, nogroup count as
 * local and `visible` is false.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"

struct local;

/* What the map's header holds so that a reader can tell that a file has changed. All 0
 * when the file is not there. */
struct local_ident {
	uint64_t dev;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_ns;
};

struct local_group {
	const char *name;
	uint32_t gid;
	size_t n_members;
	const char *const *members;
};

/* Reads both files. Never fails for what is in them. */
struct local *local_new(const char *passwd_path, const char *group_path);
struct local *local_free(struct local *l);

/* inotify descriptor on the directories (CLOEXEC, NONBLOCK), or -1: then call
 * local_refresh() now and then. */
int local_watch_fd(const struct local *l);

/* Drains the watch, stats both files, re-reads what changed. True when something did. */
bool local_refresh(struct local *l);

bool local_passwd_visible(const struct local *l);
bool local_group_visible(const struct local *l);
/* True when one of the files is a mount of its own: later changes will not be seen. */
bool local_is_frozen(const struct local *l);
struct local_ident local_passwd_ident(const struct local *l);
struct local_ident local_group_ident(const struct local *l);

/* `name` is canonical (src/base/name.h). */
bool local_has_user(const struct local *l, const char *name);
bool local_has_uid(const struct local *l, uint32_t uid);
bool local_has_group(const struct local *l, const char *name);
bool local_has_gid(const struct local *l, uint32_t gid);

/* Canonical name of a number (the first line that has it), or NULL. Borrowed until the
 * next local_refresh(). */
const char *local_gid_name(const struct local *l, uint32_t gid);

/* The group line with this exact name; false when there is none. Borrowed likewise. */
bool must_use_ local_get_group(const struct local *l, const char *name,
    struct local_group *ret_group);

/* Every line's name and id, for the map: fn(arg, name, id). A name or a number that two
 * lines share comes twice. */
typedef void (*local_each_fn)(void *arg, const char *canonical_name, uint32_t id);
void local_each_user(const struct local *l, local_each_fn fn, void *arg);
void local_each_group(const struct local *l, local_each_fn fn, void *arg);
