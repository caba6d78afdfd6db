/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The unit may write to /home alone, and the configuration may say that homes are elsewhere.
 * What widens the unit is a word that somebody typed into a file, so it is judged here: a
 * slip ("/", "/etc/") must not open the system to a process that makes directories for
 * people. And it is quoted for systemd's parser, for which a blank ends a path and '%'
 * begins a specifier.
 */
#include "tasks/dropin.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"

/* No homes there, nor below. */
static const char *const trees[] = { "/bin", "/boot", "/dev", "/efi", "/etc", "/lib",
	"/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp",
	"/usr", "/var/lock", "/var/run", "/var/tmp", KU_PATH_CACHEDIR, KU_PATH_STATEDIR };
/* No homes right there: it is full of something else. */
static const char *const places[] = { "", "/var", "/var/cache", "/var/lib", "/var/log",
	"/var/mail", "/var/spool" };

static bool
is_at_or_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* One slash between components and none at the end; NULL when "." or ".." is among them. */
static char *
simplify(const char *path)
{
	cleanup_(freep) char *copy = xstrdup(path);
	char *out = xcalloc(1, strlen(path) + 1), *save = NULL;
	size_t n = 0;

	for (char *part = strtok_r(copy, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save)) {
		size_t len = strlen(part);

		if (streq(part, ".") || streq(part, "..")) {
			free(out);
			return NULL;
		}
		out[n++] = '/';
		memcpy(out + n, part, len);
		n += len;
	}
	return out;
}

/* NULL when homes may be there. */
static const char *
objection(const char *path)
{
	if (path == NULL)
		return "\".\" or \"..\" is in it";
	if (strlen(path) >= PATH_MAX)
		return "it is too long";
	for (const char *s = path; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == '\177')
			return "a control character is in it";
	}
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		if (is_at_or_below(path, trees[i]))
			return "it belongs to the system";
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (streq(path, places[i]))
			return "it belongs to the system";
	}
	return NULL;
}

/* As one word of a unit file: in quotes, with specifiers taken literally. */
static char *
quoted(const char *path)
{
	char *word = xcalloc(1, strlen(path) * 2 + 1), *out = word;

	for (const char *s = path; *s != '\0'; s++) {
		if (*s == '%')
			*out++ = '%';
		else if (*s == '"' || *s == '\\')
			*out++ = '\\';
		*out++ = *s;
	}
	return word;
}

/* What is to be granted for this prefix, quoted; NULL: nothing. */
static char *
grant(const char *prefix, dropin_refused_fn *refused, void *arg)
{
	cleanup_(freep) char *path = NULL;
	const char *why;

	if (prefix == NULL)
		return NULL;
	path = simplify(prefix);
	why = objection(path);
	if (why != NULL) {
		refused(arg, prefix, why);
		return NULL;
	}
	return is_at_or_below(path, "/home") ? NULL : quoted(path);
}

char *
dropin_text(const struct config *c, dropin_refused_fn *refused, void *arg)
{
	cleanup_(freep) char *seen = grant(c->home_prefix, refused, arg);
	cleanup_(freep) char *real = grant(c->home_mount_prefix, refused, arg);
	cleanup_(freep) char *mounts = NULL, *paths = NULL;

	if (seen == NULL && real == NULL)
		return NULL;
	mounts = xasprintf("RequiresMountsFor=\"%s\"\n", seen != NULL ? seen : real);
	paths = xasprintf("ReadWritePaths=\"-%s\"\n", seen != NULL ? seen : real);
	if (seen == NULL || real == NULL || streq(seen, real))
		return xasprintf("# Made from " KU_PATH_UNIXD_CONFIG "\n[Unit]\n%s"
				 "[Service]\n%s",
		    mounts, paths);
	return xasprintf(
	    "# Made from " KU_PATH_UNIXD_CONFIG "\n[Unit]\n%s"
	    "RequiresMountsFor=\"%s\"\n[Service]\n%sReadWritePaths=\"-%s\"\n",
	    mounts, real, paths, real);
}
