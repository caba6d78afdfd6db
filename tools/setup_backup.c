/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The copy of what decides who gets into this host, in the layout of the packages' maintainer
 * scripts, so that it does not matter which of the two made it. A copy that still equals what
 * is there is used again. Putting back touches what differs, and nothing that the copy does not
 * have; pam-auth-update's list of profiles it has seen stays, or it would enable again what was
 * just put back.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/base/fd.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

#define PATTERN "/root/kanidm-backup-*"
#define PART    "/root/.kanidm-backup-part"

#define NSSWITCH "/etc/nsswitch.conf"

static const char *const kept[] = { NSSWITCH, "/etc/pam.d", "/etc/authselect",
	"/var/lib/pam" };

/* Like "/etc/pam.d/login", of the host and of a copy. */
typedef bool visit_fn(struct setup *s, const char *copy, const char *path, void *arg);

static int
no_dots(const struct dirent *e)
{
	return !streq(e->d_name, ".") && !streq(e->d_name, "..");
}

/* Every file at or below `path` of the copy. False as soon as one visit says so. */
static bool
walk(struct setup *s, const char *copy, const char *path, visit_fn *visit, void *arg)
{
	cleanup_(freep) char *dir = xasprintf("%s%s", copy, path);
	cleanup_(freep) char *real = check_path(&s->c, dir);
	struct dirent **v = NULL;
	bool good = true;
	struct stat st;
	int n;

	if (!check_lstat(&s->c, dir, &st))
		return true;
	if (!S_ISDIR(st.st_mode))
		return visit(s, copy, path, arg);
	n = scandir(real, &v, no_dots, alphasort);
	if (n < 0) {
		(void)fprintf(s->t->err, "setup: %s: %s\n", dir, strerror(errno));
		return false;
	}
	for (int i = 0; i < n; i++) {
		cleanup_(freep) char *below = xasprintf("%s/%s", path, v[i]->d_name);

		good = good && walk(s, copy, below, visit, arg);
		free(v[i]);
	}
	free(v);
	return good;
}

static char *
link_of(const struct setup *s, const char *path)
{
	cleanup_(freep) char *real = check_path(&s->c, path);
	char target[1024];
	ssize_t n = readlink(real, target, sizeof(target) - 1);

	return n >= 0 ? xstrndup(target, (size_t)n) : NULL;
}

/* The same link, or the same text with the same mode and owner? */
static bool
is_same(const struct setup *s, const char *a, const char *b)
{
	cleanup_(freep) char *link_a = link_of(s, a), *link_b = link_of(s, b);
	cleanup_(freep) char *text_a = NULL, *text_b = NULL;
	struct stat st_a, st_b;

	if (link_a != NULL || link_b != NULL)
		return link_a != NULL && link_b != NULL && streq(link_a, link_b);
	return check_lstat(&s->c, a, &st_a) && check_lstat(&s->c, b, &st_b) &&
	    st_a.st_mode == st_b.st_mode && st_a.st_uid == st_b.st_uid &&
	    st_a.st_gid == st_b.st_gid && st_a.st_size == st_b.st_size &&
	    check_read(&s->c, a, &text_a) == 0 && check_read(&s->c, b, &text_b) == 0 &&
	    streq(text_a, text_b);
}

static bool
visit_same(struct setup *s, const char *copy, const char *path, void *arg)
{
	cleanup_(freep) char *there = xasprintf("%s%s", copy, path);

	(void)arg;
	return is_same(s, path, there);
}

static bool
visit_is_there(struct setup *s, const char *copy, const char *path, void *arg)
{
	cleanup_(freep) char *there = xasprintf("%s%s", (const char *)arg, path);
	struct stat st;

	(void)copy;
	return check_lstat(&s->c, there, &st);
}

/* Where the link that nsswitch.conf may be leads, and what is written there; NULL: it is none, or
 * its file is among those that are kept anyway. */
static char *
behind_link(const struct setup *s)
{
	cleanup_(freep) char *link = link_of(s, NSSWITCH), *real = NULL;
	cleanup_(freep) char *below = check_path(&s->c, NSSWITCH);
	size_t skip = strlen(s->c.host->root);

	real = link != NULL ? realpath(below, NULL) : NULL;
	if (real == NULL || strncmp(real, s->c.host->root, skip) != 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		size_t len = strlen(kept[i]);

		if (strncmp(real + skip, kept[i], len) == 0 &&
		    (real[skip + len] == '/' || real[skip + len] == '\0'))
			return NULL;
	}
	return xstrdup(real + skip);
}

/* Does the copy have all of it as it is now, and nothing else? The notes of pam-auth-update
 * are left aside, as in the maintainer scripts. */
static bool
is_current(struct setup *s, char *copy)
{
	cleanup_(freep) char *behind = behind_link(s);

	if (behind != NULL && !visit_same(s, copy, behind, NULL))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!walk(s, copy, kept[i], visit_same, NULL) ||
		    !walk(s, "", kept[i], visit_is_there, copy))
			return false;
	}
	return true;
}

