/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The journal. One line has a form that Linux-PAM modules share and that tools count
 * failures by; what a client can put into it (host, terminal, user) is reduced to printable
 * characters without blanks, so that a field cannot pretend to be two. Somebody's password
 * typed at "login:" is an unknown user's name: such names are not written down.
 */
#include "pam/audit.h"

#include <errno.h>
#include <syslog.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "src/base/attr.h"

#define FIELD_LEN 128

struct field {
	char text[FIELD_LEN];
};

static struct field
field_of(const char *s)
{
	struct field f = { "" };
	unsigned n = 0;

	for (; s != NULL && s[n] != '\0' && n + 1 < FIELD_LEN; n++)
		f.text[n] = (char)(s[n] > ' ' && s[n] <= '~' ? s[n] : '?');
	f.text[n] = '\0';
	return f;
}

static struct field
item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	if (pam_get_item(pamh, type, &value) != PAM_SUCCESS)
		value = NULL;
	return field_of(value);
}

static void
standard_line(const struct audit *a, int priority, const char *outcome)
{
	struct field tty = item(a->pamh, PAM_TTY), ruser = item(a->pamh, PAM_RUSER),
		     rhost = item(a->pamh, PAM_RHOST), user = field_of(a->user);

	pam_syslog(a->pamh, priority,
	    "authentication %s; logname= uid=%lu euid=%lu tty=%s ruser=%s rhost=%s "
	    "user=%s",
	    outcome, (unsigned long)getuid(), (unsigned long)geteuid(), tty.text,
	    ruser.text, rhost.text, user.text);
}

void
audit_reason(const struct audit *a, const struct reason *why, bool success)
{
	struct field user = field_of(a->user);
	const char *who = a->user == NULL ? "" : "user ";
	const char *colon = a->user == NULL ? "" : ": ";

	if ((why->flags & REASON_AUDIT) != 0)
		standard_line(a, why->priority, success ? "success" : "failure");
	if (why->log == NULL)
		return;
	errno = a->error;
	if ((why->flags & REASON_ERRNO) != 0 && a->error != 0)
		pam_syslog(a->pamh, why->priority, "%s%s%s%s: %m", who, user.text, colon,
		    why->log);
	else
		pam_syslog(a->pamh, why->priority, "%s%s%s%s", who, user.text, colon,
		    why->log);
}
