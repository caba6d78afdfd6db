/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the parts of `setup` share. Text is edited by functions that know no files
 * (setup_toml, setup_nss, setup_diff); what a step wants is found out before the first of them
 * changes anything.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "src/base/attr.h"
#include "src/base/secret.h"
#include "src/prog/config.h"
#include "tools/check_internal.h"
#include "tools/setup.h"

/* Where a private certificate is copied to, and what opens keys to sshd. */
#define SETUP_CA        "/etc/kanidm/ca.pem"
#define SETUP_SSHD_CONF "/etc/ssh/sshd_config.d/10-kanidm.conf"
/* Where sshd sees a candidate of that first. */
#define SETUP_TRIAL "/run/kanidm-unix-setup.sshd"
/* What is behind the name of a file while it is made; for mkostemp(3) and glob(3). */
#define SETUP_TMP      ".kanidm-XXXXXX"
#define SETUP_TMP_GLOB ".kanidm-??????"
#define SETUP_BACK_TMP ".kanidm-new"

/* A file as it is and as it shall be. */
struct setup_file {
	const char *path;
	char *old;        /* NULL: there is none */
	char *new;        /* NULL: stays as it is */
	const char *from; /* where `new` was copied from, or NULL */
};

/* What there is to tell at the end (setup_report.c). */
struct setup_noted {
	char *what;
	char *text;
};
struct setup_notes {
	struct setup_noted *v;
	size_t n;
};
struct setup_report {
	struct setup_notes files; /* path, difference */
	struct setup_notes steps; /* in words, how it went */
	bool changed;             /* something was */
	char *words;              /* all that was said */
	FILE *err;                /* where that went */
};

struct setup {
	struct check c; /* the host; its configuration as the files say it now */
	const struct tool *t;
	const struct setup_wish *wish;
	bool asks; /* somebody is there to be asked */

	/* What is wanted, all told. */
	char *uri;
	char *ca;       /* NULL: the system's own store */
	char *ca_from;  /* copied from there to `ca`; NULL: is where it stays */
	char *token;    /* NULL: as the file says */
	char **groups;  /* what the login groups shall be; NULL-terminated */
	bool map_group; /* some local group is extended */

	struct setup_file client, unixd, nsswitch, sshd, certificate;
	char *backup; /* where the copy is, once there is one */
	int lock_fd;  /* -1: not held */
	struct setup_report report;
};

/* ---- telling (setup_report.c) ---- */

/* A step by its words; told again, its result is another: "planned", "done", "failed", "not
 * done". */
void setup_note_step(struct setup *s, const char *what, const char *result);
/* What shall become of a file, in words; with setup_show() as a difference, which is printed. */
void setup_note_file(struct setup *s, const char *path, const char *text);
void setup_show(struct setup *s, const char *path, const char *old, const char *new);
/* A stream whose words are kept, and go to `err` as they come. */
FILE *setup_words(struct setup_report *r, FILE *err);
/* The object. rc, or 1 when it cannot be written. */
int must_use_ setup_report_print(const struct setup *s, FILE *out, int rc);
void setup_report_clear(struct setup_report *r);

/* ---- alone (setup_lock.c) ---- */

/* False: another one runs, or it cannot be told; that was said. */
bool setup_lock(struct setup *s);
void setup_unlock(struct setup *s);
/* Removes what setups that were ended half-way have left beside the files they wrote. */
void setup_sweep(struct setup *s);

/* ---- talking (setup_ask.c) ---- */

/* A line from the terminal, without its newline; the answer is `dflt` when nothing was typed.
 * NULL: the input ended. */
char *setup_ask(const struct setup *s, const char *question, const char *dflt);
/* Yes only when the answer begins with y. */
bool setup_ask_yes(const struct setup *s, const char *question);
/* Fills uri, ca, groups from the wish, the files and the terminal. -1, or the exit code. */
int setup_ask_wishes(struct setup *s);

/* ---- texts ---- */

