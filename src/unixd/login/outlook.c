/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The steps of a login in their order: who is it, may this person in, is there a shell, a
 * password that somebody can judge, a home. The first one that ends it is the reason that
 * is told, so that nobody is sent after the second trouble while the first is still there.
 */
#include "src/unixd/login/outlook.h"

#include <stdio.h>
#include <string.h>

#include "src/base/util.h"

enum row {
	ROW_NO_NAME,
	ROW_LOCAL,
	ROW_GROUP,
	ROW_NOBODY,
	ROW_NOT_KNOWN,
	ROW_NOT_KNOWN_AWAY,
	ROW_FORMER,
	ROW_LEFT_OUT,
	ROW_EXPIRED,
	ROW_NOBODY_MAY,
	ROW_NOT_MEMBER,
	ROW_SHELL_ABSENT,
	ROW_SHELL_REFUSES,
	ROW_AWAY_NOT,
	ROW_AWAY_WAIT,
	ROW_AWAY_KEY,
	ROW_AWAY_UNTOLD,
	ROW_HOME_DENIED,
	ROW_HOME_NOT_MADE,
	ROW_REFUSED,
	ROW_AWAY_READY,
	ROW_YES_BOTH,
	ROW_YES_UNTOLD,
	ROW_YES_ONLINE,
	ROW_N,
};

/* {name}, {why}, {away}, {wait}, {shell} and {groups} are replaced. */
/* clang-format off */
static const struct {
	enum outlook_can can;
	const char *text;
} rows[ROW_N] = {
	[ROW_NO_NAME] = { OUTLOOK_UNKNOWN,
		"the server can have nobody of this name; if this host has, pam_unix decides" },
	[ROW_LOCAL] = { OUTLOOK_UNKNOWN,
		"{name} is an account of this host: pam_unix decides, not the server" },
	[ROW_GROUP] = { OUTLOOK_NO, "{name} is a group: nobody logs in by that name" },
	[ROW_NOBODY] = { OUTLOOK_NO,
		"{name} cannot log in: the server has no POSIX account of this name "
		"(kanidm person posix set {name})" },
	[ROW_NOT_KNOWN] = { OUTLOOK_UNKNOWN,
		"{name} is not known here yet; the server is being asked, try again in a moment" },
	[ROW_NOT_KNOWN_AWAY] = { OUTLOOK_NO,
		"{name} cannot log in: not known on this host yet, and the server cannot be asked "
		"({away})" },
	[ROW_FORMER] = { OUTLOOK_NO,
		"{name} cannot log in for some minutes: the name was another account's until "
		"lately" },
	[ROW_LEFT_OUT] = { OUTLOOK_NO,
		"{name} cannot log in: left out on this host because {why}" },
	[ROW_EXPIRED] = { OUTLOOK_NO,
		"{name} cannot log in: the account has expired or is not valid yet" },
	[ROW_NOBODY_MAY] = { OUTLOOK_NO,
		"{name} cannot log in: nobody may log in on this host, because "
		"pam_allowed_login_groups is empty" },
	[ROW_NOT_MEMBER] = { OUTLOOK_NO,
		"{name} cannot log in: not a member of a group that may log in on this host ({groups})" },
	[ROW_SHELL_ABSENT] = { OUTLOOK_NO,
		"{name} cannot log in: the shell {shell} is not on this host" },
	[ROW_SHELL_REFUSES] = { OUTLOOK_NO,
		"{name} cannot log in: the shell is {shell}" },
	[ROW_AWAY_NOT] = { OUTLOOK_NO,
		"{name} cannot log in: the server cannot be reached ({away}), and {why}" },
	[ROW_AWAY_WAIT] = { OUTLOOK_NO,
		"{name} can log in again in {wait} s: too many wrong passwords while the server "
		"cannot be reached ({away})" },
	[ROW_AWAY_KEY] = { OUTLOOK_YES,
		"{name} can log in by ssh key only: the server cannot be reached ({away}), and "
		"{why}" },
	[ROW_AWAY_UNTOLD] = { OUTLOOK_UNKNOWN,
		"{name} may log in, but the server cannot be reached ({away}), and whether a "
		"password is remembered is told to root and to {name} alone" },
	[ROW_HOME_DENIED] = { OUTLOOK_UNKNOWN,
		"{name} can log in only if the home is there already: kanidm_unixd_tasks is not "
		"connected, and home_failure is deny" },
	[ROW_HOME_NOT_MADE] = { OUTLOOK_YES,
		"{name} can log in, but no home is made: kanidm_unixd_tasks is not connected" },
	[ROW_REFUSED] = { OUTLOOK_YES,
		"{name} may log in, but the server refused the last password: it is wrong, was "
		"changed, is locked for a moment, or was never set (kanidm person posix "
		"set-password {name})" },
	[ROW_AWAY_READY] = { OUTLOOK_YES,
		"{name} can log in with the remembered password; the server cannot be reached "
		"({away})" },
	[ROW_YES_BOTH] = { OUTLOOK_YES,
		"{name} can log in, with the server and without it" },
	[ROW_YES_UNTOLD] = { OUTLOOK_YES, "{name} can log in" },
	[ROW_YES_ONLINE] = { OUTLOOK_YES,
		"{name} can log in while the server answers, not without it: {why}" },
};

