/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The stacks of PAM are the distribution's: its tool changes them, where it has one that knows
 * us. Elsewhere the lines are shown and nobody touches anything, because a wrong line here
 * keeps everybody out.
 */
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_pam.h"
#include "tools/setup_internal.h"

#define OURS            "pam_kanidm.so"
#define AUTH_UPDATE     "/usr/sbin/pam-auth-update"
#define PROFILE         "/usr/share/pam-configs/kanidm"
#define AUTHSELECT      "/usr/bin/authselect"
#define AUTHSELECT_CONF "/etc/authselect/authselect.conf"

static bool
has_module(const struct pam_stack *stack, enum pam_phase phase, const char *start)
{
	for (size_t i = 0; i < stack->n; i++) {
		if (stack->v[i].phase == phase &&
		    strncmp(stack->v[i].module, start, strlen(start)) == 0)
			return true;
	}
	return false;
}

/* Where people come in, and what is included there. */
static const char *const services[] = { "login", "remote", "sshd", "su", "su-l",
	"runuser-l", "sudo", "sudo-i", "cron", "atd", "polkit-1", "other", "gdm-password",
	"lightdm", "sddm", "xdm", "kde", "systemd-user", "common-auth", "common-account",
	"system-auth", "password-auth" };

/* Says which stacks would keep root out; false: there are none. */
static bool
says_no_unix(const struct setup *s)
{
	static const enum pam_phase phases[] = { PAM_PHASE_AUTH, PAM_PHASE_ACCOUNT };
	bool said = false;

	for (size_t i = 0; i < ARRAY_SIZE(services) * ARRAY_SIZE(phases); i++) {
		const char *service = services[i / ARRAY_SIZE(phases)];
		enum pam_phase phase = phases[i % ARRAY_SIZE(phases)];
		cleanup_(pam_stack_clear) struct pam_stack stack = { 0 };

		pam_stack_read(&s->c, service, &stack);
		if (!has_module(&stack, phase, OURS) ||
		    has_module(&stack, phase, "pam_unix"))
			continue;
		if (!said)
			(void)fputs("setup: PAM is not touched. " OURS
				    " stands without pam_unix.so in:\n",
			    s->t->err);
		said = true;
		(void)fprintf(s->t->err, "/etc/pam.d/%s %s\n", service,
		    pam_phase_text(phase));
	}
	if (said)
		(void)fputs(
		    "This module checks no local accounts, so root and all of them are kept "
		    "out. Add, each above the\n"
		    "line of " OURS " in the file that has it:\n\n"
		    "auth     sufficient  pam_unix.so\n"
		    "account  sufficient  pam_unix.so\n\n"
		    "Then try a second login as root or another local account, and run setup "
		    "again.\n",
		    s->t->err);
	return said;
}

/* Is our module in every phase of this service? */
static bool
is_complete(const struct setup *s, const char *service)
{
	cleanup_(pam_stack_clear) struct pam_stack stack = { 0 };

	pam_stack_read(&s->c, service, &stack);
	return has_module(&stack, PAM_PHASE_AUTH, OURS) &&
	    has_module(&stack, PAM_PHASE_ACCOUNT, OURS) &&
	    has_module(&stack, PAM_PHASE_SESSION, OURS);
}

static bool
is_there(const struct setup *s, const char *path)
{
	struct stat st;

	return check_stat(&s->c, path, &st);
}

static bool
is_debian_complete(const struct setup *s)
{
	static const struct {
		const char *file;
		enum pam_phase phase;
	} files[] = {
		{ "common-auth", PAM_PHASE_AUTH },
		{ "common-account", PAM_PHASE_ACCOUNT },
		{ "common-session", PAM_PHASE_SESSION },
		{ "common-password", PAM_PHASE_PASSWORD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		cleanup_(pam_stack_clear) struct pam_stack stack = { 0 };

		pam_stack_read(&s->c, files[i].file, &stack);
		if (!has_module(&stack, files[i].phase, OURS))
			return false;
	}
	return true;
}

/* The name by which authselect knows our profile; NULL: it does not. */
static const char *
authselect_profile(const struct setup *s)
{
	if (is_there(s, "/etc/authselect/custom/kanidm/README"))
		return "custom/kanidm";
	return is_there(s, "/usr/share/authselect/vendor/kanidm/README") ? "kanidm"
									 : NULL;
}

/* Does authselect own the files, and know us? Then nsswitch.conf is its, too. */
bool
setup_is_authselect(const struct setup *s)
{
	return is_there(s, AUTHSELECT) && is_there(s, AUTHSELECT_CONF) &&
	    authselect_profile(s) != NULL;
}

/* Every service by which people come in that is there. */
static bool
is_every_complete(const struct setup *s)
{
	static const char *const main_ones[] = { "login", "sshd", "system-auth" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(main_ones); i++) {
		cleanup_(freep) char *path = xasprintf("/etc/pam.d/%s", main_ones[i]);
		cleanup_(
		    freep) char *vendor = xasprintf("/usr/lib/pam.d/%s", main_ones[i]);

		if (!is_there(s, path) && !is_there(s, vendor))
			continue;
		any = true;
		if (!is_complete(s, main_ones[i]))
			return false;
	}
	return any;
}

enum setup_pam
setup_pam_plan(struct setup *s)
{
	if (says_no_unix(s))
		return SETUP_PAM_NO_UNIX;
	if (is_there(s, AUTH_UPDATE) && is_there(s, PROFILE))
		return is_debian_complete(s) ? SETUP_PAM_FINE : SETUP_PAM_AUTH_UPDATE;
	if (is_every_complete(s))
		return SETUP_PAM_FINE;
	return setup_is_authselect(s) ? SETUP_PAM_AUTHSELECT : SETUP_PAM_BY_HAND;
}

static bool
run_auth_update(struct setup *s)
{
	static const char *const argv[] = { "/usr/bin/env",
		"DEBIAN_FRONTEND=noninteractive", AUTH_UPDATE, "--enable", "kanidm",
		NULL };
	char buf[1500];
	int rc = check_run(&s->c, argv, buf, sizeof(buf));

	if (rc == 0 && is_debian_complete(s)) {
		(void)fprintf(s->t->out, "done: pam-auth-update --enable kanidm\n");
		return true;
	}
	if (rc == 0)
		(void)fputs(
		    "setup: pam-auth-update leaves /etc/pam.d/common-* as they are, "
		    "because they were edited by hand.\n"
		    "This writes them anew, without those edits:  pam-auth-update "
		    "--force --enable kanidm\n",
		    s->t->err);
	else
		(void)fprintf(s->t->err, "setup: pam-auth-update: %s\n",
		    rc < 0 ? strerror(-rc) : buf);
	return false;
}

static bool
has_word(char *const *v, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (streq(v[i], word))
			return true;
	}
	return false;
}

