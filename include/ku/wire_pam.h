/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the daemon tells a PAM conversation. One request is one attempt: there is no state
 * between requests, so a daemon that restarts while somebody types costs nothing.
 *
 * Statuses of the PAM operations: OK (a verdict follows), NOTFOUND (no such account),
 * LOCAL (an account of this host's own files), UNAVAIL (not known and not to be found out
 * now), BUSY (too many attempts are being judged), DENIED (this caller may not ask that
 * about this account), BAD, VERSION. A verdict that is not listed here, 0 among them, is a
 * failure.
 */
#pragma once

/* PAM_AUTH. */
enum ku_auth_verdict {
	KU_AUTH_OK = 1, /* the server accepted the password */
	KU_AUTH_OK_CACHED =
	    2,              /* the cached credential accepts it, the server is silent */
	KU_AUTH_DENIED = 3, /* the server refused it: wrong, locked, expired, none set */
	KU_AUTH_WRONG = 4,  /* offline: the cached credential does not accept it */
	KU_AUTH_NO_CREDENTIAL = 5, /* offline, and no password was ever used here */
	KU_AUTH_SUSPENDED = 6, /* offline, and the server refused the cached one lately */
	KU_AUTH_WAIT = 7,      /* offline, too many wrong ones: again in `seconds` */
	KU_AUTH_TOO_OLD = 8,   /* offline, older than offline_auth_max_age */
	KU_AUTH_INVALID = 9,   /* offline, the account is known not to be valid */
};

/* PAM_ACCT. */
enum ku_acct_verdict {
	KU_ACCT_OK = 1,
	KU_ACCT_EXPIRED =
	    2, /* expired, or not yet valid: the server does not say which */
	KU_ACCT_NOT_ALLOWED = 3, /* in none of pam_allowed_login_groups */
	KU_ACCT_NOBODY = 4,      /* pam_allowed_login_groups is empty */
};

/* PAM_SESSION. */
enum ku_session_verdict {
	KU_SESSION_OK = 1,     /* the home directory is there */
	KU_SESSION_FAILED = 2, /* it is not; `text` is for the person */
	KU_SESSION_NO_TASKS =
	    3, /* nobody here can make or check it; `home` is its path */
};
#define KU_SESSION_DENY 1u /* home_failure = "deny": without a home no session */
#define KU_SESSION_LOOK \
	2u /* NO_TASKS: a local file system, the module may look at `home` */

/* Request flags. */
#define KU_PAM_SILENT 1u
/* PAM_AUTH about a name that PAM_LOOKUP did not know, without its password: nothing is
 * judged, the answer (never OK) comes when that of a wrong password would. */
#define KU_PAM_HOLD 2u
