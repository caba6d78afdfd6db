/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Cached credentials: a verifier is made of a password once the server has accepted it, and
 * says later, without the server, whether a password is the same one.
 *
 *	verifier = format, KDF and its parameters, salt,
 *	    HMAC-SHA-256(key, KDF(password, salt)), HMAC-SHA-256(key, all before)
 *
 * The KDF is Argon2id where OpenSSL has it (3.2; 12 MiB, 3 passes), else scrypt (N = 2^14,
 * r = 8, p = 5); parameters are in the verifier, so what an older version made can still be
 * checked. `key` never leaves memory in the clear: on disk it is sealed under the HSM pin
 * (src/unixd/hsm), so that a stolen database alone is of no use to a guesser.
 *
 * Work is done on LANE_KDF (two threads). Calls and callbacks on the loop; every accepted
 * job is answered exactly once, never from inside the call. A job that nobody waits for any
 * more is cancelled with crypt_cancel(): its callback is not called.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/secret.h"

struct crypt;
struct crypt_job;
struct loop;
struct pin;

#define CRYPT_MAX_VERIFIER 256u
#define CRYPT_MAX_SEALED   512u
#define CRYPT_QUEUE        32u /* jobs of people who wait */
#define CRYPT_QUEUE_BEHIND 64u /* jobs behind an answer; they run when nobody waits */

enum crypt_state {
	CRYPT_OPENING, /* the key is being unsealed */
	CRYPT_READY,
	CRYPT_NEW_KEY, /* ready, but with a new key: what was made before is void */
	CRYPT_NONE,    /* no key can be had (no pin): nothing is kept, nothing accepted */
};

/*
 * Begins to open the key. `sealed` (may be NULL, len 0) is what was stored last time.
 * opened(arg, state, blob, len): once, on the loop; blob is non-NULL when a new sealed key
 * must be stored before the first verifier is made with it. Not called any more once
 * crypt_free() has been. `pin` is copied.
 *
 * CRYPT_NONE is also the answer when the pin is there and the key could not be opened this
 * time; then what is stored stays good. 0 or -errno of thread creation.
 */
typedef void (
    *crypt_opened_fn)(void *arg, enum crypt_state state, const void *sealed, size_t len);
int must_use_ crypt_new(struct loop *l, const struct pin *pin, const void *sealed,
    size_t len, crypt_opened_fn opened, void *arg, struct crypt **ret_crypt);
/* Pending jobs are answered -ECANCELED before this returns. */
struct crypt *crypt_free(struct crypt *c);

enum crypt_state crypt_state(const struct crypt *c);
/* "soft key, pin /var/lib/kanidm-unixd/hsm-pin", or why there is none: for status. */
const char *crypt_text(const struct crypt *c);
/* "argon2id" or "scrypt". */
const char *crypt_kdf_name(void);

/* rc 0: made; else -errno. The blob is valid during the call. */
typedef void (*crypt_made_fn)(void *arg, int rc, const void *verifier, size_t len);
/* rc 1: the same password; 0: another one; -EBADMSG: the verifier is damaged or was made
 * with another key; else -errno. took_ms: of the work itself. */
typedef void (*crypt_checked_fn)(void *arg, int rc, int took_ms);

/* The secret is copied. NULL: the queue is full, there is no key, or no memory for the copy.
 * `behind`: nobody waits for it. While the key is being opened jobs are taken; -ENOKEY when
 * it turns out that there is none. */
struct crypt_job *crypt_make(struct crypt *c, const struct secret *password, bool behind,
    crypt_made_fn fn, void *arg);
struct crypt_job *crypt_check(struct crypt *c, const struct secret *password,
    const void *verifier, size_t len, bool behind, crypt_checked_fn fn, void *arg);
void crypt_cancel(struct crypt_job *job);