static bool
select_profile(struct setup *s, const char *const argv[])
{
	char said[800];
	int rc = check_run(&s->c, argv, said, sizeof(said));

	if (rc == 0)
		(void)fprintf(s->t->out, "done: authselect select %s\n", argv[2]);
	else
		(void)fprintf(s->t->err, "setup: authselect: %s\n",
		    rc < 0 ? strerror(-rc) : said);
	return rc == 0;
}

/* Ours in place of the profile that is selected, with those of its features that ours has. */
static bool
run_authselect(struct setup *s)
{
	const char *profile = authselect_profile(s);
	const char *const current[] = { AUTHSELECT, "current", "--raw", NULL };
	const char *const features[] = { AUTHSELECT, "list-features", profile, NULL };
	const char *argv[40] = { AUTHSELECT, "select", profile };
	char is[512], ours[1024], *v[16], *known[64];
	size_t n = 0, n_known = 0, n_argv = 3;

	if (check_run(&s->c, current, is, sizeof(is)) == 0)
		n = check_words(is, v, ARRAY_SIZE(v));
	if (check_run(&s->c, features, ours, sizeof(ours)) == 0)
		n_known = check_words(ours, known, ARRAY_SIZE(known));
	for (size_t i = 1; i < n; i++) {
		if (has_word(known, n_known, v[i]))
			argv[n_argv++] = v[i];
		else
			(void)fprintf(s->t->out, "not taken over: authselect's %s\n",
			    v[i]);
	}
	if (s->map_group && !has_word(v, n, "with-group-merging"))
		argv[n_argv++] = "with-group-merging";
	return select_profile(s, argv);
}

bool
setup_pam_run(struct setup *s, enum setup_pam way)
{
	return way == SETUP_PAM_AUTH_UPDATE ? run_auth_update(s) : run_authselect(s);
}

/* Does os-release name it, as itself or as what it is like? */
static bool
is_like(const struct setup *s, const char *name)
{
	cleanup_(freep) char *text = NULL;
	char *rest, *line;

	if (check_read(&s->c, "/etc/os-release", &text) < 0)
		return false;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		if ((strncmp(line, "ID=", 3) == 0 || strncmp(line, "ID_LIKE=", 8) == 0) &&
		    strstr(line, name) != NULL)
			return true;
	}
	return false;
}

void
setup_pam_lines(const struct setup *s)
{
	/* The module may go away again, and lines of one's own stay: that keeps nobody out. */
	static const char auth[] = "auth      [success=done default=ignore]  " OURS
				   " ignore_unknown_user use_first_pass",
			  account[] = "account   [success=done ignore=ignore "
				      "user_unknown=ignore module_unknown=ignore "
				      "default=die]  " OURS " ignore_unknown_user",
			  session[] =
			      "session   [success=ok ignore=ignore module_unknown=ignore "
			      "default=bad]  " OURS " ignore_unknown_user";
	const char *files[3] = { "/etc/pam.d/system-auth", "/etc/pam.d/system-auth",
		"/etc/pam.d/system-auth" };
	const char *whole = "docs/pam.md";

	if (is_like(s, "suse")) {
		files[0] = "/etc/pam.d/common-auth";
		files[1] = "/etc/pam.d/common-account";
		files[2] = "/etc/pam.d/common-session";
		whole = "common.opensuse in " KU_PATH_DOCDIR "/pam.d";
	} else if (is_like(s, "fedora") || is_like(s, "rhel")) {
		for (size_t i = 0; i < ARRAY_SIZE(files); i++)
			files[i] = "/etc/pam.d/system-auth and /etc/pam.d/password-auth";
		whole = "system-auth.fedora in " KU_PATH_DOCDIR "/pam.d";
	}
	(void)fprintf(s->t->out,
	    "PAM: no tool of this distribution knows " OURS
	    ", so nothing of it was touched. With a root\n"
	    "shell left open, add\n"
	    "  to %s, behind pam_unix.so (which is \"sufficient\") and before pam_deny.so:\n"
	    "%s\n"
	    "  to %s, before pam_unix.so:\n%s\n"
	    "  to %s, before pam_systemd.so:\n%s\n"
	    "Whole stacks: %s. Then run setup again.\n",
	    files[0], auth, files[1], account, files[2], session, whole);
}
