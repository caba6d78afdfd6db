/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The port to the cache on disk. All records are loaded at start; afterwards memory is the
 * truth for readers and every change is written behind, in order, on the store's lane: a
 * dying disk delays nothing but itself.
 *
 * What lives here: users and groups (blobs of model.h with the wall time they were fetched
 * at), the table of accepted ids (uuid -> uid, survives store_clear and a set-aside
 * database), cached credentials, small keyed values.
 *
 * This folder is the only one that includes sqlite3.h; tests of the resolver link a fake
 * with these same functions.
 *
 * Names may be lost with the power of their last second. Ids may not, and nobody comes
 * back who is deleted or was locked out: a batch that says so is on the disk before
 * store_flush() answers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"

struct loop;
struct store;
struct user;
struct groupid;
struct members;
struct model_share;

struct store_sink {
	void *arg;
	/* Each takes over the references it is given. wall_s: when it was fetched. */
	void (*user)(void *arg, struct user *u, int64_t wall_s);
	void (*group)(void *arg, struct groupid *g, struct members *m, int64_t wall_s);
	/* The accepted id of an account, and the id the server says when it differs (else
	 * the same number). */
	void (*id)(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending);
	/* Groups that people's records may share, or NULL. */
	const struct model_share *share;
};

/*
 * Opens or creates the database and prepares the lane. A file that is corrupt, of a newer
 * schema, or unreadable is set aside as PATH.broken-YYYYMMDD-HHMMSS and a new one begun
 * (the id table is carried over when it can still be read); one that names a reference
 * database is left alone and PATH.ku used. Where no file can be opened at all (read-only,
 * missing directory) the store works in memory. *ret_note, when not NULL, gets one line
 * for `status` about what was unusual (owned by the store) or NULL.
 *
 * Blocks (start of the daemon only). Never fails for reasons of the disk; -ENOMEM, or
 * -errno of thread creation.
 */
int must_use_ store_open(struct loop *l, const char *path, struct store **ret_store,
    const char **ret_note);
/* Writes what is queued, then closes. Flushes whose writes fail get no answer; who waits for
 * a credential or a value gets none at all. */
struct store *store_close(struct store *s);

/* Gives every record to the sink, ids first, then groups, then users; a blob that cannot be
 * unpacked is skipped and counted. Blocks; start of the daemon only. Number of skipped
 * records, or -errno. */
int must_use_ store_load(struct store *s, const struct store_sink *sink);

/* Write-behind. The records are packed before these return. */
void store_put_user(struct store *s, const struct user *u, int64_t wall_s);
void store_put_group(struct store *s, const struct groupid *g, const struct members *m,
    int64_t wall_s);
void store_del_user(struct store *s, const struct uuid *uuid);
void store_del_group(struct store *s, const struct uuid *uuid);
void store_put_id(struct store *s, const struct uuid *uuid, uint32_t id,
    uint32_t pending);
/* What has been put is written now, not gathered: the server cannot say it again. */
void store_hurry(struct store *s);
/* Forgets users, groups and credentials; ids and values stay. */
void store_clear(struct store *s);

/*
 * Credentials (a verifier and its guess counter, one blob per account) and small keyed
 * values ("domain", "hmac-key", ...). Unlike names these are durable: done(arg, rc), may be
 * NULL, is called on the loop once the change is committed and synced (rc 0), or could not
 * be (-EIO; it is not tried again). Never from inside the call. store_clear() drops the
 * credentials and keeps the values.
 *
 * A change that was overtaken by a newer one of the same row is answered with that one.
 * Deletions, and changes nobody is told about, are tried again like names. In a store that
 * works in memory every change is answered -EIO. Neither credentials nor values come over
 * from a database that is set aside. A longer blob or key than these is the caller's
 * mistake, and aborts.
 */
#define STORE_MAX_CRED  1024u
#define STORE_MAX_VALUE 4096u

#define STORE_VALUE_DOMAIN "domain" /* the own domain, text */
/* The latest wall time ever seen, epoch seconds, 8 bytes little-endian: turning the clock
 * back makes nothing younger. */
#define STORE_VALUE_WALL "wall"
#define STORE_MAX_KEY    31u

typedef void (*store_done_fn)(void *arg, int rc);
void store_put_cred(struct store *s, const struct uuid *uuid, const void *blob,
    size_t len, store_done_fn done, void *arg);
void store_del_cred(struct store *s, const struct uuid *uuid);
void store_del_all_creds(struct store *s);
void store_put_value(struct store *s, const char *key, const void *blob, size_t len,
    store_done_fn done, void *arg);

struct store_secrets {
	void *arg;
	void (*cred)(void *arg, const struct uuid *uuid, const void *blob, size_t len);
	void (*value)(void *arg, const char *key, const void *blob, size_t len);
};
/* Blocks; start of the daemon only. 0 or -errno, then nothing was given to the sink. Its
 * members may be NULL. Credentials come after values. */
int must_use_ store_load_secrets(struct store *s, const struct store_secrets *sink);

/* Calls done(arg) on the loop, later, once everything queued before is committed. While
 * writing fails, that is not now: whoever cannot wait has a deadline of its own. */
void store_flush(struct store *s, void (*done)(void *arg), void *arg);

/* One line when writing fails ("database is locked", "disk full"), or NULL. */
const char *store_trouble(const struct store *s);

/* Is what was committed there after the next start? Not while writing fails, and not in a
 * store that works in memory. */
bool store_keeps(const struct store *s);

/* What was unusual at opening or, since that is later, at loading; or NULL. */
const char *store_note(const struct store *s);
