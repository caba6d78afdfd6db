/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table. What is said before somebody proved to be somebody tells nothing about the
 * account: a wrong password offline is silent, and the text for "the server refused it" is
 * the same for a wrong, a locked and a missing one. Nothing but a name that is not ours may
 * ever become PAM_IGNORE, so that code is not in here.
 */
#include "pam/reasons.h"

#include <stddef.h>
#include <string.h>
#include <syslog.h>

#include <security/_pam_types.h>

#define CODES(auth, cred, acct, open, passwd)                                \
	{                                                                    \
		PAM_##auth, PAM_##cred, PAM_##acct, PAM_##open, PAM_##passwd \
	}
/* Reasons of one entry point. */
#define AUTH(code)   CODES(code, SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR)
#define ACCT(code)   CODES(SYSTEM_ERR, SYSTEM_ERR, code, SYSTEM_ERR, SYSTEM_ERR)
#define OPEN(code)   CODES(SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR, code, SYSTEM_ERR)
#define PASSWD(code) CODES(SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR, code)
/* The daemon cannot be asked: no way in, but what is open stays open. */
#define TROUBLE CODES(AUTHINFO_UNAVAIL, SUCCESS, AUTHINFO_UNAVAIL, SUCCESS, TRY_AGAIN)

#define REFUSED (REASON_AUDIT | REASON_DELAY)

