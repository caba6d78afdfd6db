/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A host for the built PAM module: the real libpam loads the real file from a stack in a
 * directory of ours, in a mount namespace with its own /run, /etc/passwd and /dev/log. The
 * person in front of it is a script.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <security/pam_appl.h>

#define PAMHOST_STACKS "/run/pam.d"
#define PAMHOST_PASSWD "/run/passwd"

#define PERSON_MASK 1

enum person_mode {
	PERSON_ANSWERS,
	PERSON_FAILS,             /* PAM_CONV_ERR */
	PERSON_WAITS,             /* PAM_CONV_AGAIN */
	PERSON_NO_REPLY,          /* success, and resp stays NULL */
	PERSON_NO_STRING,         /* success, and resp->resp is NULL */
	PERSON_FAILS_AND_ANSWERS, /* PAM_CONV_ERR, with a response */
	PERSON_TYPES_MASKED,      /* each character with PERSON_MASK, so that the text
				     itself is nowhere before it is typed */
};

struct person {
	enum person_mode mode;
	const char *answers[8]; /* what is typed, one after another; NULL: then "" */
	unsigned n_asked;
	unsigned delay_us; /* of the failure, instead of waiting it out */
	unsigned n_bad;    /* conversations that were not as they should be */
	void (*looks)(struct person *p); /* each time something is said to them */
	unsigned n_held;                 /* what it counted */
	char prompts[512];
	char told[2048]; /* messages, each with "info: " or "error: ", joined by " | " */
};

/* Enters the namespaces and makes the host; exits 77 where that is not allowed. */
void pamhost_enter(void);

/* The stack called `service`: the line "TYPE CONTROL pam_kanidm.so OPTIONS" for all four
 * types. */
void pamhost_stack(const char *service, const char *control, const char *options);
/* The stack as it is written, with MODULE for the path of the module. */
void pamhost_stack_text(const char *service, const char *text);

/* Lines of /etc/passwd besides root's. */
void pamhost_passwd(const char *lines);
/* So many that reading them takes most of a call. */
void pamhost_many_locals(void);

/* The application's half. */
pam_handle_t *pamhost_start(const char *service, const char *user, struct person *p);

/* The journal since the last call: lines without time and process, joined by "\n". From one
 * thread only. */
const char *pamhost_journal(void);

const char *pamhost_code(int code);