/* The newest, by its name; NULL: there is none. Without the root. */
static char *
newest(const struct setup *s)
{
	cleanup_(freep) char *pattern = check_path(&s->c, PATTERN);
	char *last = NULL;
	glob_t g;

	if (glob(pattern, 0, NULL, &g) != 0)
		return NULL;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *path = g.gl_pathv[i] + strlen(s->c.host->root);
		struct stat st;

		if (!check_stat(&s->c, path, &st) || !S_ISDIR(st.st_mode))
			continue;
		free(last);
		last = xstrdup(path);
	}
	globfree(&g);
	return last;
}

/* Of this second, or of the next one that has none yet. */
static char *
new_name(const struct setup *s)
{
	time_t now = (time_t)s->c.host->wall_s;
	struct stat st;

	for (;; now++) {
		char stamp[32] = "";
		char *name;
		struct tm tm;

		if (localtime_r(&now, &tm) != NULL)
			(void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
		name = xasprintf("/root/kanidm-backup-%s", stamp);
		if (!check_lstat(&s->c, name, &st))
			return name;
		free(name);
	}
}

static int
copy_one(const struct setup *s, const char *path, const char *real)
{
	/* Below the copy as below the root. */
	const char *const argv[] = { "/bin/sh", "-c",
		"cd \"$1/\" && cp -a --parents -- \"$2\" \"$3\"", "sh", s->c.host->root,
		path + 1, real, NULL };
	char buf[1024];
	struct stat st;
	int rc;

	if (!check_stat(&s->c, path, &st))
		return 0;
	rc = check_run(&s->c, argv, buf, sizeof(buf));
	if (rc > 0)
		(void)fprintf(s->t->err, "setup: cp: %s", buf);
	return rc > 0 ? -EIO : rc;
}

static int
sync_all(const char *real)
{
	cleanup_(fd_closep) int fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) != 0 ? -errno : 0;
}

/* Makes `dir`, under another name until it has everything: half a copy puts half of it back. */
static int
copy_all(const struct setup *s, const char *dir)
{
	cleanup_(freep) char *real = check_path(&s->c, dir);
	cleanup_(freep) char *part = check_path(&s->c, PART);
	cleanup_(freep) char *seen = xasprintf("%s/var/lib/pam/seen", part);
	cleanup_(freep) char *behind = behind_link(s);
	const char *const clear[] = { "/bin/rm", "-rf", "--", part, NULL };
	char buf[256];
	int rc = check_run(&s->c, clear, buf, sizeof(buf));

	if (rc == 0 && mkdir(part, 0700) != 0)
		rc = -errno;
	for (size_t i = 0; i < ARRAY_SIZE(kept) && rc == 0; i++)
		rc = copy_one(s, kept[i], part);
	if (rc == 0 && behind != NULL)
		rc = copy_one(s, behind, part);
	(void)unlink(seen);
	if (rc == 0)
		rc = sync_all(part);
	if (rc == 0 && rename(part, real) != 0)
		rc = -errno;
	if (rc != 0)
		(void)!check_run(&s->c, clear, buf, sizeof(buf));
	return rc > 0 ? -EIO : rc;
}

bool
setup_backup(struct setup *s)
{
	char *last = newest(s);
	int rc;

	free(s->backup);
	if (last != NULL && is_current(s, last))
		s->backup = last;
	else {
		free(last);
		s->backup = new_name(s);
		rc = copy_all(s, s->backup);
		if (rc < 0) {
			(void)fprintf(s->t->err, "setup: %s: %s\n", s->backup,
			    strerror(-rc));
			return false;
		}
	}
	(void)fprintf(s->t->out,
	    "done: /etc/pam.d and /etc/nsswitch.conf, as they were, are in %s\n"
	    "This puts them back:  kanidm-unix setup --restore %s\n"
	    "Keep a root shell open until a second login works.\n",
	    s->backup, s->backup);
	return true;
}

/* ---- putting back ---- */

struct difference {
	size_t n;
	bool write; /* else only show */
};

static void
show(struct setup *s, const char *path, const char *there)
{
	cleanup_(freep) char *old = NULL, *new = NULL, *target = link_of(s, there);
	cleanup_(freep) char *words = NULL;

	if (target == NULL && check_read(&s->c, there, &new) < 0)
		return;
	if (target == NULL && check_read(&s->c, path, &old) < 0)
		old = NULL;
	if (target != NULL)
		words = xasprintf("a link to %s again", target);
	else if (old != NULL && streq(old, new))
		words = xstrdup("owner and mode");
	else {
		setup_show(s, path, old, new);
		return;
	}
	(void)fprintf(s->t->out, "%s: %s\n", path, words);
	setup_note_file(s, path, words);
}

