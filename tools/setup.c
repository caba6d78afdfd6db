/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From an installed package to a host where people log in, in one order: what is wanted, what
 * has to be changed for it, a look at all of that, a copy of what decides who gets in, and
 * then step by step, each after the one before has worked. Names come after the link to the
 * server, PAM after names, so whatever fails, nobody is kept out by it.
 */
#include "tools/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/cli/cli.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"
#include "tools/setup_internal.h"

#define DAEMON "kanidm-unixd.service"
#define TASKS  "kanidm-unixd-tasks.service"
#define MOUNT  "kanidm-unixd-mount.socket"

/* Steps in their order. */
enum step {
	STEP_CONFIG,
	STEP_DAEMON,
	STEP_MOUNT,
	STEP_NSS,
	STEP_PAM,
	STEP_SSHD,
	N_STEPS,
};

struct plan {
	bool wanted[N_STEPS];
	char *text[N_STEPS]; /* what the step does, in words */
	enum setup_pam pam;
	bool enable;       /* the daemon's units */
	bool runs;         /* it has files to read again */
	bool read_units;   /* homes lie elsewhere, and no drop-in says so yet */
	bool left_to_hand; /* PAM is */
};

static void
plan_clear(struct plan *p)
{
	for (int i = 0; i < N_STEPS; i++)
		free(p->text[i]);
}

static bool
unit_is(const struct setup *s, const char *what, const char *unit)
{
	const char *const words[] = { what, "--quiet", unit, NULL };
	char buf[256];

	return setup_systemctl(s, buf, sizeof(buf), words) == 0;
}

/* One call of systemctl that changes something, told. */
static bool
systemctl(struct setup *s, const char *const words[])
{
	cleanup_(freep) char *line = xstrdup("systemctl");
	char buf[2048];
	int rc;

	for (size_t i = 0; words[i] != NULL; i++) {
		char *longer = xasprintf("%s %s", line, words[i]);

		free(line);
		line = longer;
	}
	rc = setup_systemctl(s, buf, sizeof(buf), words);
	if (rc == 0)
		(void)fprintf(s->t->out, "done: %s\n", line);
	else
		(void)fprintf(s->t->err, "setup: %s: %s\n", line,
		    rc < 0 ? strerror(-rc) : buf);
	return rc == 0;
}

/* ---- what is to be done ---- */

static void
want(struct plan *p, enum step step, char *text)
{
	p->wanted[step] = true;
	free(p->text[step]);
	p->text[step] = text;
}

/* Is there a drop-in for homes outside of /home already? */
static bool
needs_drop_in(const struct setup *s)
{
	struct stat st;

	if (strncmp(s->c.config->home_prefix, "/home/", 6) == 0 &&
	    s->c.config->home_mount_prefix == NULL)
		return false;
	return !check_stat(&s->c, "/run/systemd/generator/" TASKS ".d", &st) &&
	    !check_stat(&s->c, "/etc/systemd/system/" TASKS ".d", &st);
}

static void
plan_units(struct setup *s, struct plan *p)
{
	bool changed = p->wanted[STEP_CONFIG];

	if (!setup_has_systemd(s)) {
		if (changed)
			want(p, STEP_DAEMON, xstrdup("wait for the daemon"));
		return;
	}
	p->runs = unit_is(s, "is-active", DAEMON);
	p->enable = !p->runs || !unit_is(s, "is-enabled", DAEMON) ||
	    !unit_is(s, "is-active", TASKS);
	p->read_units = needs_drop_in(s);
	if (p->enable)
		want(p, STEP_DAEMON,
		    xstrdup("systemctl enable --now " DAEMON ", " TASKS));
	else if (changed)
		want(p, STEP_DAEMON, xstrdup("systemctl reload " DAEMON));
	else if (p->read_units)
		want(p, STEP_DAEMON, xstrdup("systemctl daemon-reload"));
	if (s->c.config->home_strategy == HOME_STRATEGY_BIND_MOUNT &&
	    !(unit_is(s, "is-enabled", MOUNT) && unit_is(s, "is-active", MOUNT)))
		want(p, STEP_MOUNT, xstrdup("systemctl enable --now " MOUNT));
}

