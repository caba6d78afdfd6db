/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The passwd and group lines of nsswitch.conf, by the rule of the Debian package's
 * maintainer script: behind "files", and nowhere else. What an action there means for
 * whatever follows, only the administrator knows, so such a line is left alone and named.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/setup_internal.h"

#define NSSWITCH "/etc/nsswitch.conf"
/* Of who reads it where /etc has none (openSUSE). */
#define NSSWITCH_VENDOR "/usr/etc/nsswitch.conf"
#define MERGE           "[SUCCESS=merge]"
/* A line with as many is not read to its end, so it is left alone. */
#define MAX_TOKENS 32
/* What an edit puts in at most: "[SUCCESS=merge]" and "kanidm". */
#define MAX_ADDED 2

struct token {
	const char *s;
	size_t len;
};

/* A service's name is part of a file's, libnss_NAME.so.2. */
static bool
is_service(const struct token *t, const char *name)
{
	return t->len == strlen(name) && strncmp(t->s, name, t->len) == 0;
}

static bool
is_merge(const struct token *t)
{
	return t->len == strlen(MERGE) && strncasecmp(t->s, MERGE, t->len) == 0;
}

/* Services, and actions in their brackets, from behind the colon to a '#' or `end`. */
static size_t
tokens(const char *s, const char *end, struct token *v)
{
	size_t n = 0;

	while (n < MAX_TOKENS) {
		size_t len;

		while (s < end && strchr(" \t\r", *s) != NULL)
			s++;
		if (s == end || *s == '#')
			return n;
		if (*s == '[') {
			len = strcspn(s, "]\n#");
			len += s[len] == ']';
		} else
			len = strcspn(s, " \t\r\n#[");
		v[n++] = (struct token){ s, len };
		s += len;
	}
	return n;
}

/* Where to put what into the line; NULL: it stays. *ret_left: and should not have. */
static const char *
place(const struct token *v, size_t n, bool merge, const char **ret_what, bool *ret_left)
{
	bool room = n + MAX_ADDED < MAX_TOKENS;
	size_t files = n;

	*ret_left = n == MAX_TOKENS;
	if (*ret_left)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (is_service(&v[i], "files"))
			files = i;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_service(&v[i], "kanidm"))
			continue;
		if (!merge || i == 0 || files != i - 1)
			return NULL;
		*ret_left = !room;
		*ret_what = " " MERGE;
		return room ? v[files].s + v[files].len : NULL;
	}
	*ret_left = true;
	if (files == n || !room)
		return NULL;
	if (files + 1 == n || *v[files + 1].s != '[') {
		*ret_left = false;
		*ret_what = merge ? " " MERGE " kanidm" : " kanidm";
		return v[files].s + v[files].len;
	}
	if (is_merge(&v[files + 1]) && files + 2 < n && *v[files + 2].s != '[') {
		*ret_left = false;
		*ret_what = " kanidm " MERGE;
		return v[files + 1].s + v[files + 1].len;
	}
	return NULL;
}

/* Is it the line of this database? Then what stands behind its colon. */
static const char *
rest_of(const char *line, const char *name)
{
	line += strspn(line, " \t");
	if (strncmp(line, name, strlen(name)) != 0)
		return NULL;
	line += strlen(name);
	line += strspn(line, " \t");
	return *line == ':' ? line + 1 : NULL;
}

static void
append(char **text, const char *s, size_t len)
{
	char *longer = xasprintf("%s%.*s", *text, (int)len, s);

	free(*text);
	*text = longer;
}

static const char *const databases[] = { "passwd", "group" };

char *
setup_nss_edit(const char *text, bool merge, const char **ret_left)
{
	bool seen[ARRAY_SIZE(databases)] = { false };
	char *out = xstrdup("");

	*ret_left = NULL;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		const char *at = NULL, *what = "";

		for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
			const char *rest = rest_of(text, databases[i]);
			struct token v[MAX_TOKENS];
			bool left;

			if (rest == NULL)
				continue;
			seen[i] = true;
			at = place(v, tokens(rest, text + len, v), merge && i == 1, &what,
			    &left);
			if (left && *ret_left == NULL)
				*ret_left = databases[i];
		}
		len += text[len] == '\n';
		if (at == NULL)
			append(&out, text, len);
		else {
			append(&out, text, (size_t)(at - text));
			append(&out, what, strlen(what));
			append(&out, at, len - (size_t)(at - text));
		}
		text += len;
	}
	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		if (!seen[i] && *ret_left == NULL)
			*ret_left = databases[i];
	}
	return out;
}

bool
setup_nss_plan(struct setup *s)
{
	cleanup_(freep) char *vendor = NULL, *new = NULL;
	const char *left;
	int rc = setup_read(s, NSSWITCH, &s->nsswitch.old);

	s->nsswitch.path = NSSWITCH;
	if (rc == 0 && s->nsswitch.old == NULL)
		rc = setup_read(s, NSSWITCH_VENDOR, &vendor);
	if (rc < 0 || (s->nsswitch.old == NULL && vendor == NULL)) {
		(void)fprintf(s->t->err, "setup: " NSSWITCH ": %s\n",
		    setup_why(rc < 0 ? rc : -ENOENT));
		return false;
	}
	new = setup_nss_edit(vendor != NULL ? vendor : s->nsswitch.old, s->map_group,
	    &left);
	if (left != NULL) {
		(void)fprintf(s->t->err,
		    "setup: " NSSWITCH
		    ": the %s line is not edited here; write kanidm behind files in it, "
		    "as in \"%s: files kanidm\", and run setup again (or with --no-nss)\n",
		    left, left);
		return false;
	}
	if (s->nsswitch.old == NULL || !streq(new, s->nsswitch.old))
		s->nsswitch.new = TAKE_PTR(new);
	return true;
}
