/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every service of PAM, judged line by line: is pam_kanidm.so asked, can it be passed over,
 * and above all, does the stack still let root in? One file is included by many services,
 * so what is found is told once for each line, with the services that it concerns.
 */
#include "tools/check_pam.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

#define OURS "pam_kanidm.so"

struct note {
	enum check_id id;
	char *where;
	char *text;
	char *services; /* the first few */
	size_t n;
};

struct pam {
	struct check *c;
	const char *service;
	const struct pam_stack *s;
	struct note *notes;
	size_t n_notes;
	bool seen[PAM_N_PHASES]; /* some service has us there */
	size_t n_services;
};

static void
note(struct pam *p, enum check_id id, const char *where, const char *text)
{
	struct note *n = NULL;

	for (size_t i = 0; i < p->n_notes && n == NULL; i++) {
		if (p->notes[i].id == id && streq(p->notes[i].where, where))
			n = &p->notes[i];
	}
	if (n == NULL) {
		p->notes = xreallocarray(p->notes, p->n_notes + 1, sizeof(*p->notes));
		n = &p->notes[p->n_notes++];
		*n = (struct note){ id, xstrdup(where), xstrdup(text), xstrdup(""), 0 };
	}
	if (n->n++ < 3) {
		char *longer = xasprintf("%s%s%s", n->services, n->n > 1 ? ", " : "",
		    p->service);

		free(n->services);
		n->services = longer;
	}
}

static const struct pam_line *
find(const struct pam_stack *s, enum pam_phase phase, const char *module)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].phase == phase && pam_is(&s->v[i], module))
			return &s->v[i];
	}
	return NULL;
}

static const struct pam_line *
find_unix(const struct pam_stack *s, enum pam_phase phase)
{
	static const char *const names[] = { "pam_unix.so", "pam_unix2.so",
		"pam_unix_auth.so", "pam_unix_acct.so", "pam_pwdb.so", "pam_tcb.so" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct pam_line *l = find(s, phase, names[i]);

		if (l != NULL)
			return l;
	}
	return NULL;
}

/* Lines of the phase that `l` passes over at this return value; 0 also for none. */
static size_t
jump(const struct pam_line *l, const char *status)
{
	char buf[32];
	const char *action = pam_action(l, status, buf, sizeof(buf));

	return *action >= '1' && *action <= '9' ? (size_t)strtoul(action, NULL, 10) : 0;
}

static bool
is_action(const struct pam_line *l, const char *status, const char *action)
{
	char buf[32];

	return streq(pam_action(l, status, buf, sizeof(buf)), action);
}

/* The lines of one phase, so that jumps can be counted. At most cap. */
static size_t
of_phase(const struct pam_stack *s, enum pam_phase phase, const struct pam_line **v,
    size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n && n < cap; i++) {
		if (s->v[i].phase == phase)
			v[n++] = &s->v[i];
	}
	return n;
}

static bool
ends_here(const struct pam_line *l)
{
	return pam_is(l, "pam_deny.so") &&
	    (is_action(l, "auth_err", "die") || is_action(l, "auth_err", "bad"));
}

/* Does everybody whom nothing before has accepted come to a pam_deny.so before line `at`? */
static bool
is_after_deny(const struct pam_line *const *v, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (pam_is(v[i], OURS))
			return false; /* that line was reached */
	}
	for (size_t deny = 0; deny < at; deny++) {
		bool passed = false;

		if (!ends_here(v[deny]))
			continue;
		/* A jump for whoever is not of this host may lead around it. */
		for (size_t i = 0; i < deny; i++)
			passed |= i + jump(v[i], "user_unknown") >= deny ||
			    i + jump(v[i], "auth_err") >= deny ||
			    i + jump(v[i], "ignore") >= deny ||
			    i + jump(v[i], "perm_denied") >= deny ||
			    (pam_is(v[i], "pam_permit.so") &&
				i + jump(v[i], "success") >= deny);
		if (!passed)
			return true;
	}
	return false;
}

static bool
refuses_strangers(const struct pam_line *l)
{
	return is_action(l, "user_unknown", "bad") || is_action(l, "user_unknown", "die");
}

/* What is asked before us that could have a password for us? */
static bool
is_asked_before(const struct pam_line *const *v, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strncmp(v[i]->module, "pam_unix", 8) == 0 ||
		    pam_is(v[i], "pam_sss.so") || pam_is(v[i], "pam_krb5.so") ||
		    pam_is(v[i], "pam_ldap.so") || pam_is(v[i], "pam_winbind.so") ||
		    pam_is(v[i], OURS))
			return true;
	}
	return false;
}

/* "Expired" is ignored: does what comes next refuse by itself? */
static bool
is_refused_behind(const struct pam_line *const *v, size_t n, size_t at)
{
	return at + 1 < n && ends_here(v[at + 1]);
}

