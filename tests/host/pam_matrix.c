/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the built module says, for every reason and entry point, as rows of text on stdout:
 *
 *	reason TAB entry TAB return TAB message TAB audit
 *
 * tests/host/pam-matrix makes docs/pam-matrix.md of them and compares: a change of what a
 * host is told is a change of that page, which somebody reads. What no row may do is judged
 * here: PAM_USER changes, a descriptor stays, a password is sent where none is due.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/pamhost.h"
#include "host/pamhost_map.h"
#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/deadline.h"
#include "src/base/util.h"

/* The code of the module itself becomes the code of the stack; where libpam has none for it
 * (IGNORE), a second module says so. */
#define CONTROL "[success=done default=die ignore=ignore]"
#define STACK(options)                                                         \
	"auth " CONTROL " MODULE " options "\n"                                \
	"auth required pam_debug.so auth=module_unknown cred=module_unknown\n" \
	"account " CONTROL " MODULE " options "\n"                             \
	"account required pam_debug.so acct=module_unknown\n"                  \
	"session " CONTROL " MODULE " options "\n"                             \
	"session required pam_debug.so open_session=module_unknown\n"          \
	"password " CONTROL " MODULE " options "\n"                            \
	"password required pam_debug.so prechauthtok=module_unknown\n"
#define PLAIN "plain"
#define WITH  "ignoring"

enum entry {
	AUTH,
	ACCOUNT,
	OPEN,
	CLOSE,
	SETCRED,
	PASSWORD,
};

static const char *const entry_names[] = { "authenticate", "acct_mgmt", "open_session",
	"close_session", "setcred", "chauthtok" };

static struct fake fake;
static unsigned n_bad;

static void
complain(const char *reason, const char *what)
{
	(void)fprintf(stderr, "%s: %s\n", reason, what);
	n_bad++;
}

static int
call(pam_handle_t *pamh, enum entry e)
{
	switch (e) {
	case AUTH:
		return pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK);
	case ACCOUNT:
		return pam_acct_mgmt(pamh, 0);
	case OPEN:
		return pam_open_session(pamh, 0);
	case CLOSE:
		return pam_close_session(pamh, 0);
	case SETCRED:
		return pam_setcred(pamh, PAM_ESTABLISH_CRED);
	case PASSWORD:
	default:
		return pam_chauthtok(pamh, 0);
	}
}

/* Uids are the caller's and say nothing in a table. */
static void
print_audit(const char *journal)
{
	for (const char *at = journal; *at != '\0'; at++) {
		if (*at == '\n')
			(void)fputs(" | ", stdout);
		else if (*at == '\t')
			(void)putchar(' ');
		else
			(void)putchar(*at);
	}
}

static void
judge(const char *reason, enum entry e, const char *user, pam_handle_t *pamh,
    const struct person *p, int code, int fds)
{
	const void *item = NULL;

	if (pam_get_item(pamh, PAM_USER, &item) != PAM_SUCCESS || item == NULL ||
	    !streq(item, user))
		complain(reason, "PAM_USER was changed");
	if (p->n_bad > 0)
		complain(reason, "not one message at a time, or an untidy one");
	if (count_fds() != fds)
		complain(reason, "a descriptor is left, or one too few");
	if (e != AUTH && p->n_asked > 0)
		complain(reason, "somebody was asked for a password");
	if (e != AUTH && fake.pid > 0 && fake.ctl->pam_requests[1] > 0)
		complain(reason, "a password was sent");
	if (code != PAM_MODULE_UNKNOWN && strcmp(pamhost_code(code), "?") == 0)
		complain(reason, "an unheard-of code");
}

/* One call, one row. */
static void
row_as(const char *service, const char *reason, enum entry e, const char *user,
    const char *typed)
{
	struct person p = { .answers = { typed } };
	pam_handle_t *pamh = pamhost_start(service, user, &p);
	int fds, code;

	if (pam_set_item(pamh, PAM_TTY, "pts/7") != PAM_SUCCESS ||
	    pam_set_item(pamh, PAM_RHOST, "198.51.100.7") != PAM_SUCCESS)
		abort();
	if (fake.pid > 0)
		memset(fake.ctl->pam_requests, 0, sizeof(fake.ctl->pam_requests));
	(void)pamhost_journal();
	fds = count_fds();
	code = call(pamh, e);
	if (code == PAM_MODULE_UNKNOWN && strncmp(p.told, "info: ", 6) == 0)
		p.told[0] = '\0'; /* what pam_debug says */
	(void)printf("%s\t%s\t%s\t%s\t", reason, entry_names[e],
	    code == PAM_MODULE_UNKNOWN ? "IGNORE" : pamhost_code(code), p.told);
	print_audit(pamhost_journal());
	(void)putchar('\n');
	judge(reason, e, user, pamh, &p, code, fds);
	if (pam_end(pamh, code) != PAM_SUCCESS)
		complain(reason, "pam_end");
}