/* False: it cannot be done, and that was said. */
static bool
plan_pam(struct setup *s, struct plan *p)
{
	p->pam = setup_pam_plan(s);
	switch (p->pam) {
	case SETUP_PAM_NO_UNIX:
		return false;
	case SETUP_PAM_AUTH_UPDATE:
		want(p, STEP_PAM, xstrdup("pam-auth-update --enable kanidm"));
		break;
	case SETUP_PAM_AUTHSELECT:
		want(p, STEP_PAM,
		    xstrdup("authselect select kanidm, with the features that are on"));
		break;
	case SETUP_PAM_BY_HAND:
		p->left_to_hand = true;
		break;
	default:
		break;
	}
	return true;
}

static void
plan_config(struct setup *s, struct plan *p)
{
	const struct setup_file *v[] = { &s->client, &s->unixd };
	char *text = s->certificate.new != NULL
	    ? xasprintf("copy %s to %s", s->ca_from, s->ca)
	    : xstrdup("");

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		char *longer;

		if (v[i]->new == NULL)
			continue;
		longer = xasprintf("%s%swrite %s", text, *text != '\0' ? ", " : "",
		    v[i]->path);
		free(text);
		text = longer;
	}
	if (*text != '\0')
		want(p, STEP_CONFIG, TAKE_PTR(text));
	free(text);
}

static bool
make_plan(struct setup *s, struct plan *p)
{
	/* authselect writes nsswitch.conf as well. */
	bool authselect = !s->wish->no_pam && setup_is_authselect(s);

	if (!setup_config_plan(s))
		return false;
	plan_config(s, p);
	plan_units(s, p);
	if (!s->wish->no_nss && !authselect && !setup_nss_plan(s))
		return false;
	if (s->nsswitch.new != NULL)
		want(p, STEP_NSS, xasprintf("write %s", s->nsswitch.path));
	if (s->wish->ssh_keys && !setup_sshd_plan(s))
		return false;
	if (s->sshd.new != NULL)
		want(p, STEP_SSHD, xasprintf("write %s, reload sshd", s->sshd.path));
	return s->wish->no_pam || plan_pam(s, p);
}

static bool
is_anything_wanted(const struct plan *p)
{
	for (int i = 0; i < N_STEPS; i++) {
		if (p->wanted[i])
			return true;
	}
	return false;
}

static void
show_file(struct setup *s, const struct setup_file *f)
{
	if (f->new != NULL)
		setup_show(s, f->path, f->old, f->new);
}

static void
show_plan(struct setup *s, const struct plan *p)
{
	show_file(s, &s->client);
	show_file(s, &s->unixd);
	show_file(s, &s->nsswitch);
	show_file(s, &s->sshd);
	for (int i = 0; i < N_STEPS; i++) {
		if (!p->wanted[i])
			continue;
		(void)fprintf(s->t->out, "to do: %s\n", p->text[i]);
		setup_note_step(s, p->text[i], "planned");
	}
	if (p->left_to_hand) {
		setup_pam_lines(s);
		setup_note_step(s, "add the lines to PAM by hand", "not done");
	}
}

/* ---- doing it ---- */

static bool
run_daemon(struct setup *s, const struct plan *p)
{
	static const char *const reload_units[] = { "daemon-reload", NULL },
				 *const enable[] = { "enable", "--now", DAEMON, TASKS,
					 NULL },
				 *const reload[] = { "reload-or-restart", DAEMON, NULL },
				 *const tasks[] = { "try-restart", TASKS, NULL };

	if (!setup_has_systemd(s)) {
		(void)fputs(
		    "systemd is not the manager here: start the daemon, or send it a "
		    "SIGHUP (kill -HUP), now\n",
		    s->t->out);
		(void)fflush(s->t->out);
		return setup_link_wait(s);
	}
	if (p->read_units && !systemctl(s, reload_units))
		return false;
	if (p->enable && !systemctl(s, enable))
		return false;
	if (p->runs && p->wanted[STEP_CONFIG] && !systemctl(s, reload))
		return false;
	if (p->read_units && !systemctl(s, tasks))
		return false;
	return setup_link_wait(s);
}

static bool
run_step(struct setup *s, const struct plan *p, enum step step)
{
	static const char *const mount[] = { "enable", "--now", MOUNT, NULL };

	switch (step) {
	case STEP_CONFIG:
		return setup_config_write(s);
	case STEP_DAEMON:
		return run_daemon(s, p);
	case STEP_MOUNT:
		return systemctl(s, mount);
	case STEP_NSS:
		return setup_put(s, &s->nsswitch) == 0;
	case STEP_PAM:
		return setup_pam_run(s, p->pam);
	case STEP_SSHD:
		return setup_sshd_run(s);
	default:
		return true;
	}
}