static const char *const memory_why[MEMORY_N] = {
	[MEMORY_NO_KEY] = "passwords cannot be remembered on this host",
	[MEMORY_NONE] = "no password was accepted on this host yet",
	[MEMORY_SUSPENDED] = "the server refused the password that is remembered",
	[MEMORY_TOO_OLD] = "the last login with the server is longer ago than "
			   "offline_auth_max_age",
};
/* clang-format on */

/* ---- which row ---- */

static bool
shell_refuses(const char *shell)
{
	const char *slash = shell != NULL ? strrchr(shell, '/') : NULL;

	return slash != NULL && (streq(slash, "/nologin") || streq(slash, "/false"));
}

/* ROW_N: nothing speaks against it so far. */
static enum row
judge_who(const struct outlook_facts *f)
{
	switch (f->who) {
	case STANDING_NO_NAME:
		return ROW_NO_NAME;
	case STANDING_LOCAL:
		return ROW_LOCAL;
	case STANDING_GROUP:
		return ROW_GROUP;
	case STANDING_NOBODY:
		return ROW_NOBODY;
	case STANDING_UNKNOWN:
		return f->away != NULL ? ROW_NOT_KNOWN_AWAY : ROW_NOT_KNOWN;
	case STANDING_FORMER:
		return ROW_FORMER;
	case STANDING_LEFT_OUT:
		return ROW_LEFT_OUT;
	case STANDING_PERSON:
		break;
	}
	return ROW_N;
}

static enum row
judge_account(const struct outlook_facts *f)
{
	switch (f->account) {
	case KU_ACCT_EXPIRED:
		return ROW_EXPIRED;
	case KU_ACCT_NOBODY:
		return ROW_NOBODY_MAY;
	case KU_ACCT_NOT_ALLOWED:
		return ROW_NOT_MEMBER;
	case KU_ACCT_OK:
		break;
	}
	if (f->shell_absent)
		return ROW_SHELL_ABSENT;
	return shell_refuses(f->shell) ? ROW_SHELL_REFUSES : ROW_N;
}

static enum row
judge_away(const struct outlook_facts *f)
{
	if (f->away == NULL || f->memory == MEMORY_READY)
		return ROW_N;
	if (f->memory == MEMORY_UNTOLD)
		return ROW_AWAY_UNTOLD;
	if (f->memory == MEMORY_WAIT)
		return ROW_AWAY_WAIT;
	return f->keys ? ROW_AWAY_KEY : ROW_AWAY_NOT;
}

static enum row
judge_rest(const struct outlook_facts *f)
{
	if (!f->tasks)
		return f->home_deny ? ROW_HOME_DENIED : ROW_HOME_NOT_MADE;
	if (f->away != NULL)
		return ROW_AWAY_READY;
	if (f->refused)
		return ROW_REFUSED;
	if (f->memory == MEMORY_UNTOLD)
		return ROW_YES_UNTOLD;
	return memory_why[f->memory] == NULL ? ROW_YES_BOTH : ROW_YES_ONLINE;
}

static enum row
judge(const struct outlook_facts *f)
{
	static enum row (*const steps[])(
	    const struct outlook_facts *f) = { judge_who, judge_account, judge_away };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		enum row row = steps[i](f);

		if (row != ROW_N)
			return row;
	}
	return judge_rest(f);
}

/* ---- its words ---- */

static const char *
word(const struct outlook_facts *f, const char *key, size_t len, char number[16])
{
	const struct {
		const char *key;
		const char *text;
	} words[] = {
		{ "name", f->name },
		{ "why", f->who == STANDING_LEFT_OUT ? f->why : memory_why[f->memory] },
		{ "away", f->away },
		{ "shell", f->shell },
		{ "groups", f->groups },
		{ "wait", number },
	};

	(void)snprintf(number, 16, "%u", f->wait_s);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].key) == len && strncmp(words[i].key, key, len) == 0)
			return words[i].text != NULL ? words[i].text : "?";
	}
	return "?";
}

enum outlook_can
outlook(const struct outlook_facts *f, char text[OUTLOOK_MAX_TEXT])
{
	enum row row = judge(f);
	const char *s = rows[row].text;
	FILE *out = fmemopen(text, OUTLOOK_MAX_TEXT, "w");
	char number[16];

	text[0] = '\0';
	while (out != NULL && *s != '\0') {
		size_t len = strcspn(s, "{");

		(void)fwrite(s, 1, len, out);
		s += len;
		if (*s == '{') {
			len = strcspn(++s, "}");
			(void)fputs(word(f, s, len, number), out);
			s += len + 1;
		}
	}
	if (out != NULL)
		(void)fclose(out);
	text[OUTLOOK_MAX_TEXT - 1] = '\0';
	return rows[row].can;
}

const char *
outlook_can_text(enum outlook_can can)
{
	switch (can) {
	case OUTLOOK_NO:
		return "no";
	case OUTLOOK_YES:
		return "yes";
	case OUTLOOK_UNKNOWN:
		break;
	}
	return "unknown";
}
