/* SPDX-License-Identifier: MPL-2.0 */
/* The words behind pam_kanidm.so in a line of /etc/pam.d. */
#pragma once

#include <stdbool.h>

/* Also the most passwords one call ever asks for. */
#define OPTIONS_MAX_RETRY 9u

struct options {
	bool debug;               /* say what happens, to syslog */
	bool use_first_pass;      /* take a password that is there; ask once if none is */
	bool use_authtok;         /* never ask */
	bool ignore_unknown_user; /* IGNORE instead of USER_UNKNOWN */
	bool nodelay;             /* no pause after a failure */
	bool no_warn;             /* as PAM_SILENT */
	unsigned retry;           /* passwords to ask for, 1 ... OPTIONS_MAX_RETRY */
};

/* `unknown` is called for each word that is not known or has no sensible value; the word is
 * without effect. */
void options_parse(struct options *o, int argc, const char *const *argv,
    void (*unknown)(void *arg, const char *word), void *arg);
