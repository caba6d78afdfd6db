/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is learnt about a credential from the server's verdict, once the person has hers:
 * accepted passwords are remembered, those that the server refuses although we remember
 * them are not believed any more. One thing at a time per account, on lanes nobody waits
 * for; when they are full, it is left, with a debug line.
 */
#pragma once

#include <stdint.h>

#include "src/unixd/login/judge.h"

struct cred;
struct login;
struct secret;
struct uuid;

/* What a verification beside the server's answer had said, and about which version of the
 * credential: then it need not be done again. */
struct behind_hint {
	enum cached cached; /* ACCEPTS, REJECTS, or anything else for "not known" */
	uint32_t version;
};

/* `name` is for the journal. Both take over the password. */
void behind_accepted(struct login *l, const struct uuid *uuid, const char *name,
    struct secret *password, struct behind_hint hint);
void behind_denied(struct login *l, const struct uuid *uuid, const char *name,
    struct secret *password, struct behind_hint hint);
/* Whatever is under way for it ends without effect. */
void behind_cancel(struct cred *c);
/* The key is there. */
void behind_key_came(struct login *l);