/* The files of the configuration, which may keep the daemon from its server. */
static void
offer_undo(struct setup *s, const struct plan *p)
{
	static const char *const reload[] = { "reload-or-restart", DAEMON, NULL };

	if (s->client.new == NULL && s->unixd.new == NULL)
		return;
	/* Without anybody to ask, a server that was named before is worth more than a new one
	 * that does not answer. */
	if (s->asks ? !setup_ask_yes(s, "Put the old configuration back? (y/N)")
		    : s->c.config->uri == NULL) {
		(void)fprintf(s->t->err, "setup: the new configuration stays\n");
		return;
	}
	if (!setup_config_undo(s))
		return;
	setup_note_step(s, p->text[STEP_CONFIG], "put back");
	if (setup_has_systemd(s))
		(void)systemctl(s, reload);
}

static int
give_up(struct setup *s, const struct plan *p, int at)
{
	for (int i = 0; i < N_STEPS; i++) {
		if (!p->wanted[i])
			continue;
		(void)fprintf(s->t->err, "%s: %s\n",
		    i < at        ? "changed"
			: i == at ? "failed"
				  : "not changed",
		    p->text[i]);
		if (i >= at)
			setup_note_step(s, p->text[i], i == at ? "failed" : "not done");
	}
	if (at == STEP_DAEMON)
		offer_undo(s, p);
	if (s->backup != NULL && at >= STEP_NSS)
		(void)fprintf(s->t->err,
		    "setup: this puts back what was there:  kanidm-unix setup --restore "
		    "%s\n",
		    s->backup);
	return 1;
}

/* -1: go on. */
static int
confirm(struct setup *s)
{
	if (s->wish->yes)
		return -1;
	if (!s->asks) {
		(void)fprintf(s->t->err,
		    "setup: nothing was changed; --yes does this without a question\n");
		return 2;
	}
	if (setup_ask_yes(s, "Do this? (y/N)"))
		return -1;
	(void)fprintf(s->t->out, "nothing was changed\n");
	return 1;
}

static int
carry_out(struct setup *s, const struct plan *p)
{
	int rc = confirm(s);

	if (rc >= 0)
		return rc;
	if ((p->wanted[STEP_NSS] || p->wanted[STEP_PAM] || p->left_to_hand) &&
	    !setup_backup(s))
		return give_up(s, p, -1);
	for (int i = 0; i < N_STEPS; i++) {
		if (!p->wanted[i])
			continue;
		if (!run_step(s, p, (enum step)i))
			return give_up(s, p, i);
		setup_note_step(s, p->text[i], "done");
		s->report.changed = true;
	}
	return -1;
}

/* What check says of it all. It is told and not judged: what it finds may be older than this
 * run, or have been left out by an option. */
static bool
last_look(struct setup *s)
{
	struct tool t = *s->t;

	setup_link_tasks(s);
	(void)fputs("kanidm-unix check says now:\n", t.out);
	(void)fflush(t.out);
	return cmd_check(&t, false) == 0;
}

static int
last_words(struct setup *s, const struct plan *p, bool good)
{
	bool fine = last_look(s);

	setup_note_step(s, "check", fine ? "done" : "finds errors");
	if (!good) {
		if (s->backup != NULL)
			(void)fprintf(s->t->err,
			    "setup: not everything works. This puts back what was there:  "
			    "kanidm-unix setup --restore %s\n",
			    s->backup);
		return 1;
	}
	if (p->left_to_hand) {
		(void)fprintf(s->t->err,
		    "setup: PAM is left to you; logins wait for it\n");
		return 1;
	}
	(void)fputs(fine ? "done.\n" : "done, but for the errors above.\n", s->t->out);
	return 0;
}

static int
set_up(struct setup *s)
{
	cleanup_(plan_clear) struct plan p = { 0 };
	bool groups, logins;
	int rc = setup_ask_wishes(s);

	if (rc >= 0)
		return rc;
	if (!make_plan(s, &p)) {
		(void)fprintf(s->t->err, "setup: nothing was changed\n");
		return 1;
	}
	show_plan(s, &p);
	if (!is_anything_wanted(&p))
		(void)fprintf(s->t->out, "nothing to change\n");
	if (s->wish->dry_run)
		return 0;
	rc = is_anything_wanted(&p) ? carry_out(s, &p) : -1;
	if (rc >= 0)
		return rc;
	/* What run_daemon() has not looked at. */
	if (!p.wanted[STEP_DAEMON] && !setup_link_wait(s)) {
		setup_note_step(s, "reach the server", "failed");
		return last_words(s, &p, false);
	}
	setup_note_step(s, "reach the server", "done");
	groups = setup_link_groups(s);
	setup_note_step(s, "look up the login groups", groups ? "done" : "failed");
	logins = setup_logins(s);
	setup_note_step(s, "try logins", logins ? "done" : "failed");
	return last_words(s, &p, groups && logins);
}

