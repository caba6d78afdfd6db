/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the server says, as records. The only place that knows a JSON library.
 *
 * Every function takes `len` bytes that need not end in a NUL, runs on the lane, and either
 * gives a whole, checked result or -EBADMSG. Text is UTF-8 without NUL, at most 32 levels
 * deep and of a bounded number of values, and nothing may follow it. A security field
 * (name, spn, uuid, gidnumber, valid) that is there twice is -EBADMSG: two parsers may
 * disagree on which one counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/base/uuid.h"

struct user;
struct groupid;
struct members;
struct grouplist;

/* Once per process, before anything else here: memory of the JSON library is wiped when it
 * is freed, because bearer tokens pass through it. */
void json_init(void);

/*
 * A token of an account or a group. Name, SPN, uuid and gidnumber must be right, or it is
 * -EBADMSG; of the rest, what is bad is left out: a shell that is no absolute path, an ssh
 * key that is none, a group that is none. groups[0] is the private group in any case.
 */
int must_use_ json_user(const char *text, size_t len, struct user **ret_user);
int must_use_ json_group(const char *text, size_t len, struct groupid **ret_group);

/* State of a login. */
enum json_auth_state {
	JSON_AUTH_CHOOSE, /* with or without anonymous among the choices */
	JSON_AUTH_CONTINUE,
	JSON_AUTH_DENIED,
	JSON_AUTH_SUCCESS,
};

#define JSON_BEARER_MAX 8192

struct json_auth {
	enum json_auth_state state;
	bool anonymous;  /* choose and continue: anonymous is offered */
	char reason[96]; /* denied: in the server's words, printable */
	char *bearer;    /* success: malloc'ed, fit for a header; the caller wipes it */
};

int must_use_ json_auth(const char *text, size_t len, struct json_auth *ret_auth);

/* Who we are to the server. */
struct json_self {
	struct uuid uuid;
	char spn[NAME_MAX_TEXT + 1];
	bool knows_rights; /* the groups we are in were told */
	bool may_read;     /* one of them is idm_unix_authentication_read */
};

int must_use_ json_self(const char *text, size_t len, struct json_self *ret_self);

/* The body of an answer that is no success. */
enum json_fault {
	JSON_FAULT_NONE,       /* not one of the server's error bodies */
	JSON_FAULT_NO_MATCH,   /* "nomatchingentries" */
	JSON_FAULT_WRONG_KIND, /* missingclass, missingattribute, invalidaccountstate */
	JSON_FAULT_AUTH_STATE, /* invalidauthstate: the login session is gone */
	JSON_FAULT_OTHER,
};

/* ret_word, for logs: the error's name, printable. */
enum json_fault json_fault(const char *text, size_t len, char ret_word[64]);

/* A SCIM list of accounts. -EBADMSG also when it does not hold all that were found. */
int must_use_ json_scim_members(const char *text, size_t len,
    struct members **ret_members);
/* A list of SPNs, or null for none. */
int must_use_ json_spn_members(const char *text, size_t len,
    struct members **ret_members);
/* All groups with their direct members. */
int must_use_ json_group_list(const char *text, size_t len, struct grouplist **ret_list);
