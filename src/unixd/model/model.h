/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the server told us about people and groups, as immutable, reference-counted
 * records, each one allocation (a user also holds references to its groups' identities).
 *
 * Counts are not atomic: a record is built on one thread, may be *moved* to the loop while
 * its count is 1, and from then on stays there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"

/* Caps on what one entry may bring; more is cut with a log line, or refused. */
#define MODEL_MAX_GROUPS  4096u
#define MODEL_MAX_KEYS    256u
#define MODEL_MAX_KEY_LEN 16384u
#define MODEL_MAX_TEXT    1024u
#define MODEL_MAX_MEMBERS 1000000u

/* Which group, without its members. Shared by all users that are in it. A person's private
 * group (same name, number and UUID) is part of the person's record instead: refs is 0, and
 * a reference to it is a copy. */
struct groupid {
	unsigned refs;
	uint32_t gid;
	struct uuid uuid;
	const char *name; /* short name, canonical lower case */
	const char *spn;
};

struct user {
	unsigned refs;
	uint32_t id; /* gidnumber: uid and gid */
	struct uuid uuid;
	bool valid;        /* inside its validity window when the server was asked */
	uint32_t n_groups; /* groups[0] is the user's private group */
	uint32_t n_keys;
	const char *name;
	const char *spn;
	const char *displayname; /* as the server has it: any UTF-8 */
	const char *shell;       /* NULL when the entry has none */
	struct groupid **groups;
	const char *const *sshkeys; /* trailing blanks removed */
};

/* The real members of a group, transitively, people only, as the server says. */
struct member {
	const char *name;
	const char *spn;
};

struct members {
	unsigned refs;
	uint32_t n;
	const struct member *v; /* sorted by spn, each once */
};

/* Builders copy everything they are given. They never fail (allocation aborts). */
struct groupid *groupid_new(const struct uuid *uuid, uint32_t gid, const char *name,
    const char *spn);
struct groupid *must_use_ groupid_ref(struct groupid *g);
struct groupid *groupid_unref(struct groupid *g);
bool groupid_equal(const struct groupid *a, const struct groupid *b);

/* `tmpl` gives the fields; its strings and arrays are copied, its groups referenced. */
struct user *user_new(const struct user *tmpl);
struct user *user_ref(struct user *u);
struct user *user_unref(struct user *u);
/* All fields equal, groups by value. */
bool user_equal(const struct user *a, const struct user *b);
/* Replaces a group by the equal one in hand, so that people share it. Only while the
 * record is not published (count 1). */
void user_share_group(struct user *u, uint32_t index, struct groupid *g);

/* `v` need not be sorted; duplicates (same spn) are dropped. */
struct members *members_new(const struct member *v, size_t n);
/* The same when all strings of `v` are in `text`, and nearly nothing else is: often they
 * are sorted already, and then the text is copied in one piece. */
struct members *members_of_text(const struct member *v, size_t n, const char *text,
    size_t size);
struct members *members_ref(struct members *m);
struct members *members_unref(struct members *m);
bool members_equal(const struct members *a, const struct members *b);

/*
 * Records as blobs for the cache (format version in the first byte). pack: a malloc'ed
 * buffer. unpack: 0, or -EBADMSG when the bytes are not a record (nothing is trusted).
 */
void *user_pack(const struct user *u, size_t *ret_len);
int must_use_ user_unpack(const void *blob, size_t len, struct user **ret_user);
/* The same where groups are known already: the one with this UUID, borrowed, or NULL. When
 * it is the equal one, it is shared, and nothing of it is checked or copied again. */
struct model_share {
	struct groupid *(*find)(void *arg, const struct uuid *uuid);
	void *arg;
};
int must_use_ user_unpack_sharing(const void *blob, size_t len,
    const struct model_share *share, struct user **ret_user);
void *group_pack(const struct groupid *g, const struct members *m, size_t *ret_len);
int must_use_ group_unpack(const void *blob, size_t len, struct groupid **ret_group,
    struct members **ret_members); /* *ret_members NULL when none were known */