/* ---- the host ---- */

static void
setup_clear(struct setup *s)
{
	for (size_t i = 0; s->groups != NULL && s->groups[i] != NULL; i++)
		free(s->groups[i]);
	free((void *)s->groups);
	free(s->uri);
	free(s->ca);
	free(s->ca_from);
	free(s->token);
	free(s->backup);
	setup_file_clear(&s->client);
	setup_file_clear(&s->unixd);
	setup_file_clear(&s->nsswitch);
	setup_file_clear(&s->sshd);
	setup_file_clear(&s->certificate);
	setup_report_clear(&s->report);
	setup_unlock(s);
	(void)config_free(s->c.config);
	config_problems_clear(&s->c.problems);
}

/* The names of the options are those of services.kanidm in nixpkgs; newer releases know them
 * under these names, too. */
static void
print_nixos(struct setup *s)
{
	FILE *f = s->t->out;

	(void)fprintf(f,
	    "NixOS writes these files itself. In configuration.nix, with pkgs.kanidm-unix "
	    "by the overlay of packaging/nix:\n\n"
	    "services.kanidm = {\n"
	    "  package = pkgs.kanidm-unix;\n"
	    "  enableClient = true;\n"
	    "  clientSettings.uri = \"%s\";\n"
	    "  enablePam = true;\n"
	    "  unixSettings.pam_allowed_login_groups = [",
	    s->wish->uri != NULL ? s->wish->uri : "https://idm.example.com");
	for (size_t i = 0; i < s->wish->n_groups; i++) {
		cleanup_(freep) char *names = xstrdup(s->wish->groups[i]);
		char *rest = names, *name;

		while ((name = strsep(&rest, ", ")) != NULL) {
			if (*name != '\0')
				(void)fprintf(f, " \"%s\"", name);
		}
	}
	(void)fprintf(f,
	    "%s ];\n};\n\nThen: nixos-rebuild switch. Nothing was changed.\n",
	    s->wish->n_groups == 0 ? " \"shell_users\"" : "");
}

static int
run(struct setup *s)
{
	const struct setup_wish *wish = s->wish;
	struct stat st;

	if (check_lstat(&s->c, "/etc/NIXOS", &st)) {
		print_nixos(s);
		return 1;
	}
	if (!s->c.host->privileged && !wish->dry_run) {
		(void)fprintf(s->t->err,
		    "setup: only root can do this (try: sudo kanidm-unix "
		    "setup)\n");
		return 1;
	}
	if (!wish->dry_run && !setup_lock(s))
		return 1;
	if (!wish->dry_run)
		setup_sweep(s);
	if (wish->restore)
		return setup_restore(s);
	/* What is broken in them is told by the plan. */
	(void)!config_load(KU_PATH_CLIENT_CONFIG, KU_PATH_UNIXD_CONFIG, &s->c.config,
	    &s->c.problems);
	return set_up(s);
}

int
cmd_setup(const struct tool *t, const struct setup_wish *wish)
{
	struct check_host host = {
		.root = "",
		.privileged = geteuid() == 0,
		.wall_s = time(NULL),
		.run = setup_run_program,
	};
	struct tool words = *t;
	cleanup_(setup_clear) struct setup s = {
		.c = { .host = &host, .area = "setup" },
		.t = &words,
		.wish = wish,
		.asks = !t->json && !wish->yes && isatty(STDIN_FILENO) &&
		    isatty(fileno(t->out)),
		.lock_fd = -1,
	};
	int rc;

	if (!t->json) {
		/* What is done and what fails come in their order, also in a file. */
		(void)setvbuf(t->out, NULL, _IOLBF, 0);
		return run(&s);
	}
	words.json = false;
	words.out = words.err = setup_words(&s.report, t->err);
	if (wish->yes || wish->dry_run)
		rc = run(&s);
	else {
		(void)fprintf(words.err,
		    "setup: with --json nobody is asked; give --yes or --dry-run\n");
		rc = CLI_USAGE;
	}
	(void)fclose(words.out);
	return setup_report_print(&s, t->out, rc);
}
