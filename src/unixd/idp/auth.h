/* SPDX-License-Identifier: MPL-2.0 */
/* Passwords put to the server: idp_auth() of idp.h. On the loop. */
#pragma once

#include "src/unixd/idp/idp.h"

struct auths;
struct loop;
struct secret;
struct session;

struct auths *auths_new(struct loop *l, struct session *s);
/* After the http lane has been freed. What was still to be answered is cancelled. */
struct auths *auths_free(struct auths *a);

void auths_ask(struct auths *a, const char *id, const struct secret *password,
    int timeout_ms, idp_auth_fn fn, void *arg);

/* {"value":"..."} in a secret of its own; NULL: not UTF-8, or no memory (*ret_is_text
 * tells which). */
struct secret *auth_body(const struct secret *password, bool *ret_is_text);
