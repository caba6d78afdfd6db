/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm_ssh_authorizedkeys NAME: what sshd runs as AuthorizedKeysCommand, as user nobody,
 * with an empty environment and perhaps without stdin. It reads no environment variable at
 * all: the daemon always listens at the built-in path. Who is an account of this host is
 * found out without the daemon (ssh_local.h), whose word would let anybody in as root. Trouble
 * goes to syslog (and to a terminal when a person tries it), never to stdout.
 *
 * Some systems put a setuid or capability wrapper of theirs in front of every program that
 * sshd runs. It needs no privilege, so whatever came that way is given back first.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "src/base/fd.h"
#include "src/cli/programs.h"
#include "tools/commands.h"
#include "tools/ssh_local.h"

static void printf_(2, 3) say(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsyslog(priority, fmt, ap);
	va_end(ap);
	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

static int
print_keys(const struct tool *t, const char *name)
{
	uint16_t status = KU_ST_OK;
	int rc = ssh_is_local(KU_PATH_ETC_PASSWD, KU_PATH_UNIXD_CONFIG, name);

	if (rc < 0)
		say(LOG_ERR, "cannot read %s: %s", KU_PATH_ETC_PASSWD, strerror(-rc));
	if (rc != 0)
		return rc < 0;
	rc = cmd_ssh_keys(t, name, &status);
	if (rc < 0) {
		say(LOG_ERR, "cannot ask %s: %s (is kanidm-unixd running?)", t->sock_path,
		    strerror(-rc));
		return 1;
	}
	switch (status) {
	case KU_ST_OK:
	case KU_ST_NOTFOUND:
	case KU_ST_LOCAL:
		return 0;
	case KU_ST_UNAVAIL:
	case KU_ST_BUSY:
		/* Not known here and not to be found out now: no keys, as documented. */
		say(LOG_WARNING,
		    "no keys: the account is not known and the server cannot "
		    "be asked");
		return 0;
	default:
		say(LOG_ERR, "%s answered with status %u", t->sock_path,
		    (unsigned)status);
		return 1;
	}
}

/* getopt and syslog would read the environment. False: privileges could not be dropped. */
static bool
become_the_caller(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	gid_t gid = getgid();
	uid_t uid = getuid();

	(void)clearenv();
	if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return false;
	/* Root itself keeps what it has; a wrapper may have given capabilities to others. */
	return uid == 0 || syscall(SYS_capset, &h, none) == 0;
}

struct answers {
	bool debug;
	bool version;
};

static void
set(void *arg, int key, const char *value)
{
	struct answers *a = arg;

	(void)value;
	a->debug |= key == 'd';
	a->version |= key == 'v';
}

int
main(int argc, char **argv)
{
	struct tool t = { .sock_path = KU_PATH_SOCK, .out = stdout, .err = stderr };
	struct answers a = { 0 };
	struct cli_args args;
	int rc;

	if (!become_the_caller())
		return 1;
	/* sshd may start us without; where there is no /dev/null we go on as we are. */
	(void)!fd_open_missing_stdio();
	openlog("kanidm_ssh_authorizedkeys", LOG_PID, LOG_AUTHPRIV);
	rc = cli_parse(&cli_kanidm_ssh_authorizedkeys, argc, argv, set, &a, &args, stdout,
	    stderr);
	if (rc >= 0)
		return tool_end(rc);
	if (a.version) {
		(void)printf("ssh_authorizedkeys %s\n", KU_VERSION);
		return tool_end(0);
	}
	if (args.operand == NULL) {
		say(LOG_ERR, "No account specified, quitting!");
		return 1;
	}
	t.debug = a.debug;
	return print_keys(&t, args.operand);
}
