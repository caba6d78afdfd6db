/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is remembered about one account's password, and as the blob that the store keeps.
 * One per account that ever had to do with logins, in a table by UUID; made on demand.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/uuid.h"
#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"
#include "src/unixd/login/guess.h"
#include "src/unixd/login/refused.h"

struct behind;
struct check;

#define CRED_MAX_BLOB 512u

struct cred {
	struct hmap_node node;
	struct uuid uuid;

	/* kept on disk; times are wall seconds */
	void *verifier; /* NULL: none */
	size_t verifier_len;
	bool suspended; /* the server refused the very password it accepts */
	int64_t suspended_at;
	int64_t stored_at;   /* when it was made */
	int64_t proven_at;   /* the server's last acceptance of its password */
	struct guess guess;  /* by callers we know */
	struct guess hidden; /* by those whose id the unit hides */

	/* in memory only */
	uint32_t version;  /* of the verifier: changes with it */
	int64_t hidden_at; /* boot ns: the last attempt by a hidden caller; 0: none */
	struct refused refused; /* by the server, lately */
	bool was_refused;       /* the last thing it said about a password */
	struct check *running;  /* the one verification of this account under way */
	struct list line;       /* struct check.in_line: those after it */
	struct behind *behind;  /* what is done behind an answer, or NULL */
};

struct creds {
	struct hmap table;
};

void creds_init(struct creds *cs);
/* Nobody may be in line any more. */
void creds_deinit(struct creds *cs);
struct cred *creds_find(const struct creds *cs, const struct uuid *uuid);
/* Made empty when it is not there. */
struct cred *creds_get(struct creds *cs, const struct uuid *uuid);
void creds_remove(struct creds *cs, struct cred *c);
struct cred *creds_any(const struct creds *cs, size_t *pos);
struct cred *creds_next(const struct creds *cs, const struct cred *c, size_t *pos);

void cred_set_verifier(struct cred *c, const void *verifier, size_t len);
/* Nothing in it that would be worth keeping on disk. */
bool cred_is_empty(const struct cred *c);

/* Fills `buf`; its length. Waits are packed as what is left of them at boot time now_ns. */
size_t cred_pack(const struct cred *c, int64_t now_ns, uint8_t buf[CRED_MAX_BLOB]);
/* Into an empty one. 0, or -EBADMSG when the bytes are no credential. */
int must_use_ cred_unpack(const void *blob, size_t len, int64_t now_ns, struct cred *c);