/* A unified diff with `path` in its head; old == NULL: a new file. */
void setup_diff(FILE *out, const char *path, const char *old, const char *new);

/* The document with `key` of the table (NULL: top level) set to the string, or with the
 * names added to its list. Everything else stays byte for byte. NULL: it is written in a way
 * that is not edited here, and *ret_line is the line to add. */
char *setup_toml_string(const char *text, const char *table, const char *key,
    const char *value);
char *setup_toml_list(const char *text, const char *table, const char *key,
    char *const *names);
/* "[\"a\", \"b\"]" */
char *setup_toml_names(char *const *names);

/* nsswitch.conf with "kanidm" behind "files" in the passwd and group lines. With `merge`, the
 * group line asks on when "files" has found something. *ret_left: the first of the two that is
 * left alone, because an action stands there or there is no such line; or NULL. */
char *setup_nss_edit(const char *text, bool merge, const char **ret_left);

/* ---- files (setup_files.c) ---- */

/* As check_read(); a file that is not there is *ret_text = NULL and 0, and one that is not text
 * from end to end -EILSEQ; a link to nothing -ENOLINK. */
int must_use_ setup_read(const struct setup *s, const char *path, char **ret_text);
/* That, in words. */
const char *setup_why(int rc);
/* By rename, through links, with owner and mode of what was there. 0 or -errno. */
int must_use_ setup_write(const struct setup *s, const char *path, const char *text);
/* Is it still as it was read? */
bool setup_is_unchanged(const struct setup *s, const struct setup_file *f);
/* Writes `new` over what is still `old`, or takes `old` back, and says so. 0 or -errno. */
int must_use_ setup_put(struct setup *s, const struct setup_file *f);
int must_use_ setup_put_old(struct setup *s, const struct setup_file *f);
/* Runs a program, which may take a minute: its exit status or -errno. buf as check_run. */
int must_use_ setup_run_program(const char *const argv[], char *buf, size_t cap);
/* systemctl with up to five words behind it, ended by NULL. */
int must_use_ setup_systemctl(const struct setup *s, char *buf, size_t cap,
    const char *const words[]);
bool setup_has_systemd(const struct setup *s);
void setup_file_clear(struct setup_file *f);

/* ---- steps ---- */

/* Fills new of client and unixd. False: cannot, and it was said why. */
bool setup_config_plan(struct setup *s);
bool setup_config_write(struct setup *s);
/* Puts back what stood there. */
bool setup_config_undo(struct setup *s);

bool setup_nss_plan(struct setup *s);

/* What is to be done about PAM, and by whom. */
enum setup_pam {
	SETUP_PAM_FINE,
	SETUP_PAM_AUTH_UPDATE, /* Debian's tool */
	SETUP_PAM_AUTHSELECT,  /* Fedora's */
	SETUP_PAM_BY_HAND,
	SETUP_PAM_NO_UNIX, /* a stack that would keep root out; it was said */
};
enum setup_pam setup_pam_plan(struct setup *s);
bool setup_pam_run(struct setup *s, enum setup_pam way);
/* The lines to add where no tool knows us. */
void setup_pam_lines(const struct setup *s);
bool setup_is_authselect(const struct setup *s);

bool setup_sshd_plan(struct setup *s);
bool setup_sshd_run(struct setup *s);

/* Copies what decides who gets in; s->backup. */
bool setup_backup(struct setup *s);
int setup_restore(struct setup *s);

/* The daemon has read its files and sees the server; people of the login groups resolve. */
bool setup_link_wait(struct setup *s);
bool setup_link_groups(struct setup *s);
/* Whoever makes homes has found the daemon, or a moment has passed. */
void setup_link_tasks(struct setup *s);

/* Somebody of the server and somebody of this host, by their passwords where they can be
 * asked for. */
bool setup_logins(struct setup *s);
/* One local account through the stack of a service (setup_local.c, which has libpam). NULL as
 * password: its account phase only. NULL, or what libpam said; to be freed. */
char *setup_local_login(const char *service, const char *name,
    const struct secret *password, int timeout_ms);
