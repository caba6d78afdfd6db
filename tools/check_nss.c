/* SPDX-License-Identifier: MPL-2.0 */
/*
 * nsswitch.conf as glibc reads it: services with actions between them. What matters is not
 * only whether kanidm is there but what a lookup has met before it gets to it, and whether
 * "files" is still asked when we do not know.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define NSSWITCH     "/etc/nsswitch.conf"
#define MAX_SERVICES 8

struct service {
	char name[32];
	char actions[128]; /* "NOTFOUND=return !UNAVAIL=continue " */
};

struct database {
	unsigned line; /* 0: there is none */
	struct service s[MAX_SERVICES];
	size_t n;
};

/* What does not fit is no word that we know. */
static void
append(char *to, size_t cap, const char *from, size_t len)
{
	size_t have = strlen(to);

	if (len >= cap - have)
		len = cap - have - 1;
	memcpy(to + have, from, len);
	to[have + len] = '\0';
}

/* What stands behind the colon. */
static void
read_services(struct database *d, const char *rest)
{
	while (*(rest += strspn(rest, " \t")) != '\0') {
		size_t len = strcspn(rest, *rest == '[' ? "]" : " \t[");
		struct service *s = d->n > 0 ? &d->s[d->n - 1] : NULL;

		if (*rest != '[') {
			if (d->n == MAX_SERVICES)
				return;
			s = &d->s[d->n++];
			append(s->name, sizeof(s->name), rest, len);
		} else if (s != NULL) {
			append(s->actions, sizeof(s->actions), rest + 1, len - 1);
			append(s->actions, sizeof(s->actions), " ", 1);
		}
		rest += len;
		rest += *rest == ']';
	}
}

static bool
read_database(const struct check *c, const char *name, struct database *d)
{
	cleanup_(freep) char *file = NULL;
	size_t len = strlen(name);
	unsigned number = 0;
	char *rest, *line;

	*d = (struct database){ 0 };
	if (check_read(c, NSSWITCH, &file) < 0)
		return false;
	for (rest = file; (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		line[strcspn(line, "#\r")] = '\0';
		line += strspn(line, " \t");
		if (strncmp(line, name, len) != 0)
			continue;
		line += len + strspn(line + len, " \t");
		if (*line != ':')
			continue;
		*d = (struct database){ .line = number };
		read_services(d, line + 1);
	}
	return d->line != 0;
}

static int
find(const struct database *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++) {
		if (streq(d->s[i].name, name))
			return (int)i;
	}
	return -1;
}

static int
find_files(const struct database *d)
{
	int i = find(d, "files");

	return i >= 0 ? i : find(d, "compat");
}

/* Does "SUCCESS=merge" or "!UNAVAIL=return" among the actions decide this status so? */
static bool
acts(const struct service *s, const char *status, const char *action, bool by_default)
{
	char copy[sizeof(s->actions)];
	bool answer = by_default;
	char *v[16];
	size_t n;

	(void)snprintf(copy, sizeof(copy), "%s", s->actions);
	n = check_words(copy, v, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++) {
		bool others = v[i][0] == '!';
		char *word = v[i] + others, *is = strchr(word, '=');

		if (is == NULL)
			continue;
		*is = '\0';
		if ((strcasecmp(word, status) == 0) != others)
			answer = strcasecmp(is + 1, action) == 0;
	}
	return answer;
}

static void
judge_order(struct check *c, const char *name, const struct database *d, int ours)
{
	int files = find_files(d);
	bool stopped = false;

	for (int i = 0; i < ours; i++)
		stopped |= acts(&d->s[i], "NOTFOUND", "return", false);
	if (stopped)
		check_found(c, CHECK_NSS_UNREACHED, name,
		    NSSWITCH ":%u: an action before kanidm ends the lookup", d->line);
	if (files < 0)
		check_found(c, CHECK_NSS_NO_FILES, name,
		    NSSWITCH
		    ":%u: there is no \"files\": root and the accounts of this host "
		    "are not seen",
		    d->line);
	else if (ours < files &&
	    (acts(&d->s[ours], "NOTFOUND", "return", false) ||
		acts(&d->s[ours], "UNAVAIL", "return", false)))
		check_found(c, CHECK_NSS_HIDES_LOCAL, name,
		    NSSWITCH ":%u: the action behind kanidm hides accounts of this host",
		    d->line);
	else if (ours < files && !acts(&d->s[ours], "TRYAGAIN", "return", false))
		check_found(c, CHECK_NSS_TRYAGAIN, name,
		    NSSWITCH
		    ":%u: kanidm stands first, and \"not known at the moment\" reads "
		    "as \"no such user\"",
		    d->line);
}

static void
judge(struct check *c, const char *name)
{
	struct database d;
	int ours;

	if (!read_database(c, name, &d) || (ours = find(&d, "kanidm")) < 0) {
		check_found(c, CHECK_NSS_MISSING, name,
		    d.line == 0 ? NSSWITCH " has no such line, so kanidm is not asked"
				: NSSWITCH ":%u does not name kanidm",
		    d.line);
		return;
	}
	if (find(&d, "sss") >= 0)
		check_found(c, CHECK_NSS_SSS, name, NSSWITCH ":%u still names sss",
		    d.line);
	judge_order(c, name, &d, ours);
	if (streq(name, "group") && c->config->n_map_group > 0) {
		int files = find_files(&d);

		if (files >= 0 && files < ours &&
		    !acts(&d.s[files], "SUCCESS", "merge", false))
			check_found(c, CHECK_NSS_MAP_GROUP, name,
			    NSSWITCH
			    ":%u: \"files\" answers for the groups of map_group and "
			    "kanidm is not asked",
			    d.line);
	}
	check_fine(c, NSSWITCH, "the %s line names kanidm", name);
}

static void
judge_others(struct check *c)
{
	struct database d;

	if (read_database(c, "shadow", &d) && find(&d, "kanidm") >= 0)
		check_found(c, CHECK_NSS_SHADOW, "shadow", NSSWITCH ":%u names kanidm",
		    d.line);
	if (!read_database(c, "initgroups", &d))
		return;
	if (find(&d, "kanidm") < 0) {
		check_found(c, CHECK_NSS_INITGROUPS_MISSING, "initgroups",
		    NSSWITCH
		    ":%u does not name kanidm, and counts instead of the group line",
		    d.line);
		return;
	}
	for (size_t i = 0; i + 1 < d.n; i++) {
		if (acts(&d.s[i], "SUCCESS", "continue", false))
			continue;
		check_found(c, CHECK_NSS_INITGROUPS, "initgroups",
		    NSSWITCH ":%u ends at the first answer, that of %s", d.line,
		    d.s[i].name);
		return;
	}
}

void
check_nsswitch(struct check *c)
{
	cleanup_(freep) char *text = NULL;
	struct stat st;
	int rc = check_read(c, NSSWITCH, &text);

	if (rc < 0)
		check_found(c, CHECK_NSS_FILE, NSSWITCH, "%s", strerror(-rc));
	else {
		judge(c, "passwd");
		judge(c, "group");
		judge_others(c);
	}
	/* Where nscd or nsncd loads the modules, nobody else has to find ours. */
	if (c->host->module_loads() || check_lstat(c, "/run/nscd/socket", &st) ||
	    check_lstat(c, "/var/run/nscd/socket", &st))
		check_fine(c, "libnss_kanidm.so.2", "libc finds it");
	else
		check_found(c, CHECK_NSS_MODULE, "libnss_kanidm.so.2",
		    "is in no directory where libc looks");
}