static void
judge_account(struct pam *p, const struct pam_line *const *v, size_t n, size_t at)
{
	const struct pam_line *l = v[at];

	if (is_action(l, "perm_denied", "ignore") && !is_refused_behind(v, n, at)) {
		bool other = false;

		for (size_t i = 0; i < n; i++)
			other |= pam_is(v[i], OURS) &&
			    !is_action(v[i], "perm_denied", "ignore");
		if (!other)
			note(p, CHECK_PAM_ACCOUNT_OPEN, l->where,
			    "account: \"expired\" and \"not a member\" are passed over");
	}
	for (size_t i = 0; i < at; i++) {
		if (strncmp(v[i]->module, "pam_unix", 8) == 0 &&
		    pam_has_arg(v[i], "broken_shadow"))
			note(p, CHECK_PAM_BROKEN_SHADOW, v[i]->where,
			    "account: broken_shadow before " OURS
			    ": expired people and strangers to the login groups get in");
	}
}

static void
judge_session(struct pam *p, const struct pam_line *const *v, size_t at)
{
	if (p->c->config->home_failure == HOME_FAILURE_DENY &&
	    is_action(v[at], "session_err", "ignore"))
		note(p, CHECK_PAM_HOME_DENY, v[at]->where,
		    "session: a missing home is passed over");
	for (size_t i = 0; i < at; i++) {
		if (pam_is(v[i], "pam_systemd.so"))
			note(p, CHECK_PAM_SESSION_ORDER, v[i]->where,
			    "session: pam_systemd.so stands before " OURS);
	}
}

static void
judge_line(struct pam *p, enum pam_phase phase, const struct pam_line *const *v, size_t n,
    size_t at)
{
	const struct pam_line *l = v[at];
	cleanup_(freep) char *text = NULL;

	if (!pam_has_arg(l, "ignore_unknown_user")) {
		text = xasprintf("%s: no ignore_unknown_user%s", pam_phase_text(phase),
		    refuses_strangers(l)
			? ": root and the accounts of this host are refused"
			: "");
		note(p,
		    refuses_strangers(l) ? CHECK_PAM_LOCAL_REFUSED : CHECK_PAM_UNKNOWN,
		    l->where, text);
	}
	if (phase == PAM_PHASE_AUTH || phase == PAM_PHASE_ACCOUNT) {
		if (is_after_deny(v, at))
			note(p, CHECK_PAM_AFTER_DENY, l->where,
			    "stands behind pam_deny.so and is never reached");
	}
	if (phase == PAM_PHASE_AUTH && pam_has_arg(l, "use_authtok") &&
	    !is_asked_before(v, at))
		note(p, CHECK_PAM_NEVER_ASKS, l->where,
		    "auth: use_authtok, and nothing before asks for a password");
	if (phase == PAM_PHASE_ACCOUNT)
		judge_account(p, v, n, at);
	if (phase == PAM_PHASE_SESSION)
		judge_session(p, v, at);
}

/* Services by which people come in; of others nobody knows whether they are meant for
 * people of the server. */
static bool
is_for_logins(const char *service)
{
	static const char *const names[] = { "sshd", "login", "su", "su-l", "sudo",
		"sudo-i", "remote", "gdm-password", "lightdm", "sddm", "lxdm", "xdm",
		"kde", "xrdp-sesman", "polkit-1", "cron", "crond", "atd", "systemd-user",
		"cockpit", "swaylock", "i3lock", "xscreensaver", "vlock", "system-auth",
		"password-auth", "system-login", "system-local-login",
		"system-remote-login" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (streq(service, names[i]))
			return true;
	}
	return false;
}

/* What such services include on Debian and openSUSE; other distributions' are in the list. */
static bool
is_shared(const char *service)
{
	return strncmp(service, "common-", 7) == 0;
}

static void
judge_missing(struct pam *p, enum pam_phase phase)
{
	static const struct {
		enum check_id id;
		const char *text;
	} what[PAM_N_PHASES] = {
		[PAM_PHASE_AUTH] = { CHECK_PAM_AUTH, "auth has no " OURS },
		[PAM_PHASE_ACCOUNT] = { CHECK_PAM_ACCOUNT,
		    "account has no " OURS ": expiry and login groups do not count" },
		[PAM_PHASE_SESSION] = { CHECK_PAM_SESSION,
		    "session has no " OURS ": no home is made" },
		[PAM_PHASE_PASSWORD] = { CHECK_PAM_PASSWORD, "password has no " OURS },
	};
	const struct pam_line *unix_line = find_unix(p->s, phase);

	if (unix_line != NULL && (is_for_logins(p->service) || is_shared(p->service)))
		note(p, what[phase].id, unix_line->where, what[phase].text);
}

static void
judge_phase(struct pam *p, enum pam_phase phase)
{
	const struct pam_line *ours = find(p->s, phase, OURS);
	const struct pam_line *v[256];
	size_t n;

	if (ours == NULL) {
		judge_missing(p, phase);
		return;
	}
	p->seen[phase] = true;
	if ((phase == PAM_PHASE_AUTH || phase == PAM_PHASE_ACCOUNT) &&
	    find_unix(p->s, phase) == NULL) {
		cleanup_(freep) char *text =
		    xasprintf("%s has " OURS
			      " and no pam_unix.so: root and the accounts of this "
			      "host are locked out",
			pam_phase_text(phase));

		note(p, CHECK_PAM_NO_UNIX, ours->where, text);
	}
	n = of_phase(p->s, phase, v, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++) {
		if (pam_is(v[i], OURS))
			judge_line(p, phase, v, n, i);
	}
}

