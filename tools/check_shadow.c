/* SPDX-License-Identifier: MPL-2.0 */
/*
 * pam_unix asks libc for the account, which may be one of the server, and /etc/shadow for the
 * rest, without asking whether the two belong together. So a line that was left there when an
 * account was taken out of /etc/passwd by hand decides about whoever of the server has the
 * name: its old password opens, and its account phase, which stands before ours on Debian,
 * says yes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/name.h"
#include "src/base/util.h"
#include "src/map/map.h"
#include "src/prog/xalloc.h"
#include "tools/check_internal.h"

#define SHADOW     "/etc/shadow"
#define MAX_PASSWD 4096

/* Sorted; each borrowed from the text. */
struct accounts {
	char **v;
	size_t n;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The first field of each line, ended in place. */
static void
take_names(struct accounts *a, char *text)
{
	char *line;
	size_t cap = 0;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (strchr(line, ':') == NULL)
			continue;
		if (a->n == cap) {
			cap = cap * 2 + 64;
			a->v = xreallocarray(a->v, cap, sizeof(*a->v));
		}
		line[strcspn(line, ":")] = '\0';
		a->v[a->n++] = line;
	}
}

static bool
is_known_here(const struct check *c, const struct name *name)
{
	cleanup_(freep) char *path = check_path(c, KU_PATH_MAP);
	struct map map = MAP_INIT(path);
	cleanup_(freep) char *buf = xmalloc(MAX_PASSWD);
	struct passwd pw;
	enum map_answer answer = map_passwd_by_name(&map, name, MAP_ANY_AGE, &pw, buf,
	    MAX_PASSWD);

	map_close(&map);
	return answer == MAP_HIT;
}

static void
judge(struct check *c, const struct accounts *here, char *text)
{
	struct accounts lines = { 0 };

	take_names(&lines, text);
	for (size_t i = 0; i < lines.n; i++) {
		struct name name;

		if (name_parse(lines.v[i], strlen(lines.v[i]), &name) != 0 ||
		    (here->n > 0 &&
			bsearch(&lines.v[i], here->v, here->n, sizeof(*here->v),
			    compare) != NULL))
			continue;
		check_found(c, CHECK_SHADOW_LEFT, lines.v[i],
		    "is in " SHADOW " and not in " KU_PATH_ETC_PASSWD "%s",
		    is_known_here(c, &name) ? ", and somebody of the server has the name"
					    : "");
	}
	check_fine(c, SHADOW, "%zu lines were looked at", lines.n);
	free((void *)lines.v);
}

void
check_shadow(struct check *c)
{
	cleanup_(freep) char *shadow = NULL, *passwd = NULL;
	struct accounts here = { 0 };
	int rc = check_read(c, SHADOW, &shadow);

	if (rc == -EACCES || rc == -EPERM)
		check_unseen(c, SHADOW, "needs root");
	/* Without the accounts every line would look left over. */
	if (rc < 0 || check_read(c, KU_PATH_ETC_PASSWD, &passwd) < 0)
		return;
	take_names(&here, passwd);
	if (here.n > 0)
		qsort((void *)here.v, here.n, sizeof(*here.v), compare);
	judge(c, &here, shadow);
	free((void *)here.v);
}
