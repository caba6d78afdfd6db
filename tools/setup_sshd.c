/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Keys of people for sshd: the two lines of our file in sshd_config.d without their '#'. sshd
 * itself judges the result, before it is where sshd reads it and again before it is told to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

#define CONF    SETUP_SSHD_CONF
#define ALL     "/etc/ssh/sshd_config"
#define TRIAL   SETUP_TRIAL
#define PROGRAM "kanidm_ssh_authorizedkeys"

static const char *
find_sshd(const struct setup *s)
{
	static const char *const paths[] = { "/usr/sbin/sshd", "/usr/bin/sshd",
		"/usr/local/sbin/sshd" };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (check_stat(&s->c, paths[i], &st))
			return paths[i];
	}
	return NULL;
}

/* Our file as it comes with the package, where somebody has removed it. */
static char *
fresh(void)
{
	char self[1024];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	return xasprintf("AuthorizedKeysCommand %.*s/" PROGRAM " %%u\n"
			 "AuthorizedKeysCommandUser nobody\n",
	    strrchr(self, '/') != NULL ? (int)(strrchr(self, '/') - self) : 0, self);
}

/* The lines "#AuthorizedKeysCommand…" without their '#'. */
static char *
edit(const char *text)
{
	static const char word[] = "#AuthorizedKeysCommand";
	char *out = xstrdup("");

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		size_t skip = strncmp(text, word, sizeof(word) - 1) == 0;
		char *longer;

		len += text[len] == '\n';
		longer = xasprintf("%s%.*s", out, (int)(len - skip), text + skip);
		free(out);
		out = longer;
		text += len;
	}
	return out;
}

bool
setup_sshd_plan(struct setup *s)
{
	cleanup_(freep) char *new = NULL;
	int rc = setup_read(s, CONF, &s->sshd.old);

	s->sshd.path = CONF;
	if (rc < 0 || find_sshd(s) == NULL) {
		(void)fprintf(s->t->err, "setup: --ssh-keys: %s\n",
		    rc < 0 ? setup_why(rc) : "there is no sshd");
		return false;
	}
	new = s->sshd.old != NULL ? edit(s->sshd.old) : fresh();
	if (s->sshd.old == NULL || !streq(new, s->sshd.old))
		s->sshd.new = TAKE_PTR(new);
	return true;
}

/* sshd -t of all that it reads, or of `file`. */
static bool
is_sound(struct setup *s, const char *sshd, const char *file)
{
	const char *const test[] = { sshd, "-t", file != NULL ? "-f" : NULL, file, NULL };
	char buf[2048];
	int rc = check_run(&s->c, test, buf, sizeof(buf));

	if (rc != 0)
		(void)fprintf(s->t->err, "setup: sshd -t: %s\n",
		    rc < 0 ? strerror(-rc) : buf);
	return rc == 0;
}

/* Would it take the new file, beside all others? Asked before the file is where it reads it:
 * whatever ends us in between, sshd can start again. Which file comes first is seen later. */
static bool
is_acceptable(struct setup *s, const char *sshd)
{
	cleanup_(freep) char *real = check_path(&s->c, TRIAL);
	cleanup_(freep) char *all = check_path(&s->c, ALL);
	cleanup_(freep) char *text = xasprintf("Include %s\n%s", all, s->sshd.new);
	int rc = setup_write(s, TRIAL, text);
	bool good = false;

	if (rc < 0)
		(void)fprintf(s->t->err, "setup: " TRIAL ": %s\n", strerror(-rc));
	else
		good = is_sound(s, sshd, real);
	(void)unlink(real);
	return good;
}

/* Does sshd take the files, and is it our command that it takes from them? */
static bool
is_accepted(struct setup *s, const char *sshd)
{
	const char *const show[] = { sshd, "-T", NULL };
	cleanup_(freep) char *buf = xmalloc(65536);

	if (!is_sound(s, sshd, NULL))
		return false;
	if (check_run(&s->c, show, buf, 65536) == 0 && strstr(buf, PROGRAM) == NULL) {
		(void)
		    fputs("setup: sshd does not take AuthorizedKeysCommand from " CONF
			  ": another file sets it first, or /etc/ssh/sshd_config has no "
			  "Include\n",
			s->t->err);
		return false;
	}
	return true;
}

static bool
reload(struct setup *s)
{
	static const char *const units[] = { "ssh.service", "sshd.service" };
	char buf[1024];

	for (size_t i = 0; i < ARRAY_SIZE(units) && setup_has_systemd(s); i++) {
		const char *const active[] = { "is-active", "--quiet", units[i], NULL };
		const char *const words[] = { "reload", units[i], NULL };
		int rc;

		if (setup_systemctl(s, buf, sizeof(buf), active) != 0)
			continue;
		rc = setup_systemctl(s, buf, sizeof(buf), words);
		if (rc == 0) {
			(void)fprintf(s->t->out, "done: systemctl reload %s\n", units[i]);
			return true;
		}
		(void)fprintf(s->t->err, "setup: systemctl reload %s: %s\n", units[i],
		    rc < 0 ? strerror(-rc) : buf);
		return false;
	}
	(void)fputs(
	    "sshd does not run as a service here; it reads the file when it starts\n",
	    s->t->out);
	return true;
}

bool
setup_sshd_run(struct setup *s)
{
	if (!is_acceptable(s, find_sshd(s))) {
		(void)fprintf(s->t->err, "setup: " CONF " is as it was\n");
		return false;
	}
	if (setup_put(s, &s->sshd) < 0)
		return false;
	if (!is_accepted(s, find_sshd(s))) {
		if (setup_put_old(s, &s->sshd) == 0)
			(void)fprintf(s->t->err, "setup: " CONF " is as it was\n");
		return false;
	}
	return reload(s);
}