static void
judge_service(struct pam *p, const char *service)
{
	cleanup_(pam_stack_clear) struct pam_stack s = { 0 };

	pam_stack_read(p->c, service, &s);
	p->service = service;
	p->s = &s;
	if (s.unreadable)
		check_unseen(p->c, service, "needs root");
	if (s.broken != NULL) {
		cleanup_(freep) char *text = xasprintf("includes %s, which is not there",
		    s.missing);

		note(p, CHECK_PAM_INCLUDE, s.broken, text);
	}
	for (int phase = 0; phase < PAM_N_PHASES; phase++)
		judge_phase(p, (enum pam_phase)phase);
	for (size_t i = 0; i < s.n; i++) {
		if (s.v[i].phase == PAM_PHASE_SESSION &&
		    (pam_is(&s.v[i], "pam_mkhomedir.so") ||
			pam_is(&s.v[i], "pam_oddjob_mkhomedir.so")))
			note(p, CHECK_PAM_MKHOMEDIR, s.v[i].where, "makes homes as well");
	}
}

/* Copies that editors and packages leave are no services. */
static int
is_service(const struct dirent *e)
{
	static const char *const parts[] = { ".dpkg-", ".rpm", ".bak", ".orig",
		".pam-old", ".ucf", ".pacnew", ".pacsave" };
	size_t len = strlen(e->d_name);

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (strstr(e->d_name, parts[i]) != NULL)
			return 0;
	}
	return e->d_name[0] != '.' && e->d_name[len - 1] != '~';
}

static void
judge_dir(struct pam *p, const char *dir, const char *above)
{
	cleanup_(freep) char *real = check_path(p->c, dir);
	struct dirent **v;
	int n = scandir(real, &v, is_service, alphasort);

	/* Services by which people come in first: theirs are the names that are printed. */
	for (int i = 0; i < 2 * n; i++) {
		const char *name = v[i % n]->d_name;
		cleanup_(freep) char *path = xasprintf("%s/%s",
		    above != NULL ? above : dir, name);
		struct stat st;

		if (is_for_logins(name) != (i < n) ||
		    (above != NULL && check_stat(p->c, path, &st)))
			continue;
		p->n_services++;
		judge_service(p, name);
	}
	for (int i = 0; i < n; i++)
		free(v[i]);
	if (n >= 0)
		free(v);
}

/* Directories of modules are one level deeper where they are named after the machine. */
static bool
is_module_there(const struct check *c)
{
	static const char *const patterns[] = { "/lib/security", "/usr/lib/security",
		"/lib64/security", "/usr/lib64/security", "/usr/local/lib/security",
		"/lib/*/security", "/usr/lib/*/security", "/run/current-system/sw/lib" };

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		cleanup_(freep) char *file = xasprintf("%s/" OURS, patterns[i]);
		cleanup_(freep) char *real = check_path(c, file);
		glob_t g;
		int rc = glob(real, GLOB_NOSORT, NULL, &g);

		if (rc == 0)
			globfree(&g);
		if (rc == 0)
			return true;
	}
	return false;
}

static bool
is_anywhere(const struct pam *p)
{
	for (int i = 0; i < PAM_N_PHASES; i++) {
		if (p->seen[i])
			return true;
	}
	return false;
}

static void
say(struct pam *p)
{
	for (size_t i = 0; i < p->n_notes; i++) {
		struct note *n = &p->notes[i];
		cleanup_(freep) char *more = n->n > 3
		    ? xasprintf(" and %zu more", n->n - 3)
		    : xstrdup("");

		check_found(p->c, n->id, n->where, "%s (%s%s)", n->text, n->services,
		    more);
	}
}

static void
say_nowhere(struct check *c)
{
	struct stat st;

	if (check_stat(c, "/usr/share/pam-configs/kanidm", &st))
		check_found(c, CHECK_PAM_PROFILE, "/usr/share/pam-configs/kanidm",
		    "the profile is there and no stack has " OURS);
	else
		check_found(c, CHECK_PAM_NONE, "/etc/pam.d", "no stack has " OURS);
}

void
check_pam(struct check *c)
{
	struct pam p = { .c = c };

	judge_dir(&p, "/etc/pam.d", NULL);
	judge_dir(&p, "/usr/lib/pam.d", "/etc/pam.d");
	if (p.n_services == 0)
		check_unseen(c, "/etc/pam.d", "there is no PAM here");
	else if (!is_anywhere(&p))
		say_nowhere(c);
	else {
		say(&p);
		if (!is_module_there(c))
			check_found(c, CHECK_PAM_MODULE, OURS,
			    "is in no directory of PAM modules");
		check_fine(c, "/etc/pam.d", "%zu services were read", p.n_services);
	}
	for (size_t i = 0; i < p.n_notes; i++) {
		free(p.notes[i].where);
		free(p.notes[i].text);
		free(p.notes[i].services);
	}
	free(p.notes);
}
