/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The alias is the only thing here that changes after it was made: people are renamed,
 * prefixes move. What may be replaced is decided by the thing that stands there alone: a
 * link, of root's, whose text leads to a home of ours. Everything else was put there by an
 * administrator and stays, also a link to some other directory beside the homes: what people
 * are called is the server's to say.
 *
 * Old links of the same home go just before the new one gets its name, so a run that is
 * interrupted leaves no new link, and the next session does all of it again.
 */
#include "tasks/alias.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "tasks/at.h"
#include "tasks/home.h"

/* Prefix, '/', and a name; longer links are not ours. */
#define TARGET_MAX 2048

static void
closedirp(DIR **d)
{
	if (*d != NULL)
		(void)closedir(*d);
}

/* What follows "DIR/" in the text, or NULL. */
static const char *
below(const char *target, const char *dir)
{
	size_t len = strlen(dir);

	if (strncmp(target, dir, len) != 0 || target[len] != '/')
		return NULL;
	return target + len + 1;
}

static const char *
in_homes(const struct prefix *homes, const char *target)
{
	const char *name = below(target, homes->path);

	if (name == NULL)
		name = below(target, homes->real);
	return name != NULL && strchr(name, '/') == NULL ? name : NULL;
}

bool
alias_target_is_home(const struct prefix *homes, const struct alias *a,
    const char *target)
{
	const char *name = in_homes(homes, target);

	return name != NULL && streq(name, a->home);
}

/* Up to the '@' that a name may have. */
static bool
is_same_short(const char *a, const char *b)
{
	size_t len = strcspn(a, "@");

	return strcspn(b, "@") == len && memcmp(a, b, len) == 0;
}

bool
alias_home_is_ours(const struct alias *a, const char *name)
{
	struct name n, alias;

	if (name_parse(name, strlen(name), &n) < 0)
		return false;
	if (n.kind == NAME_UUID || streq(name, a->home))
		return true;
	/* home_attr was another one: a name of the person's. */
	return name_parse(a->name, strlen(a->name), &alias) == 0 &&
	    (alias.kind == NAME_UUID || is_same_short(n.text, alias.text));
}

bool
alias_target_is_ours(const struct prefix *homes, const struct alias *a,
    const char *target)
{
	const char *name = in_homes(homes, target);
	const char *last = strrchr(target, '/');

	if (name != NULL && alias_home_is_ours(a, name))
		return true;
	/* home_mount_prefix was another one when the link was made. */
	return target[0] == '/' && last != NULL && streq(last + 1, a->uuid);
}

/* The text of a link of root's; false: not such a link. */
static bool
read_link(int dir, const char *name, char target[TARGET_MAX])
{
	struct stat st;
	ssize_t n;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode) ||
	    st.st_uid != 0)
		return false;
	n = readlinkat(dir, name, target, TARGET_MAX);
	if (n < 0 || n >= TARGET_MAX)
		return false;
	target[n] = '\0';
	return true;
}

/* A directory of the person's own under the alias' name serves; it was there before us. */
static int
in_the_way(const struct prefix *where, const struct alias *a, const struct stat *st,
    struct why *why)
{
	if (S_ISDIR(st->st_mode) && st->st_uid == a->uid) {
		log_warn("alias: a real directory stands there and is kept path=%s/%s",
		    where->path, a->name);
		return ALIAS_KEPT;
	}
	return why_set(why, -EEXIST,
	    "%s/%s is in the way (%s of uid %u) and was left as it is", where->path,
	    a->name,
	    S_ISDIR(st->st_mode)       ? "a directory"
		: S_ISLNK(st->st_mode) ? "a link that is not ours"
				       : "a file",
	    st->st_uid);
}

/* Other links of ours to the same home: the person had another name. */
static void
remove_old(const struct prefix *where, const struct prefix *homes, const struct alias *a)
{
	int fd = openat(where->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_(closedirp) DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char target[TARGET_MAX];
	const struct dirent *e;

	if (d == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if ((e->d_type != DT_LNK && e->d_type != DT_UNKNOWN) ||
		    streq(e->d_name, a->name) || home_is_temp_name(e->d_name) ||
		    !read_link(where->fd, e->d_name, target) ||
		    !alias_target_is_home(homes, a, target))
			continue;
		if (unlinkat(where->fd, e->d_name, 0) == 0)
			log_info("alias: removed the old one path=%s/%s", where->path,
			    e->d_name);
	}
}

static int
put_link(const struct prefix *where, const struct prefix *homes, const struct alias *a,
    struct why *why)
{
	cleanup_(freep) char *target = xasprintf("%s/%s", homes->path, a->home);
	char temp[HOME_TEMP_LEN + 1];
	int rc = home_temp_name(temp);

	if (rc < 0)
		return why_set(why, rc, "no random numbers");
	if (symlinkat(target, where->fd, temp) < 0)
		return why_set(why, -errno, "%s: cannot make a link: %s", where->path,
		    strerror(errno));
	remove_old(where, homes, a);
	if (renameat(where->fd, temp, where->fd, a->name) == 0)
		return ALIAS_MADE;
	rc = why_set(why, -errno, "%s/%s: cannot be put in place: %s", where->path,
	    a->name, strerror(errno));
	(void)unlinkat(where->fd, temp, 0);
	return rc;
}

int
alias_link(const struct prefix *where, const struct prefix *homes, const struct alias *a,
    struct why *why)
{
	char target[TARGET_MAX];
	struct stat st;

	if (fstatat(where->fd, a->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return why_set(why, -errno, "%s/%s: %s", where->path, a->name,
			    strerror(errno));
		return put_link(where, homes, a, why);
	}
	if (!read_link(where->fd, a->name, target))
		return in_the_way(where, a, &st, why);
	if (alias_target_is_home(homes, a, target))
		return ALIAS_THERE;
	if (!alias_target_is_ours(homes, a, target))
		return in_the_way(where, a, &st, why);
	return put_link(where, homes, a, why);
}