/* clang-format off */
static const struct reason reasons[N_REASONS] = {
	[REASON_OURS] = { "ours", CODES(SYSTEM_ERR, SUCCESS, SYSTEM_ERR, SYSTEM_ERR, SYSTEM_ERR),
		LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_NOT_OURS] = { "not ours",
		CODES(USER_UNKNOWN, USER_UNKNOWN, USER_UNKNOWN, USER_UNKNOWN, USER_UNKNOWN),
		LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_NO_NAME] = { "no name", CODES(CONV_ERR, CRED_UNAVAIL, CONV_ERR, SESSION_ERR, AUTHTOK_ERR),
		LOG_NOTICE, 0, WITH_NOTHING, "the application gave no user name", NULL },
	[REASON_NAME_LATER] = { "name later",
		CODES(INCOMPLETE, CRED_UNAVAIL, INCOMPLETE, SESSION_ERR, INCOMPLETE),
		LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_LOCAL_UNREADABLE] = { "local file unreadable", TROUBLE,
		LOG_ERR, REASON_ERRNO, WITH_NOTHING, "cannot read the local accounts", NULL },

	[REASON_NO_DAEMON] = { "daemon down", TROUBLE,
		LOG_ERR, REASON_ERRNO, WITH_NOTHING, "cannot ask kanidm_unixd", NULL },
	[REASON_TIMEOUT] = { "daemon frozen", TROUBLE,
		LOG_ERR, 0, WITH_NOTHING, "kanidm_unixd did not answer in time", NULL },
	[REASON_IMPOSTOR] = { "impostor", TROUBLE,
		LOG_ERR, 0, WITH_NOTHING,
		"whoever listens at the socket is neither root nor the owner of its directory, or others can write to that; nothing was sent",
		NULL },
	[REASON_NO_MEANS] = { "no memory or descriptors", TROUBLE,
		LOG_CRIT, REASON_ERRNO, WITH_NOTHING, "cannot ask kanidm_unixd", NULL },
	[REASON_PROTOCOL] = { "protocol error",
		CODES(AUTHINFO_UNAVAIL, SUCCESS, AUTHINFO_UNAVAIL, SESSION_ERR, TRY_AGAIN),
		LOG_ERR, 0, WITH_NOTHING, "the answer of kanidm_unixd makes no sense", NULL },
	[REASON_VERSION] = { "another version", TROUBLE, LOG_ERR, 0, WITH_NOTHING,
		"kanidm_unixd speaks another version of the protocol than this module", NULL },
	[REASON_NOT_KNOWN_NOW] = { "not known now", TROUBLE,
		LOG_NOTICE, 0, WITH_NOTHING, "the account cannot be looked up now", NULL },
	[REASON_BUSY] = { "busy", TROUBLE,
		LOG_NOTICE, 0, WITH_NOTHING, "too many requests at once",
		"The identity service of this host is busy; please try again" },
	[REASON_CALLER] = { "caller may not ask",
		CODES(CRED_INSUFFICIENT, SUCCESS, PERM_DENIED, SUCCESS, PERM_DENIED),
		LOG_ERR, 0, WITH_NOTHING,
		"this process may not ask about somebody else (see pam_allowed_callers)", NULL },

	[REASON_NOTHING_STACKED] = { "nothing stacked", AUTH(CRED_INSUFFICIENT),
		LOG_NOTICE, 0, WITH_NOTHING,
		"use_authtok, and no module before this one has a password", NULL },
	[REASON_NO_REPLY] = { "no password typed", AUTH(CRED_INSUFFICIENT),
		LOG_NOTICE, 0, WITH_NOTHING, "the application gave no password", NULL },
	[REASON_CONV_FAILED] = { "conversation failed", AUTH(CONV_ERR),
		LOG_NOTICE, 0, WITH_NOTHING, "the application could not ask for a password", NULL },
	[REASON_CONV_LATER] = { "conversation wants to wait", AUTH(INCOMPLETE),
		LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_EMPTY] = { "empty password", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED | REASON_AGAIN, WITH_NOTHING, "empty password", NULL },
	[REASON_TOO_LONG] = { "password too long", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED | REASON_AGAIN, WITH_NOTHING, "password too long", NULL },
	[REASON_ACCEPTED] = { "accepted", AUTH(SUCCESS),
		LOG_INFO, REASON_AUDIT, WITH_NOTHING, NULL, NULL },
	[REASON_ACCEPTED_CACHED] = { "accepted from the cache", AUTH(SUCCESS),
		LOG_INFO, REASON_AUDIT, WITH_NOTHING,
		"accepted from the cache, the identity server did not answer", NULL },
	[REASON_DENIED] = { "denied", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED | REASON_AGAIN, WITH_NOTHING, "the identity server refused the password",
		"The server refused this password (if you typed it right: it may be locked for a moment, or changed)" },
	[REASON_WRONG] = { "wrong, offline", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED | REASON_AGAIN, WITH_NOTHING,
		"not the cached password, and the identity server did not answer", NULL },
	[REASON_NO_CREDENTIAL] = { "no cached password", AUTH(AUTHINFO_UNAVAIL),
		LOG_NOTICE, REASON_DELAY, WITH_NOTHING,
		"the identity server did not answer, and no password is cached",
		"The identity server cannot be reached and this password has not been used here before" },
	[REASON_SUSPENDED] = { "cached password suspended", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED, WITH_NOTHING,
		"the identity server refused the cached password lately, and does not answer now",
		"The identity server cannot be reached, and it refused this password lately" },
	[REASON_WAIT] = { "too many wrong ones", AUTH(MAXTRIES),
		LOG_NOTICE, REFUSED, WITH_SECONDS, "too many wrong passwords while the identity server is away",
		"Too many wrong passwords; try again in %s s" },
	[REASON_TOO_OLD] = { "cached password too old", AUTH(AUTHINFO_UNAVAIL),
		LOG_NOTICE, REASON_DELAY, WITH_NOTHING,
		"the identity server did not answer, and the cached password is older than offline_auth_max_age",
		"The identity server cannot be reached, and it was too long ago that this password was used here" },
	[REASON_INVALID] = { "not valid, offline", AUTH(AUTH_ERR),
		LOG_NOTICE, REFUSED, WITH_NOTHING, "the account is known not to be valid", NULL },

	[REASON_ALLOWED] = { "allowed", ACCT(SUCCESS), LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_EXPIRED] = { "expired", ACCT(ACCT_EXPIRED),
		LOG_NOTICE, 0, WITH_NOTHING, "the account has expired or is not valid yet",
		"Your account has expired or is not valid yet" },
	[REASON_NOT_ALLOWED] = { "not in group", ACCT(PERM_DENIED),
		LOG_NOTICE, 0, WITH_NOTHING, "in none of pam_allowed_login_groups",
		"You are not a member of a group that is allowed on this host" },
	[REASON_NOBODY] = { "nobody allowed", ACCT(PERM_DENIED),
		LOG_NOTICE, 0, WITH_NOTHING, "pam_allowed_login_groups is empty: nobody may log in",
		"Nobody is allowed to log in on this host yet (its administrator has to name a group)" },

	[REASON_HOME] = { "home is there", OPEN(SUCCESS), LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
	[REASON_HOME_FAILED] = { "home failed, allow", OPEN(SUCCESS),
		LOG_WARNING, REASON_INFO, WITH_TEXT, "the home directory could not be made", "%s" },
	[REASON_HOME_FAILED_DENY] = { "home failed, deny", OPEN(SESSION_ERR),
		LOG_NOTICE, 0, WITH_TEXT, "the home directory could not be made, and home_failure = \"deny\"", "%s" },
	[REASON_HOME_MISSING] = { "no home and no tasks, allow", OPEN(SUCCESS),
		LOG_WARNING, REASON_INFO, WITH_HOME,
		"there is no home directory, and kanidm_unixd_tasks does not run",
		"Your home directory %s does not exist and cannot be made now" },
	[REASON_HOME_MISSING_DENY] = { "no home and no tasks, deny", OPEN(SESSION_ERR),
		LOG_NOTICE, 0, WITH_HOME,
		"there is no home directory, kanidm_unixd_tasks does not run, and home_failure = \"deny\"",
		"Your home directory %s does not exist and cannot be made now" },
	[REASON_HOME_UNSEEN] = { "home not looked at", OPEN(SUCCESS),
		LOG_INFO, 0, WITH_NOTHING, "kanidm_unixd_tasks does not run; the home directory was not looked at",
		NULL },

	[REASON_ELSEWHERE] = { "changed elsewhere", PASSWD(AUTHTOK_ERR),
		LOG_INFO, REASON_INFO, WITH_URI, "told where to change the password",
		"This password cannot be changed here. Please change it at %s" },
	[REASON_ELSEWHERE_TOLD] = { "changed elsewhere, second pass", PASSWD(AUTHTOK_ERR),
		LOG_DEBUG, 0, WITH_NOTHING, NULL, NULL },
};
/* clang-format on */

const struct reason *
reason_get(enum reason_id id)
{
	return &reasons[(unsigned)id < N_REASONS ? (unsigned)id : REASON_PROTOCOL];
}

bool
reason_text(const struct reason *why, const char *with, char *to, unsigned cap)
{
	const char *from = why->say, *mark;
	unsigned n = 0;

	if (from == NULL || cap == 0 || (why->with != WITH_NOTHING && with[0] == '\0'))
		return false;
	mark = why->with == WITH_NOTHING ? NULL : strstr(from, "%s");
	while (*from != '\0' && n + 1 < cap) {
		if (from != mark) {
			to[n++] = *from++;
			continue;
		}
		for (from += 2; *with != '\0' && n + 1 < cap; with++)
			to[n++] = *with;
	}
	to[n] = '\0';
	return true;
}