/* By cp to a name beside it, which knows owners, modes, links and labels, then by rename. */
static bool
put_back(struct setup *s, const char *path, const char *there)
{
	cleanup_(freep) char *step = xasprintf("put back %s", path);
	cleanup_(freep) char *from = check_path(&s->c, there);
	cleanup_(freep) char *to = check_path(&s->c, path);
	cleanup_(freep) char *tmp = xasprintf("%s" SETUP_BACK_TMP, to);
	const char *const argv[] = { "/bin/cp", "-a", "--remove-destination", "--", from,
		tmp, NULL };
	char buf[1024];
	int rc = check_run(&s->c, argv, buf, sizeof(buf));

	if (rc == 0 && rename(tmp, to) == 0) {
		(void)fprintf(s->t->out, "done: %s\n", step);
		setup_note_step(s, step, "done");
		s->report.changed = true;
		return true;
	}
	setup_note_step(s, step, "failed");
	(void)fprintf(s->t->err, "setup: %s: %s\n", path,
	    rc > 0 ? buf : strerror(rc < 0 ? -rc : errno));
	(void)unlink(tmp);
	return false;
}

static bool
visit_restore(struct setup *s, const char *copy, const char *path, void *arg)
{
	cleanup_(freep) char *there = xasprintf("%s%s", copy, path), *step = NULL;
	struct difference *d = arg;

	if (is_same(s, path, there) || streq(path, "/var/lib/pam/seen"))
		return true;
	d->n++;
	if (d->write)
		return put_back(s, path, there);
	step = xasprintf("put back %s", path);
	setup_note_step(s, step, "planned");
	show(s, path, there);
	return true;
}

static bool
walk_all(struct setup *s, const char *copy, struct difference *d)
{
	cleanup_(freep) char *behind = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (!walk(s, copy, kept[i], visit_restore, d))
			return false;
	}
	/* Only now the link is what it was. */
	behind = behind_link(s);
	return behind == NULL || walk(s, copy, behind, visit_restore, d);
}

/* What is put back decides who gets in: nobody but root may have been at it, nor be able to put
 * something else in its place. */
static bool
is_roots(const struct setup *s, const char *copy)
{
	cleanup_(freep) char *below = check_path(&s->c, copy);
	cleanup_(freep) char *real = realpath(below, NULL);
	bool last = true;

	while (real != NULL && *real != '\0') {
		struct stat st;

		if (lstat(real, &st) != 0 || (st.st_uid != 0 && st.st_uid != geteuid()) ||
		    ((st.st_mode & 022) != 0 && (last || (st.st_mode & S_ISVTX) == 0)))
			return false;
		*strrchr(real, '/') = '\0';
		last = false;
	}
	return real != NULL;
}

/* Programs that go on with what they have read. */
static void
say_what_to_restart(const struct setup *s)
{
	static const char *const units[] = { "nscd.service", "nsncd.service",
		"unscd.service" };
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(units) && setup_has_systemd(s); i++) {
		const char *const words[] = { "is-active", "--quiet", units[i], NULL };

		if (setup_systemctl(s, buf, sizeof(buf), words) == 0)
			(void)fprintf(s->t->out, "run: systemctl restart %s\n", units[i]);
	}
	(void)fputs(
	    "Logins use the files at once. Programs that ran before keep the "
	    "nsswitch.conf they\nhave read: restart a display manager, cron and what "
	    "else shows names, or reboot.\n",
	    s->t->out);
}

/* The directory that was named, or the newest one; without a slash at its end. */
static char *
directory(const struct setup *s)
{
	const char *named = s->wish->restore_dir;
	size_t n;

	if (named == NULL)
		return newest(s);
	for (n = strlen(named); n > 1 && named[n - 1] == '/'; n--)
		;
	return xstrndup(named, n);
}

int
setup_restore(struct setup *s)
{
	cleanup_(freep) char *etc = NULL;
	struct difference d = { 0 };
	const char *copy;
	struct stat st;

	free(s->backup);
	copy = s->backup = directory(s);
	etc = xasprintf("%s/etc", copy != NULL ? copy : "");
	if (copy == NULL || !check_stat(&s->c, etc, &st)) {
		(void)fprintf(s->t->err, "setup: %s\n",
		    copy == NULL ? "there is no copy, " PATTERN : "that is no copy");
		return 1;
	}
	if (!is_roots(s, copy)) {
		(void)fprintf(s->t->err,
		    "setup: %s: others than root may write there, so it is not put back\n",
		    copy);
		return 1;
	}
	(void)fprintf(s->t->out, "the copy is %s\n", copy);
	if (!walk_all(s, copy, &d))
		return 1;
	if (d.n == 0) {
		(void)fprintf(s->t->out, "nothing to change\n");
		return 0;
	}
	if (s->wish->dry_run)
		return 0;
	if (!s->wish->yes && !s->asks) {
		(void)fprintf(s->t->err,
		    "setup: nothing was changed; --yes puts it back without a question\n");
		return 2;
	}
	if (!s->wish->yes && !setup_ask_yes(s, "Put this back? (y/N)")) {
		(void)fprintf(s->t->out, "nothing was changed\n");
		return 1;
	}
	d.write = true;
	if (!walk_all(s, copy, &d)) {
		(void)fprintf(s->t->err,
		    "setup: not all of it was put back; this does:  cp -a %s/* /\n",
		    copy);
		return 1;
	}
	say_what_to_restart(s);
	return 0;
}