static void
row(const char *reason, enum entry e, const char *user, const char *typed)
{
	row_as(WITH, reason, e, user, typed);
}

/* authenticate, acct_mgmt and open_session, as amendment and issue ask for. */
static void
rows(const char *reason, const char *user)
{
	row(reason, AUTH, user, FAKE_PASSWORD);
	row(reason, ACCOUNT, user, NULL);
	row(reason, OPEN, user, NULL);
}

static void
all_rows(const char *reason, const char *user)
{
	rows(reason, user);
	row(reason, SETCRED, user, NULL);
	row(reason, CLOSE, user, NULL);
	row(reason, PASSWORD, user, NULL);
}

static void
reset(void)
{
	fake_pam_reset(&fake);
	fake_set(&fake, FAKE_ANSWER, 0);
}

static void
passwords(void)
{
	static const struct {
		const char *reason;
		uint32_t verdict;
	} verdicts[] = {
		{ "accepted by the server", KU_AUTH_OK },
		{ "accepted from the cache", KU_AUTH_OK_CACHED },
		{ "server denies: wrong, locked, expired or none set", KU_AUTH_DENIED },
		{ "offline: wrong", KU_AUTH_WRONG },
		{ "offline: no password was used here", KU_AUTH_NO_CREDENTIAL },
		{ "offline: suspended", KU_AUTH_SUSPENDED },
		{ "offline: too many wrong ones", KU_AUTH_WAIT },
		{ "offline: too old", KU_AUTH_TOO_OLD },
		{ "offline: known not to be valid", KU_AUTH_INVALID },
		{ "a verdict that does not exist", 77 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		reset();
		fake.ctl->pam.auth_verdict = verdicts[i].verdict;
		fake.ctl->pam.seconds = 16;
		row(verdicts[i].reason, AUTH, "alice", FAKE_PASSWORD);
	}
	reset();
	row("empty password", AUTH, "alice", "");
	if (fake.ctl->pam_requests[1] != 0)
		complain("empty password", "was sent");
}

static void
long_password(void)
{
	char text[KU_MAX_PASSWORD + 2];

	memset(text, 'x', sizeof(text));
	text[KU_MAX_PASSWORD + 1] = '\0';
	row("password of 513 characters", AUTH, "alice", text);
	if (fake.ctl->pam_requests[1] != 0)
		complain("long password", "was sent");
	text[KU_MAX_PASSWORD] = '\0';
	row("password of 512 characters, wrong", AUTH, "alice", text);
	if (strlen(fake.ctl->seen.password) != KU_MAX_PASSWORD)
		complain("password of 512 characters", "was not sent");
}

static void
accounts(void)
{
	static const struct {
		const char *reason;
		uint32_t verdict;
	} verdicts[] = {
		{ "allowed", KU_ACCT_OK },
		{ "expired or not yet valid", KU_ACCT_EXPIRED },
		{ "not in an allowed group", KU_ACCT_NOT_ALLOWED },
		{ "no group is allowed", KU_ACCT_NOBODY },
		{ "a verdict that does not exist", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		reset();
		fake.ctl->pam.acct_verdict = verdicts[i].verdict;
		row(verdicts[i].reason, ACCOUNT, "alice", NULL);
	}
}

static void
session(const char *reason, uint32_t verdict, uint32_t flags, const char *home)
{
	reset();
	fake.ctl->pam.session_verdict = verdict;
	fake.ctl->pam.session_flags = flags;
	(void)snprintf(fake.ctl->pam.home, sizeof(fake.ctl->pam.home), "%s", home);
	(void)snprintf(fake.ctl->pam.text, sizeof(fake.ctl->pam.text),
	    "The disk of this host is full");
	row(reason, OPEN, "alice", NULL);
}

static void
homes(void)
{
	if (mkdir("/run/home", 0755) != 0 || mkdir("/run/home/alice", 0700) != 0)
		abort();
	session("home is there", KU_SESSION_OK, 0, "");
	session("home failed, home_failure = allow", KU_SESSION_FAILED, 0, "");
	session("home failed, home_failure = deny", KU_SESSION_FAILED, KU_SESSION_DENY,
	    "");
	session("tasks down, home is there", KU_SESSION_NO_TASKS, KU_SESSION_LOOK,
	    "/run/home/alice");
	session("tasks down, no home, home_failure = allow", KU_SESSION_NO_TASKS,
	    KU_SESSION_LOOK, "/run/home/nobody");
	session("tasks down, no home, home_failure = deny", KU_SESSION_NO_TASKS,
	    KU_SESSION_LOOK | KU_SESSION_DENY, "/run/home/nobody");
	session("tasks down, home on a network file system", KU_SESSION_NO_TASKS,
	    KU_SESSION_DENY, "/run/home/nobody");
	session("a verdict that does not exist", 9, 0, "");
}

static void
statuses(void)
{
	static const struct {
		const char *reason;
		uint16_t status;
	} all[] = {
		{ "not known, and cannot be found out", KU_ST_UNAVAIL },
		{ "busy", KU_ST_BUSY },
		{ "this caller may not ask", KU_ST_DENIED },
		{ "request not understood", KU_ST_BAD },
		{ "daemon of another version", KU_ST_VERSION },
		{ "gone since it was looked up", KU_ST_NOTFOUND },
		{ "a status that does not exist", 999 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		reset();
		fake.ctl->pam.status = all[i].status;
		rows(all[i].reason, "alice");
	}
	reset();
	fake.ctl->pam.lookup_status = KU_ST_UNAVAIL;
	row("lookup: cannot be found out", AUTH, "alice", FAKE_PASSWORD);
	row("lookup: cannot be found out", PASSWORD, "alice", NULL);
}

/* ---- who is local ---- */

/* {local, local added since, overridden, ours} x {auth, account, session}. To a daemon that
 * does not answer strangers are as ours. */
static void
people(const char *world, bool strangers)
{
	static const struct {
		const char *what;
		const char *user;
	} who[] = {
		{ "root", "root" },
		{ "local", "svc" },
		{ "local, in capitals", "SVC" },
		{ "local added since", "newbie" },
		{ "overridden", "ours.ops" },
		{ "uid 0 by another name", "ours.toor" },
		{ "ours", "alice" },
		{ "unknown", "ghost" },
	};
	char reason[128];

	for (size_t i = 0; i < ARRAY_SIZE(who) - !strangers; i++) {
		(void)snprintf(reason, sizeof(reason), "%s, %s", who[i].what, world);
		rows(reason, who[i].user);
	}
}

static int
come_in(const char *service, const char *user, unsigned *ret_asked)
{
	struct person p = { .answers = { FAKE_PASSWORD } };
	pam_handle_t *pamh = pamhost_start(service, user, &p);
	int code = pam_authenticate(pamh, 0);

	(void)pam_end(pamh, code);
	*ret_asked = p.n_asked;
	return code;
}

/* The line that the security model has for hosts without overrides, where the map and the
 * daemon say that a local account is the server's: with it the daemon hears of nobody local,
 * and they get in by what stands in front of it (here: nothing). */
static void
localuser_in_front(void)
{
	static const struct {
		const char *service;
		const char *first;
		int code;
		unsigned n_sent;
	} t[] = {
		{ "shipped", "", PAM_SUCCESS, 1 },
		{ "local-first", "auth [success=1 default=ignore] pam_localuser.so\n",
		    PAM_AUTH_ERR, 0 },
	};
	char stack[512];
	unsigned asked;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		(void)snprintf(stack, sizeof(stack),
		    "%sauth [success=1 default=ignore] MODULE ignore_unknown_user\n"
		    "auth requisite pam_deny.so\n"
		    "auth required pam_permit.so\n",
		    t[i].first);
		pamhost_stack_text(t[i].service, stack);
		memset(fake.ctl->pam_requests, 0, sizeof(fake.ctl->pam_requests));
		if (come_in(t[i].service, "ours.ops", &asked) != t[i].code)
			complain(t[i].service, "another verdict about a local account");
		if (fake.ctl->pam_requests[1] != t[i].n_sent || asked != t[i].n_sent)
			complain(t[i].service, "who was asked about a local account?");
		if (come_in(t[i].service, "alice", &asked) != PAM_SUCCESS)
			complain(t[i].service, "alice does not get in");
	}
	(void)pamhost_journal();
}

static void
local_people(void)
{
	pamhost_passwd("svc:x:999:999::/:/bin/sh\nours.toor:x:0:0::/:/bin/sh\n"
		       "ours.ops:x:998:998::/:/bin/sh\n");
	pamhost_map();
	pamhost_passwd("svc:x:999:999::/:/bin/sh\nours.toor:x:0:0::/:/bin/sh\n"
		       "ours.ops:x:998:998::/:/bin/sh\nnewbie:x:1000:1000::/:/bin/sh\n");
	people("daemon up", true);
	localuser_in_front();
	fake_set(&fake, FAKE_FROZEN, 0);
	people("daemon frozen", false);
	fake_stop(&fake);
	(void)unlink(MODULE_SOCK);
	people("daemon dead", true);
	(void)unlink(KU_PATH_MAP);
	people("daemon dead, map gone", true);
	fake_start(&fake, MODULE_SOCK, 64);
	fake_set(&fake, FAKE_FROZEN, 0);
	people("daemon frozen, map gone", false);
	reset();
	people("daemon up, map gone", true);
}

static void
wires(void)
{
	reset();
	fake_set_op(&fake, FAKE_FROZEN, 0, KU_OP_PAM_ACCT);
	row("daemon freezes after the lookup", ACCOUNT, "alice", NULL);
	fake.ctl->pam.deadline_ms = 100;
	fake_set_op(&fake, FAKE_FROZEN, 0, KU_OP_PAM_AUTH);
	row("daemon freezes after the lookup", AUTH, "alice", FAKE_PASSWORD);
	fake_set(&fake, FAKE_HUGE_COUNTS, 0);
	rows("nonsense from the daemon", "alice");
	fake_set(&fake, FAKE_WRONG_SERIAL, 0);
	rows("an answer to something else", "alice");
}

static void
impostor(void)
{
	fake_stop(&fake);
	fake_start_as(&fake, MODULE_SOCK, 64, 4242);
	rows("somebody else listens at the socket", "alice");
	if (fake_requests(&fake) != 0)
		complain("impostor", "was sent something");
	/* the daemon's own user is believed when the directory is its own */
	if (chown(MODULE_RUNDIR, 4242, 4242) != 0)
		abort();
	row("the daemon's own user listens", AUTH, "alice", FAKE_PASSWORD);
	if (chmod(MODULE_RUNDIR, 0775) != 0)
		abort();
	row("others can write to the socket's directory", AUTH, "alice", FAKE_PASSWORD);
	if (fake_requests(&fake) != 2)
		complain("writable directory", "something was sent");
	if (chmod(MODULE_RUNDIR, 0755) != 0 || chown(MODULE_RUNDIR, 0, 0) != 0)
		abort();
	fake_stop(&fake);
	fake_start(&fake, MODULE_SOCK, 64);
}

static void
others(void)
{
	reset();
	all_rows("all is well", "alice");
	all_rows("all is well, by SPN", "alice@idm.example");
	all_rows("not known to the server", "ghost");
	all_rows("not a name", "alice,x");
	row_as(PLAIN, "not known, without ignore_unknown_user", AUTH, "ghost", NULL);
	row_as(PLAIN, "not known, without ignore_unknown_user", ACCOUNT, "ghost", NULL);
	row_as(PLAIN, "not known, without ignore_unknown_user", OPEN, "ghost", NULL);
	row_as(PLAIN, "root, without ignore_unknown_user", AUTH, "root", NULL);
}

int
main(void)
{
	pamhost_enter();
	pamhost_stack_text(WITH, STACK("ignore_unknown_user"));
	pamhost_stack_text(PLAIN, STACK(""));
	fake_start(&fake, MODULE_SOCK, 64);
	others();
	passwords();
	long_password();
	accounts();
	homes();
	statuses();
	wires();
	impostor();
	local_people();
	fake_stop(&fake);
	return n_bad > 0 || fflush(stdout) != 0;
}
