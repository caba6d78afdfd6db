/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The stacks of PAM as libpam sees them: every line of a service, with what it includes in
 * its place.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "src/base/attr.h"
#include "tools/check_internal.h"

enum pam_phase {
	PAM_PHASE_AUTH,
	PAM_PHASE_ACCOUNT,
	PAM_PHASE_SESSION,
	PAM_PHASE_PASSWORD,
	PAM_N_PHASES,
};

const char *pam_phase_text(enum pam_phase phase);

struct pam_line {
	enum pam_phase phase;
	char *control; /* "required", or what is between the brackets */
	bool brackets;
	char *module; /* without directories */
	char *args;   /* with a blank before and behind each */
	char *where;  /* "/etc/pam.d/sshd:7" */
};

struct pam_stack {
	struct pam_line *v;
	size_t n;
	/* A file that is included and not there: what includes it. */
	char *broken;
	char *missing;
	bool unreadable; /* something could not be read by us */
};

/* Always fills *s; pam_stack_clear() frees it. */
void pam_stack_read(const struct check *c, const char *service, struct pam_stack *s);
void pam_stack_clear(struct pam_stack *s);

/* " use_authtok " among the arguments? */
bool pam_has_arg(const struct pam_line *l, const char *arg);
/* Is it this module? Both with ".so". */
bool pam_is(const struct pam_line *l, const char *module);

/*
 * What the control makes of a return value ("user_unknown", "perm_denied"): "ok", "done",
 * "bad", "die", "ignore", "reset", or how many lines it passes over. In buf.
 */
const char *pam_action(const struct pam_line *l, const char *status, char *buf,
    size_t cap);
