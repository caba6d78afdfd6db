/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Who asks: uid 0 may ask about everybody, everybody about themselves, and so may the
 * callers that pam_allowed_callers names. Where the unit hides callers' ids (a user
 * namespace that does not map them), all of them look alike: they may still ask, throttled.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct config;
struct login;

/* What caller.c keeps in struct login. */
struct callers {
	bool hides; /* not every id of the host is mapped into our user namespace */
};

enum caller {
	CALLER_REFUSED,
	CALLER_ALLOWED,
	CALLER_HIDDEN, /* cannot be told who it is: throttled, and counted apart */
};

#define CALLER_NO_ACCOUNT ((uint32_t)-1) /* about a name that is not known */

void caller_init(struct login *l);
enum caller caller_judge(const struct login *l, uid_t caller, uint32_t account_uid);
/* Passwords of this caller's that may be under way at once, those included whose caller has
 * hung up: what is out at the server goes on, and a connection costs nothing. */
size_t caller_max_auths(const struct login *l, uid_t caller);
/* One pair when ids are hidden, with what to do about it. */
void caller_status(const struct login *l,
    void (*fn)(void *arg, const char *key, const char *value), void *arg);
